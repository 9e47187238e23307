// What an answer that is not a page means: the table of design section 9, and how long a throttled budget waits.
// The only place that turns statuses, bodies and socket errors of Harvest into PublisherError.
import { isDistrust, PublisherError } from '../base/errors.js';
const DEFAULT_PAUSE_MS = 15_000;
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_TEXT = 300;
/** How long the whole budget waits when this answer asks to slow down; null when it does not. */
export function pauseOf(answer, now) {
    const retryAfter = answer.headers['retry-after'];
    if (answer.status !== 429 && !(answer.status === 503 && retryAfter !== undefined))
        return null;
    return Math.max(SHORTEST_PAUSE_MS, retryAfterMs(retryAfter?.trim() ?? '', serverTimeOf(answer, now)));
}
function retryAfterMs(value, serverTime) {
    // Nine digits are thirty years; a longer number is noise, and would not fit a date.
    if (/^\d{1,9}$/.test(value))
        return Number(value) * 1000;
    const until = httpDate(value);
    return until === null ? DEFAULT_PAUSE_MS : until - serverTime;
}
/** Clocks may differ by this much before ours is taken for broken. */
const SKEW_MAX_MS = 3_600_000;
/** The `Date` header in ms; `now` when it is missing or unreadable. */
export function serverTimeOf(answer, now) {
    return httpDate(answer.headers.date ?? '') ?? now;
}
/**
 * The time up to which an answer speaks, for cursors: the earlier of Harvest's clock and ours when we asked. A `Date` that runs
 * ahead of the clock that writes `updated_at` would leave changes out for ever; one that is behind costs a few rows read again.
 * Ours counts only while it is not hours off.
 */
export function answeredUpTo(answer, sentAt) {
    const date = serverTimeOf(answer, sentAt);
    return Math.max(Math.min(date, sentAt), date - SKEW_MAX_MS);
}
function httpDate(text) {
    // Date.parse alone makes a date of `soon 1`.
    if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text))
        return null;
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? null : ms;
}
/** The failure that an answer other than 200 stands for; `body` is its text, empty when it could not be read. */
export function refusal(answer, body, place) {
    const { status } = answer;
    const said = (message) => `${address(place)} answered ${status}${message === null ? '' : `: ${message}`}`;
    const message = bodyMessage(body, place);
    const stream = place.stream === null ? {} : { stream: place.stream.name };
    if (status === 408 || status >= 500)
        return new PublisherError('harvest.server', said(null), stream);
    if (status < 300)
        return unparsable(place, `status ${status} is not a list`);
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
            if (place.stream === null || parsedObject(body) === null) {
                return new PublisherError('harvest.not_found', said(parsedObject(body) === null ? 'a page that is not Harvest JSON' : message), {
                    ...stream,
                    remedy: 'There is no such address: check harvest.base_url and what stands between here and Harvest.',
                });
            }
            return new PublisherError('harvest.not_found', said(message), { ...stream, ...roleRemedy(place.stream) });
        default:
            return new PublisherError('harvest.refused', said(message ?? redirection(answer, place)), stream);
    }
}
function roleRemedy(stream) {
    if (stream === null)
        return {};
    return {
        remedy: `This stream can be read by: ${stream.permission}. Give the token's owner that role, or set streams.${stream.name}.enabled: false.`,
    };
}
/** The answer was not what a Harvest list or record looks like. */
export function unparsable(place, reason) {
    const stream = place.stream === null ? {} : { stream: place.stream.name };
    return new PublisherError('harvest.unparsable', `${address(place)}: ${reason}`, stream);
}
/** No whole answer came. The foreign error is not kept as cause: parsers attach pieces of the exchange to theirs. */
export function brokenExchange(request, thrown) {
    const first = thrown instanceof AggregateError ? (thrown.errors[0] ?? thrown) : thrown;
    const { code, message } = first;
    // Node's own messages begin with what failed and hold the code; others leave it out.
    const told = typeof message === 'string' ? message : '';
    const reason = (typeof code === 'string' && !told.includes(code) ? `${code} ${told}` : told).trim() || 'no answer';
    const place = { request, stream: null, conceal: (text) => text };
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
        return unparsable(place, 'the body is too large for a page');
    const remedy = isDistrust(code) ? UNTRUSTED : {};
    return new PublisherError('harvest.network', `${address(place)}: ${quotable(reason, place)}`, remedy);
}
const UNTRUSTED = {
    remedy: 'The certificate is not trusted here, so nothing was sent. If a proxy of yours stands in between, name its authority in harvest.ca_file; the request is repeated by itself.',
};
function bodyMessage(body, place) {
    const parsed = parsedObject(body);
    const text = parsed?.message ?? parsed?.error_description ?? parsed?.error;
    return typeof text === 'string' && text !== '' ? quotable(text, place) : null;
}
/** The body as a JSON object, which is how Harvest itself answers; null for the pages of proxies. */
export function parsedObject(body) {
    try {
        const parsed = JSON.parse(body);
        return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null;
    }
    catch {
        return null;
    }
}
function redirection(answer, place) {
    const { location } = answer.headers;
    if (location === undefined || !URL.canParse(location, place.request.url))
        return null;
    return `it sends us to ${new URL(location, place.request.url).origin}, which is not followed`;
}
function address({ request }) {
    return `${request.method} ${request.url.slice(0, LONGEST_TEXT)}`;
}
/** Text of others, fit for one line of a log. */
function quotable(text, place) {
    const line = place
        .conceal(text)
        .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
        .trim();
    return line.length <= LONGEST_TEXT ? line : `${line.slice(0, LONGEST_TEXT - 1)}…`;
}
