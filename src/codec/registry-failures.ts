// Failures of a registry: the only place that turns its statuses, codes and socket errors into PublisherError.
import { isDistrust, PublisherError } from '../base/errors.ts';
import { proxyRefusal } from '../base/http-agent.ts';

export interface RegistryAnswer {
  /** The address that gave it. */
  readonly where: string;
  readonly status: number;
  /** Null when it is no JSON object. */
  readonly body: { readonly [member: string]: unknown } | null;
}

export interface RegistryCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly schema?: object;
  /** For messages: a subject or an id. */
  readonly about: string;
}

/** Why one attempt brought no answer. */
export interface Failure {
  readonly where: string;
  readonly reason: string;
  /** Undefined when there was an answer. */
  readonly cause: unknown;
  /** It says nothing against the request, which comes too early. */
  readonly isLimit: boolean;
  /** How long nothing may be asked, if the answer says so. */
  readonly pauseMs: number | null;
}

/** The client was closed. */
export const STOPPED: Failure = { where: '', reason: 'stopped', cause: undefined, isLimit: false, pauseMs: null };

/** Nobody answered, or only with an error of their own. */
export function unavailable({ where, reason, cause }: Failure): PublisherError {
  const remedy = isDistrust((cause as { code?: unknown } | undefined)?.code)
    ? UNTRUSTED
    : proxyRefusal(cause) === null
      ? {}
      : PROXY_REFUSED;
  return new PublisherError('registry.unavailable', `schema registry ${where}: ${reason}`, { cause, ...remedy });
}

/** Whoever answered wants to be left alone for so long. */
export function throttled({ where, reason }: Failure, ms: number): PublisherError {
  const seconds = Math.ceil(ms / 1000);
  return new PublisherError('registry.throttled', `schema registry ${where}: ${reason}, no request for ${seconds} s`);
}

/** Registries answer this to an operation that their mode does not permit. */
const NOT_PERMITTED = 42_205;
const READ_ONLY = {
  remedy:
    'The registry is read-only here (GET /mode tells): register the schemas where it is written to, with harvest-kafka schemas register --set schema_registry.url=…, and set schema_registry.auto_register: false; or let it be written to, with PUT /mode.',
};

/** The answer says no; `said` is what it adds, without our secrets. */
export function refusal(
  { method, path, about }: RegistryCall,
  { where, status, body }: RegistryAnswer,
  said: string,
): PublisherError {
  if (status === 401 || status === 403) {
    return new PublisherError('registry.unauthorised', `the schema registry answered ${status} for ${about}`);
  }
  if (status === 409) return new PublisherError('registry.incompatible', `${about} does not take our schema${said}`);
  if (Number(body?.error_code) === NOT_PERMITTED) {
    return new PublisherError('registry.refused', `${about} was not registered${said}`, READ_ONLY);
  }
  if (status === 422) return new PublisherError('registry.invalid', `${about} was not accepted as Avro${said}`);
  return new PublisherError('registry.refused', `${method} ${where}${path} was answered ${status}${said}`);
}

const PROXY_REFUSED = {
  remedy: 'Check schema_registry.proxy_url, or HTTPS_PROXY and NO_PROXY, and the log-in of the proxy.',
};

const UNTRUSTED = {
  remedy: 'The certificate is not trusted here, so nothing was sent: name its authority in schema_registry.ca_file.',
};

/** A connection error in one line; Node keeps the reason of several tried addresses in `errors`. */
export function reasonOf(error: unknown): string {
  const refused = proxyRefusal(error);
  if (refused !== null) return `the proxy answered ${refused}`;
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
