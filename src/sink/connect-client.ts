// Kafka Connect's REST API, as much of it as one connector needs. Repeats nothing; what its answers mean is decided here once.
import { Agent, request } from 'undici';
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import type { ConnectorConfig } from './connector.ts';

/** Connect's words: RUNNING, FAILED, PAUSED, STOPPED, UNASSIGNED, RESTARTING. */
export interface ConnectorState {
  readonly state: string;
  /** The stack trace of what ended it; only when FAILED. */
  readonly trace: string | null;
}

export interface ConnectorStatus {
  readonly connector: ConnectorState;
  readonly tasks: readonly (ConnectorState & { readonly id: number })[];
}

/**
 * All methods throw PublisherError: connect.unavailable when nobody answers or Connect is busy with itself, connect.refused
 * when it does not take what it is given, connect.unauthorised (401, 403).
 */
export interface ConnectClient {
  /** Makes the connector, or gives it these settings. */
  put(name: string, config: ConnectorConfig): Promise<void>;
  /** Null when there is no such connector. */
  status(name: string): Promise<ConnectorStatus | null>;
  /** Starts again what has failed of it. */
  restartFailed(name: string): Promise<void>;
  /** Ends its tasks; the connector stays. */
  stop(name: string): Promise<void>;
  /** Forgets how far a stopped connector has read. Throws connect.unavailable as long as its tasks still run. */
  forgetOffsets(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  close(): Promise<void>;
}

/** For one answer: Connect validates settings for some seconds, and forwards requests to its leader. */
const TIMEOUT_MS = 60_000;
const LARGEST_ANSWER_BYTES = 4 * 2 ** 20;

/** `url` has no slash at its end. */
export function createConnectClient(url: string, clock: Clock): ConnectClient {
  const agent = new Agent({ maxResponseSize: LARGEST_ANSWER_BYTES, connect: { rejectUnauthorized: true } });

  async function ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<Answer> {
    const timeout = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => timeout.abort());
    try {
      const response = await request(`${url}${path}`, {
        method,
        headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
        body: body ? JSON.stringify(body) : null,
        dispatcher: agent,
        signal: timeout.signal,
      });
      return { call: `${method} ${url}${path}`, status: response.statusCode, body: parse(await response.body.text()) };
    } catch (cause) {
      const reason = timeout.signal.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : reasonOf(cause);
      throw new PublisherError('connect.unavailable', `Kafka Connect ${url}: ${reason}`, { cause });
    } finally {
      cancel();
    }
  }

  const connector = (name: string) => `/connectors/${encodeURIComponent(name)}`;
  const done = async (answer: Promise<Answer>): Promise<void> => void expectDone(await answer);

  return {
    put: (name, config) => done(ask('PUT', `${connector(name)}/config`, config)),
    async status(name) {
      const answer = await ask('GET', `${connector(name)}/status`);
      return answer.status === 404 && isObject(answer.body) ? null : statusIn(answer);
    },
    restartFailed: (name) => done(ask('POST', `${connector(name)}/restart?includeTasks=true&onlyFailed=true`)),
    stop: (name) => done(ask('PUT', `${connector(name)}/stop`)),
    async forgetOffsets(name) {
      const answer = await ask('DELETE', `${connector(name)}/offsets`);
      // Tasks take a while to end, and Connect calls that a bad request.
      if (answer.status === 400) throw busy(answer);
      expectDone(answer);
    },
    resume: (name) => done(ask('PUT', `${connector(name)}/resume`)),
    close: () => agent.destroy(),
  };
}

interface Answer {
  readonly call: string;
  readonly status: number;
  /** Undefined when it is not JSON. */
  readonly body: unknown;
}

function expectDone(answer: Answer): unknown {
  const { call, status, body } = answer;
  if (status < 300) return body;
  if (status === 401 || status === 403) throw new PublisherError('connect.unauthorised', `${call} answered ${status}`);
  const isInWords = isObject(body) && typeof body.message === 'string';
  // 409: the workers are sharing out their tasks; 503: they have no leader yet; 404 without a word: the worker has only begun.
  if (status === 409 || status === 503 || (status === 404 && !isInWords)) throw busy(answer);
  if (!isInWords) throw stranger(answer);
  throw new PublisherError('connect.refused', `${call} answered ${status}: ${body.message}`);
}

function stranger({ call, status }: Answer): PublisherError {
  return new PublisherError('connect.refused', `${call} answered ${status}, and not as Kafka Connect does`, {
    remedy: 'Something else is at this address: check --connect-url.',
  });
}

function busy({ call, status, body }: Answer): PublisherError {
  const said = isObject(body) && typeof body.message === 'string' ? `: ${body.message}` : '';
  return new PublisherError('connect.unavailable', `${call} answered ${status}${said}`);
}

function statusIn(answer: Answer): ConnectorStatus {
  const body = expectDone(answer);
  if (!isObject(body) || !isObject(body.connector) || !Array.isArray(body.tasks)) throw stranger(answer);
  const tasks: readonly (Reported & { readonly id: number })[] = body.tasks;
  return { connector: stateIn(body.connector), tasks: tasks.map((task) => ({ id: task.id, ...stateIn(task) })) };
}

interface Reported {
  readonly state?: unknown;
  readonly trace?: unknown;
}

function stateIn(member: Reported): ConnectorState {
  return { state: String(member.state), trace: typeof member.trace === 'string' ? member.trace : null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Node keeps the reasons of several tried addresses in `errors`. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
