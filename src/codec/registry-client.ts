// Confluent's schema registry API over HTTP, as every registry understands it: decides by status and code, never by message,
// and compares no schema text. Knows addresses, fail-over, retries and log-in; which subjects we need is registry.ts.
import { setMaxListeners } from 'node:events';
import { request } from 'undici';
import type { Clock, Random } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { openAgent } from '../base/http-agent.ts';
import { retryAfterMs } from '../base/http-time.ts';
import { parsedList, parsedObject } from '../base/json.ts';
import type { Proxies } from '../base/proxies.ts';
import type { Secret } from '../base/secret.ts';
import { LookUps } from './look-ups.ts';
import { Places } from './places.ts';
import {
  type Failure,
  type RegistryAnswer,
  type RegistryCall,
  reasonOf,
  refusal,
  STOPPED,
  throttled,
  unavailable,
} from './registry-failures.ts';

interface RegistryAuth {
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly bearer_token?: Secret | undefined;
}

export interface RegistryClientOptions {
  /** Base addresses of one registry, without a slash at the end; the next one is asked when one fails. */
  readonly urls: readonly string[];
  readonly auth?: RegistryAuth | undefined;
  /** PEM text of the certificate authority to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly proxies?: Proxies | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** For one attempt, from the sending to the last byte. */
  readonly timeoutMs?: number;
  /** The registry limits us: nothing is asked for so long. */
  readonly onLimited?: (error: PublisherError, pauseMs: number) => void;
}

export type RegistryClient = ReturnType<typeof createRegistryClient>;

const TIMEOUT_MS = 5_000;
const ROUNDS = 3;
const BACK_OFF_MS = 200;
/** A registry is small and shared: so many requests at once, whoever they are for. */
const REQUESTS_AT_ONCE = 8;
/** After a 429 that does not say how long. */
const DEFAULT_PAUSE_MS = 1_000;
/** A limit that lets nothing through for so long is told instead of waited for. */
const LIMIT_PATIENCE_MS = 60_000;
/** Four bytes of a message hold it. */
const LARGEST_ID = 2 ** 32 - 1;
/** A schema is a few kilobytes. */
const LARGEST_ANSWER_BYTES = 2 ** 20;
/** The registry's own number of a 404 for a subject that it does not have. */
const NO_SUBJECT = 40_401;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/**
 * All methods throw PublisherError: registry.unavailable after the last retry, registry.throttled when nothing else is
 * answered, registry.unauthorised (401, 403), registry.incompatible (409), registry.invalid (422), registry.refused (other
 * answers). Safe to repeat: what was registered once is not asked for again.
 */
