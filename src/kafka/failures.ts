// kafkajs' errors in our words, translated once at this border. By type, name and code of the innermost cause, never by
// kafkajs' `retriable` flag: it is false for wrapped transient errors and absent from plain TypeErrors.
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import { type ErrorCode, isDistrust, PublisherError } from '../base/errors.ts';

/** The place that a failure names to the operator. */
export interface BrokerPlace {
  readonly brokers: string;
  readonly prefix: string;
  readonly groupId?: string;
  readonly transactionalId?: string;
}

interface Cause {
  readonly name: string;
  /** Kafka's error name when the broker answered with one. */
  readonly type: string;
  readonly code: string;
  readonly message: string;
  /** `host:port` of the broker that could not be reached, when kafkajs says. */
  readonly broker: string;
  /** The topic that could not be made. */
  readonly topic: string;
}

/** `doing` completes "while …". PublisherErrors pass unchanged. */
export function translate(error: unknown, doing: string, place: BrokerPlace): PublisherError {
  const own = ownIn(error);
  if (own !== null) return own;
  const cause = innermost(error);
  const told = `${cause.topic && `topic ${cause.topic}: `}${cause.message} (while ${doing}, brokers ${place.brokers})`;
  const failure = (code: ErrorCode, remedy?: string | null) =>
    new PublisherError(code, told, { cause: error, ...(remedy ? { remedy } : {}) });
  const acl = missingAcl(cause.type, place);
  if (acl) {
    const grant = `kafka-acls.sh --bootstrap-server ${place.brokers} --add --allow-principal User:<name> ${acl}`;
    return failure('kafka.unauthorised', `Grant it: ${grant}\n${deniesWin(place.brokers)}`);
  }
  if (isLogin(cause)) return failure('kafka.unauthorised');
  if (TOO_LARGE.has(cause.type)) return failure('kafka.record_too_large');
  if (cause.type === 'INVALID_TIMESTAMP') return failure('kafka.clock_ahead');
  if (lacksReplicas(error)) {
    const remedy = `topics.replication_factor (or default.replication.factor of ${place.brokers}) asks for more brokers than are up: start them, or lower it.`;
    return failure('kafka.topic_contract', remedy);
  }
  if (CONTRACT.has(cause.type)) return failure('kafka.topic_contract');
  if (WRONG_LISTENER.test(cause.message)) {
    const remedy = `The broker hangs up: it is stopping, or kafka.ssl and kafka.sasl do not fit its listener at ${place.brokers}.`;
    return failure('kafka.unavailable', remedy);
  }
  if (cause.type === 'KAFKA_STORAGE_ERROR') {
    const remedy = `A broker of ${place.brokers} cannot write to its disk: make room in its log.dirs, or replace the disk, and start it again; nothing is lost.`;
    return failure('kafka.unavailable', remedy);
  }
  return isUnreachable(cause) ? failure('kafka.unavailable', advertised(cause, place)) : failure('kafka.doubt');
}

/**
 * Whether a producer with our transactional id was initialised after ours. INVALID_PRODUCER_EPOCH is how it arrives at
 * the protocol versions that kafkajs speaks; PRODUCER_FENCED (90) is outside its table.
 */
export function isFencing(error: unknown): boolean {
  const { type, message } = innermost(error);
  return (
    type === 'INVALID_PRODUCER_EPOCH' ||
    (type === 'KAFKAJS_UNKNOWN_ERROR_CODE' && /\b90\b/.test(message)) ||
    type === 'PRODUCER_FENCED'
  );
}

/** The error code of a topic, or of one of its partitions, in an answer that we decode ourselves, as kafkajs would throw it. */
export function brokerError(code: number, topic: string, partition?: number): Error {
  const error = createErrorFromCode(code);
  error.message = `${topic}${partition === undefined ? '' : ` partition ${partition}`}: ${error.message}`;
  return error;
}

/** A broker took the request and was silent: its connection may be a dead one that nobody has told us of. */
export function isUnanswered(error: unknown): boolean {
  return innermost(error).name === 'KafkaJSRequestTimeoutError';
}

/** The broker that answered does not know the topic, or nobody leads it: it is new, or gone. */
export function isUnknownTopic(error: unknown): boolean {
  return ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(innermost(error).type);
}

/** Kafka's name of what a broker answered; empty when none did. */
export function answeredWith(error: unknown): string {
  return innermost(error).type;
}

/** We may not do that with a topic; kafkajs does not say with which. */
export function isTopicRefused(error: unknown): boolean {
  return innermost(error).type === 'TOPIC_AUTHORIZATION_FAILED';
}

