// The meaning of an answer that is not a page (HARVEST-API, Errors), and how long a throttled budget waits.
// The only place that turns statuses, bodies and socket errors of Harvest into PublisherError.
import { isDistrust, PublisherError } from '../base/errors.ts';
import { proxyRefusal } from '../base/http-agent.ts';
import { httpDate, retryAfterMs } from '../base/http-time.ts';
import { parsedObject } from '../base/json.ts';
import { ANYONE, type StreamDefinition } from '../streams/definition.ts';
import type { HttpAnswer, HttpRequest } from './transport.ts';

/** The request and the stream that a failure names. */
export interface RequestPlace {
  readonly request: Pick<HttpRequest, 'method' | 'url'>;
  /** null when the request is about the token, not about a stream. */
  readonly stream: StreamDefinition | null;
  /** Removes our secrets from text that others wrote: some proxies print a request's headers in their error pages. */
  conceal?(text: string): string;
}

const DEFAULT_PAUSE_MS = 15_000;
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_TEXT = 300;

/** How long the whole budget waits when this answer asks to slow down; null when it does not. */
export function pauseOf(answer: HttpAnswer, now: number): number | null {
  const retryAfter = answer.headers['retry-after'];
  if (answer.status !== 429 && !(answer.status === 503 && retryAfter !== undefined)) return null;
  const told = retryAfterMs(retryAfter?.trim() ?? '', serverTimeOf(answer, now));
  return Math.max(SHORTEST_PAUSE_MS, told ?? DEFAULT_PAUSE_MS);
}

/** Clocks may differ by this much before ours is taken for broken. */
const SKEW_MAX_MS = 3_600_000;

/** The `Date` header in ms; `now` when it is missing or unreadable. */
export function serverTimeOf(answer: HttpAnswer, now: number): number {
  return httpDate(answer.headers.date ?? '') ?? now;
}

/**
 * The time up to which an answer speaks, for cursors: the earlier of Harvest's clock and ours when we asked. A `Date` that runs
 * ahead of the clock that writes `updated_at` would leave changes out for ever; one that is behind costs a few rows read again.
 * Ours counts only while it is not hours off.
 */
export function answeredUpTo(answer: HttpAnswer, sentAt: number): number {
  const date = serverTimeOf(answer, sentAt);
  return Math.max(Math.min(date, sentAt), date - SKEW_MAX_MS);
}

/** `X-Request-Id`, by which Harvest's support finds a request; null when there is none, or something else stands there. */
export function requestIdOf({ headers }: HttpAnswer): string | null {
  const id = headers['x-request-id'] ?? '';
  return /^[\w.:-]{1,100}$/.test(id) ? id : null;
}

/** The failure that an answer other than 200 stands for; `body` is its text, empty when it could not be read. */
export function refusal(answer: HttpAnswer, body: string, place: RequestPlace): PublisherError {
  const { status } = answer;
  const said = (message: string | null) =>
    `${address(place)} answered ${status}${message === null ? '' : `: ${message}`}`;
  const message = bodyMessage(body, place);
  const stream = place.stream === null ? {} : { stream: place.stream.name };
  if (status === 408 || status >= 500) return new PublisherError('harvest.server', said(null), stream);
  if (status < 300) return unparsable(place, `status ${status} is not a list`);
  // Harvest answers these in JSON. The page of something in between says nothing of token, role or record.
  if ((status === 401 || status === 403 || status === 404) && parsedObject(body) === null) {
    return new PublisherError('harvest.network', said('a page that is not Harvest JSON'), {
      ...stream,
      remedy: status === 404 ? NO_SUCH_ADDRESS : IN_BETWEEN,
    });
  }
  switch (status) {
    case 401:
      return new PublisherError('harvest.unauthorised', said(message), stream);
    case 403: {
      const hint = answer.headers.hint;
      return new PublisherError('harvest.forbidden', said(message ?? (hint ? quotable(hint, place) : null)), {
        ...stream,
        ...roleRemedy(place.stream),
      });
    }
    case 404:
      return new PublisherError('harvest.not_found', said(message), {
        ...stream,
        ...(place.stream === null ? { remedy: NO_SUCH_ADDRESS } : roleRemedy(place.stream)),
      });
    default:
      return new PublisherError('harvest.refused', said(message ?? redirection(answer, place)), stream);
  }
}