export function createRegistryClient(options: RegistryClientOptions) {
  const { urls, clock, random, timeoutMs = TIMEOUT_MS } = options;
  const closing = new AbortController();
  // Each request under way listens, and there are more than the ten that Node warns at.
  setMaxListeners(0, closing.signal);
  const agent = openAgent({
    connections: REQUESTS_AT_ONCE,
    maxResponseSize: LARGEST_ANSWER_BYTES,
    connectMs: timeoutMs,
    ca: options.ca,
    proxies: options.proxies,
  });
  const headers = {
    accept: `${CONTENT_TYPE}, application/json`,
    'content-type': CONTENT_TYPE,
    ...authorization(options.auth),
  };
  const conceal = concealing(options.auth);
  const places = new Places(REQUESTS_AT_ONCE);
  /** By subject and schema. */
  const registered = new Map<string, number>();
  /** Subjects that were not there when they were asked for last: they take any schema, and have no version. */
  const absent = new Set<string>();
  // The address that answered last; a failed one is left for the others.
  let preferred = 0;
  /** Until then nothing is asked; on the monotonic clock, as is the time of the last answer that was none of a limit. */
  let pausedUntil = clock.monotonic();
  let answeredAt = pausedUntil;
  /** The answer that asked for it. */
  let paused: Failure = STOPPED;
  let moves = 0;

  /** One answer, from whichever address gives one. Keeps its place between its tries, so that no crowd tries in vain. */
  async function exchange(call: RegistryCall): Promise<RegistryAnswer> {
    const begunAt = clock.monotonic();
    let failure = STOPPED;
    for (let failures = 0; failures < ROUNDS * urls.length && !closing.signal.aborted; ) {
      await pauseOver(Math.max(begunAt, answeredAt));
      const outcome = await attempt(urls[preferred % urls.length]!, call);
      if ('status' in outcome) {
        answeredAt = clock.monotonic();
        return outcome;
      }
      if (outcome.pauseMs !== null) pause(outcome, outcome.pauseMs);
      if (outcome.isLimit) continue;
      failure = outcome;
      failures++;
      preferred++;
      const round = failures / urls.length;
      if (Number.isInteger(round) && round < ROUNDS) {
        await clock.sleep(random() * BACK_OFF_MS * 2 ** round, closing.signal);
      }
    }
    const error = unavailable(failure);
    // Whoever waits behind what nobody answered need not find out one by one.
    if (failure.cause !== undefined) places.clear(error);
    throw error;
  }

  /** Waits for the end of a pause. Throws when it is a long one, or all there were since `since` have brought no answer. */
  async function pauseOver(since: number): Promise<void> {
    for (let rest = pausedMs(); rest > 0 && !closing.signal.aborted; rest = pausedMs()) {
      if (clock.monotonic() + rest - since > LIMIT_PATIENCE_MS) throw throttled(paused, rest);
      await clock.sleep(rest, closing.signal);
    }
  }

  function pausedMs(): number {
    return pausedUntil - clock.monotonic();
  }

  function pause(failure: Failure, ms: number): void {
    const before = pausedMs();
    pausedUntil = clock.monotonic() + Math.max(ms, before);
    paused = failure;
    // Those that were under way together are refused together.
    if (before <= 0) options.onLimited?.(throttled(failure, ms), ms);
  }

  async function attempt(base: string, call: RegistryCall): Promise<RegistryAnswer | Failure> {
    moves++;
    const timeout = new AbortController();
    const cancel = clock.after(timeoutMs, () => timeout.abort());
    try {
      const response = await request(`${base}${call.path}`, {
        method: call.method,
        headers,
        body: call.schema === undefined ? null : JSON.stringify({ schema: JSON.stringify(call.schema) }),
        dispatcher: agent,
        signal: AbortSignal.any([timeout.signal, closing.signal]),
      });
      const text = await response.body.text();
      const { statusCode: status } = response;
      const isLimit = status === 429;
      if (status < 500 && !isLimit) return { where: base, status, body: bodyOf(text) };
      const told = retryAfterMs(String(response.headers['retry-after'] ?? '').trim(), clock.now());
      const pauseMs = told ?? (isLimit ? DEFAULT_PAUSE_MS : null);
      return { where: base, reason: `answered ${status}`, cause: undefined, isLimit, pauseMs };
    } catch (cause) {
      const reason = timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
      return { where: base, reason, cause, isLimit: false, pauseMs: null };
    } finally {
      moves++;
      cancel();
    }
  }

  /** The body of a 200; null for a 404 in the registry's own words, with the number that it gives that. */
  async function ask(call: RegistryCall, onMissing: (number: number) => void = () => {}): Promise<Members | null> {
    const answer = await places.take(() => exchange(call));
    const body = answer.body ?? {};
    const said = typeof body.message === 'string' ? `: ${conceal(body.message)}` : '';
    if (answer.status === 200) return body;
    // Registries number their own 404s from 40401; any other 404 means that something else answers at this address.
    if (answer.status === 404 && Number(body.error_code) > 40_400) {
      onMissing(Number(body.error_code));
      return null;
    }
    throw refusal(call, answer, said);
  }

  /** Asked once: a subject that holds a schema keeps it under the same id. */
  async function remembered(
    subject: string,
    schema: object,
    ask: () => Promise<number | null>,
  ): Promise<number | null> {
    const name = `${subject} ${JSON.stringify(schema)}`;
    const id = registered.get(name) ?? (await ask());
    if (id !== null) {
      registered.set(name, id);
      absent.delete(subject);
    }
    return id;
  }

  async function askedId(call: RegistryCall, onMissing?: (number: number) => void): Promise<number | null> {
    const found = await ask(call, onMissing);
    return found === null ? null : idIn(found, call.about);
  }

  async function lookUp(subject: string, schema: object): Promise<number | null> {
    absent.delete(subject);
    return askedId(post(at(subject), subject, schema), (number) => {
      if (number === NO_SUBJECT) absent.add(subject);
    });
  }

  async function holders(id: number): Promise<ReadonlySet<string>> {
    const found = await ask({ method: 'GET', path: `/schemas/ids/${id}/versions`, about: `id ${id}` });
    const versions = (found?.[ITEMS] ?? []) as readonly { readonly subject?: unknown }[];
    return new Set(versions.map(({ subject }) => String(subject)));
  }

  const at = (subject: string, rest = '') => `/subjects/${encodeURIComponent(subject)}${rest}`;
  const post = (path: string, about: string, schema: object): RegistryCall => ({ method: 'POST', path, schema, about });

  const lookUps = new LookUps({ lookUp, holders });

  return {
    /** The id under which this subject holds the schema; null when it does not. */
    lookup: (subject: string, schema: object) => remembered(subject, schema, () => lookUps.find(subject, schema)),
    /** The id under which this subject held the schema before it was deleted, if the registry still has it; else null. */
    lookupDeleted: (subject: string, schema: object) => askedId(post(at(subject, '?deleted=true'), subject, schema)),
    /** Why the subject would not take the schema; null when it would. Writes nothing. */
    async incompatibility(subject: string, schema: object): Promise<string | null> {
      if (absent.has(subject)) return null;
      const path = `/compatibility${at(subject, '/versions/latest?verbose=true')}`;
      const verdict = await ask(post(path, subject, schema));
      if (verdict === null || verdict.is_compatible !== false) return null;
      return Array.isArray(verdict.messages) && verdict.messages.length > 0
        ? conceal(verdict.messages.join('; '))
        : 'the registry calls it incompatible with the latest version';
    },
    /** Registers the schema, or finds it registered; the id that values carry. */
    async register(subject: string, schema: object): Promise<number> {
      const call = post(at(subject, '/versions'), subject, schema);
      const id = await remembered(subject, schema, () => askedId(call));
      return id ?? idIn({}, subject);
    },
    /** The record under that id; null when the registry has none, or something else. */
    async schemaById(id: number): Promise<object | null> {
      const found = await ask({ method: 'GET', path: `/schemas/ids/${id}`, about: `id ${id}` });
      return found === null ? null : schemaIn(found, `id ${id}`);
    },
    /** The newest version; null when there is no such subject. Its schema is null when it is no Avro record. */
    async latest(subject: string) {
      if (absent.has(subject)) return null;
      const found = await ask({ method: 'GET', path: at(subject, '/versions/latest'), about: subject });
      if (found === null) return null;
      return { id: idIn(found, subject), version: Number(found.version), schema: schemaIn(found, subject) };
    },
    /** Ends every wait and drops the connections. */
    async close(): Promise<void> {
      closing.abort();
      places.clear(unavailable(STOPPED));
      await agent.destroy();
    },
    /** Attempts begun and ended so far: another number whenever something moved. */
    moves: () => moves,
  };
}