/** Why a right that was given may be missing all the same. */
export function deniesWin(brokers: string): string {
  return `An ACL that denies wins over all that allow; this shows both: kafka-acls.sh --bootstrap-server ${brokers} --list`;
}

/** Fewer brokers than replicas are known to the controller: now, or for good. */
export function lacksReplicas(error: unknown): boolean {
  return innermost(error).type === 'INVALID_REPLICATION_FACTOR';
}

/** Trying again by itself cannot help. */
export function isLasting(error: unknown): boolean {
  const own = ownIn(error);
  if (own !== null) return own.kind !== 'reopen';
  const cause = innermost(error);
  return (
    isLogin(cause) ||
    cause.type.endsWith('AUTHORIZATION_FAILED') ||
    cause.type === 'OFFSET_OUT_OF_RANGE' ||
    CONTRACT.has(cause.type)
  );
}

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
const CONTRACT = new Set([
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_CONFIG',
  'INVALID_TRANSACTION_TIMEOUT',
  'POLICY_VIOLATION',
  'INVALID_RECORD',
]);
const UNREACHABLE = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSMetadataNotLoaded',
]);

const WRONG_LISTENER =
  /^Closed connection$|closed before the first answer|before secure TLS connection|Connection closed by the server/;

function isUnreachable(cause: Cause): boolean {
  return UNREACHABLE.has(cause.name) || cause.message === 'Broker not connected' || /^E[A-Z]{4,}$/.test(cause.code);
}

/** The remedy when a bootstrap broker has answered, and another address that it gave leads nowhere. */
function advertised({ broker, code }: Cause, { brokers }: BrokerPlace): string | null {
  // Names that the socket factory resolves stand for bootstrap brokers.
  if (broker === '' || brokers.split(',').includes(broker) || /^bootstrap-\d+:/.test(broker)) return null;
  const [host] = broker.split(/:\d+$/);
  const said = `A broker of ${brokers} answered and said that ${broker} is the address of one (advertised.listeners)`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `${said}, a name that cannot be resolved from here: advertise another one, or make ${host} resolve here.`;
  }
  return `${said}, which cannot be reached from here: start that broker, or advertise an address that can.`;
}

function isLogin(cause: Cause): boolean {
  return (
    cause.name === 'KafkaJSSASLAuthenticationError' ||
    ['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE', 'SECURITY_DISABLED'].includes(
      cause.type,
    ) ||
    isDistrust(cause.code) ||
    // node:tls says this of a peer that does not speak TLS.
    /^ERR_(TLS|SSL)_|^EPROTO$/.test(cause.code)
  );
}

function missingAcl(type: string, { prefix, transactionalId, groupId }: BrokerPlace): string | null {
  switch (type) {
    case 'TOPIC_AUTHORIZATION_FAILED':
      return `--operation Read --operation Write --operation Create --operation DescribeConfigs --topic ${prefix}. --resource-pattern-type prefixed`;
    case 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED':
      return `--operation Write --operation Describe --transactional-id ${transactionalId ?? `${prefix}-`}`;
    case 'GROUP_AUTHORIZATION_FAILED':
      return `--operation Read --operation Describe --group ${groupId ?? '<cluster.group_id>'}`;
    case 'CLUSTER_AUTHORIZATION_FAILED':
      return '--operation IdempotentWrite --operation Create --cluster';
    default:
      return null;
  }
}

/** An error of ours, as it is or as kafkajs wrapped it: the token for a log-in could not be had. */
function ownIn(error: unknown): PublisherError | null {
  let inner = error;
  for (let depth = 0; depth < 10 && inner; depth++) {
    if (inner instanceof PublisherError) return inner;
    inner = child(inner);
  }
  return null;
}

function innermost(error: unknown): Cause {
  let inner = error;
  // KafkaJSNumberOfRetriesExceeded and its kin wrap; KafkaJSAggregateError (topic creation) carries a list.
  for (let depth = 0; depth < 10; depth++) {
    const next = child(inner);
    if (!next) break;
    inner = next;
  }
  const { name, type, code, message, broker, topic } = inner as Partial<Record<keyof Cause, unknown>>;
  return {
    name: text(name),
    type: text(type),
    code: text(code),
    message: text(message) || String(inner),
    broker: text(broker),
    topic: text(topic),
  };
}

function child(error: unknown): unknown {
  if (!(error instanceof Error)) return null;
  const { errors } = error as { errors?: unknown };
  return error.cause ?? (Array.isArray(errors) ? errors[0] : null);
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