const NO_SUCH_ADDRESS =
  'There is no such address: check harvest.base_url and what stands between here and Harvest. The request is repeated by itself.';
const IN_BETWEEN =
  'Something between here and Harvest answered in its place: check harvest.base_url, and the log-in of the proxy or gateway. The request is repeated by itself.';

function roleRemedy(stream: StreamDefinition | null): { remedy?: string } {
  if (stream === null) return {};
  const mend =
    stream.permission === ANYONE
      ? "See whether the token's owner is still active in this account and may still use this part of Harvest"
      : "Give the token's owner that role";
  const remedy = `This stream can be read by: ${stream.permission}. ${mend}, or set streams.${stream.name}.enabled: false.`;
  return { remedy };
}

/** The answer was not what a Harvest list or record looks like. */
export function unparsable(place: RequestPlace, reason: string): PublisherError {
  const stream = place.stream === null ? {} : { stream: place.stream.name };
  return new PublisherError('harvest.unparsable', `${address(place)}: ${reason}`, stream);
}

/** No whole answer came. The foreign error is not kept as cause: parsers attach pieces of the exchange to theirs. */
export function brokenExchange(request: HttpRequest, thrown: unknown): PublisherError {
  const first = thrown instanceof AggregateError ? (thrown.errors[0] ?? thrown) : thrown;
  const { code, message } = first as { code?: unknown; message?: unknown };
  // Node's own messages begin with what failed and hold the code; others leave it out.
  const told = typeof message === 'string' ? message : '';
  const reason = (typeof code === 'string' && !told.includes(code) ? `${code} ${told}` : told).trim() || 'no answer';
  const place: RequestPlace = { request, stream: null };
  const refused = proxyRefusal(first);
  if (refused !== null) {
    return new PublisherError('harvest.network', `${address(place)}: the proxy answered ${refused}`, PROXY_REFUSED);
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return unparsable(place, 'the body is too large for a page');
  const remedy = isDistrust(code) ? UNTRUSTED : {};
  return new PublisherError('harvest.network', `${address(place)}: ${quotable(reason, place)}`, remedy);
}

const PROXY_REFUSED = {
  remedy:
    'Check harvest.proxy_url, or HTTPS_PROXY and NO_PROXY, and the log-in of the proxy. The request is repeated by itself.',
};

const UNTRUSTED = {
  remedy:
    'The certificate is not trusted here, so nothing was sent. If a proxy of yours stands in between, name its authority in harvest.ca_file; the request is repeated by itself.',
};

function bodyMessage(body: string, place: RequestPlace): string | null {
  const parsed = parsedObject(body);
  const text = parsed?.message ?? parsed?.error_description ?? parsed?.error;
  return typeof text === 'string' && text !== '' ? quotable(text, place) : null;
}

function redirection(answer: HttpAnswer, place: RequestPlace): string | null {
  const { location } = answer.headers;
  if (location === undefined || !URL.canParse(location, place.request.url)) return null;
  return `it sends us to ${new URL(location, place.request.url).origin}, which is not followed`;
}

function address({ request }: RequestPlace): string {
  return `${request.method} ${request.url.slice(0, LONGEST_TEXT)}`;
}

/** Text of others, fit for one line of a log. */
function quotable(text: string, { conceal = String }: RequestPlace): string {
  const line = conceal(text)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return line.length <= LONGEST_TEXT ? line : `${line.slice(0, LONGEST_TEXT - 1)}…`;
}