type Members = { readonly [member: string]: unknown };

/** The member of a body that stands for an answer which is a list. */
const ITEMS = 'items';

function bodyOf(text: string): Members | null {
  const items = parsedList(text);
  return items === null ? parsedObject(text) : { [ITEMS]: items };
}

function authorization(auth: RegistryAuth | undefined): Record<string, string> {
  if (auth?.bearer_token) return { authorization: `Bearer ${auth.bearer_token.reveal()}` };
  if (auth?.username === undefined) return {};
  const pair = Buffer.from(`${auth.username}:${auth.password?.reveal() ?? ''}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

/** Removes our log-in from text of others: some proxies print the headers of a request in what they say of it. */
function concealing(auth: RegistryAuth | undefined): (text: string) => string {
  const encoded = authorization(auth).authorization?.replace(/^\w+ /, '');
  const secrets = [encoded, auth?.password?.reveal(), auth?.bearer_token?.reveal()].filter((secret) => secret);
  return (text) => secrets.reduce<string>((left, secret) => left.replaceAll(secret!, '[redacted]'), text);
}

function idIn({ id }: Members, about: string): number {
  if (!Number.isInteger(id)) throw new PublisherError('registry.refused', `the answer for ${about} holds no schema id`);
  if (Number(id) >= 0 && Number(id) <= LARGEST_ID) return id as number;
  const tooLarge = `the schema id of ${about} is ${id}, and a message has room for ids up to ${LARGEST_ID}`;
  const remedy = 'Confluent’s wire format holds four bytes of schema id: use a registry that gives smaller ones.';
  throw new PublisherError('registry.refused', tooLarge, { remedy });
}

/** Null when it is no Avro record: registries hold text keys, Protobuf and JSON Schema as well. */
function schemaIn({ schema }: Members, about: string): object | null {
  if (typeof schema !== 'string')
    throw new PublisherError('registry.refused', `the answer for ${about} holds no schema`);
  return parsedObject(schema);
}
