// Every failure the program knows, by what happens next. Foreign errors are translated once, at the border of
// harvest/, codec/, kafka/ and config/; the rest of the program switches on `kind` and never reads a message.

/**
 * - transient: try again later, same cursor
 * - blocked:   one stream stands still until a person acts
 * - reopen:    the outcome of a commit is in doubt; discard the producer, fence anew, read the state back
 * - account:   everything of this account stops (bad token, fenced by a newer instance)
 * - fatal:     the process cannot run (configuration, broker contract)
 * - bug:       a relation we rely on does not hold
 */
export type ErrorKind = 'transient' | 'blocked' | 'reopen' | 'account' | 'fatal' | 'bug';

/** Exit codes: those of sysexits.h, and 79 for fenced. */
export const EXIT = {
  clean: 0,
  usage: 64,
  dataContract: 65,
  unavailable: 69,
  bug: 70,
  temporary: 75,
  notAuthorised: 77,
  configuration: 78,
  fenced: 79,
} as const;

interface CodeRow {
  readonly kind: ErrorKind;
  readonly exit: number;
  readonly remedy: string;
}

function row(kind: ErrorKind, exit: number, remedy: string): CodeRow {
  return { kind, exit, remedy };
}

/** The closed list of codes: kind, exit code and remedy of each. docs/generated/ERRORS.md is made from it. */
export const CODES = {
  'harvest.network': row(
    'transient',
    EXIT.temporary,
    'Check that harvest.base_url can be reached from here; the request is repeated by itself.',
  ),
  'harvest.server': row(
    'transient',
    EXIT.temporary,
    'Harvest answers with an error of its own; the request is repeated by itself. See www.harveststatus.com.',
  ),
  'harvest.throttled': row(
    'transient',
    EXIT.temporary,
    'Harvest asked to slow down; the budget pauses as told. Lower harvest.budgets if other programs share the account.',
  ),
  'harvest.unparsable': row(
    'transient',
    EXIT.temporary,
    'The answer was not the JSON of a Harvest list; a proxy may stand in between. The request is repeated by itself.',
  ),
  'harvest.unauthorised': row(
    'account',
    EXIT.notAuthorised,
    'Check the access token and the account id (https://id.getharvest.com/developers); make a new token if it was revoked. A running daemon asks again every minute, and reads a token that is a ${file:…} anew.',
  ),
  'harvest.forbidden': row(
    'blocked',
    EXIT.clean,
    "Give the token's owner the role this stream needs, or set streams.<name>.enabled: false.",
  ),
  'harvest.not_found': row(
    'blocked',
    EXIT.clean,
    "Some permissions are refused as 404: check the role of the token's owner, or set streams.<name>.enabled: false.",
  ),
  'harvest.nothing_readable': row(
    'account',
    EXIT.notAuthorised,
    "Check harvest.base_url, the account id and the role of the token's owner: harvest-kafka check asks each stream.",
  ),
  'harvest.partly_readable': row(
    'account',
    EXIT.notAuthorised,
    "Give the token's owner the roles that harvest-kafka check names, or set streams.<name>.enabled: false.",
  ),
  'harvest.incomplete': row(
    'account',
    EXIT.temporary,
    'Look at each stream with harvest-kafka check, then run again: what was read is kept, and reading goes on there.',
  ),
  'harvest.refused': row(
    'blocked',
    EXIT.dataContract,
    'Harvest rejects the request itself; report it with the message shown.',
  ),
  'harvest.foreign_link': row(
    'blocked',
    EXIT.dataContract,
    'A next link led to another host and was not followed, so that the token stays home. Check harvest.base_url; behind a gateway, set harvest.public_url to the address that links name.',
  ),
  'registry.unavailable': row(
    'transient',
    EXIT.unavailable,
    'Start the schema registry or correct schema_registry.url; it is needed at start only.',
  ),
  'registry.throttled': row(
    'transient',
    EXIT.temporary,
    'We wait as long as the registry says and go on by ourselves. Raise its limit, or give harvest-kafka a key of its own, if that takes too long.',
  ),
  'registry.unauthorised': row('fatal', EXIT.notAuthorised, 'Check schema_registry.auth.'),
  'registry.incompatible': row(
    'fatal',
    EXIT.dataContract,
    'The registered schema cannot be evolved into ours. Use another topics.prefix or, while nothing is on the topic, delete the subject; streams.<name>.enabled: false lets the others run meanwhile.',
  ),
  'registry.invalid': row(
    'fatal',
    EXIT.dataContract,
    'The registry does not accept the schema as Avro; report it with the message shown.',
  ),
  'registry.not_registered': row(
    'fatal',
    EXIT.dataContract,
    'Register the listed schemas (harvest-kafka schemas register) or set schema_registry.auto_register: true.',
  ),
  'registry.refused': row(
    'fatal',
    EXIT.dataContract,
    'The registry refuses the request; check that schema_registry.url ends where the Confluent API begins.',
  ),
  'registry.key_schema_changed': row(
    'fatal',
    EXIT.dataContract,
    'The keys on the topic carry another schema id than the registry gives now, so equal keys would have unequal bytes. Restore the registry, or use a new topics.prefix.',
  ),
  'registry.replaced': row(
    'fatal',
    EXIT.dataContract,
    'The registry was emptied, or is another than the records on the topic were written with: with it no consumer reads them right. Restore it or correct schema_registry.url, or use a new topics.prefix.',
  ),
  'kafka.unavailable': row(
    'reopen',
    EXIT.unavailable,
    'Start the broker (one that stopped by itself says why in its log: often its disk is full) or correct kafka.brokers; nothing is lost, cursors stand still.',
  ),
  'kafka.unauthorised': row(
    'fatal',
    EXIT.notAuthorised,
    'Check kafka.sasl, kafka.ssl and the ACLs that docs/operating/security.md lists.',
  ),
  'kafka.doubt': row(
    'reopen',
    EXIT.temporary,
    'The outcome of a commit is unknown; the state is read back and the work goes on from there by itself.',
  ),
  'kafka.clock_ahead': row(
    'reopen',
    EXIT.temporary,
    "This machine's clock is ahead of the broker's by more than the topics' message.timestamp.after.max.ms (an hour): set it. Nothing is lost; the work goes on by itself.",
  ),
  'kafka.fenced': row('account', EXIT.fenced, 'Another instance of this account took over. Stop one of the two.'),
  'kafka.hanging_transaction': row(
    'reopen',
    EXIT.temporary,
    'A transaction stays open on the topic, so committed data may be hidden. Wait for its time-out, or end it: kafka-transactions.sh find-hanging, then abort.',
  ),
  'cluster.refused': row(
    'fatal',
    EXIT.configuration,
    'Give the instances a cluster.group_id that nothing else uses, or alter the broker as shown.',
  ),
  'cluster.owned': row(
    'fatal',
    EXIT.configuration,
    'Stop those instances, or take the account out of their configuration; run --take-over takes it from them all the same.',
  ),
  'kafka.topic_contract': row('fatal', EXIT.dataContract, 'Alter the topic as shown; nothing is altered silently.'),
  'kafka.record_too_large': row(
    'blocked',
    EXIT.dataContract,
    'The broker refuses a record of this size: raise max.message.bytes of the topic (kafka-configs.sh --alter --add-config).',
  ),
  'kafka.unreadable': row(
    'fatal',
    EXIT.dataContract,
    'Records on the topic were written by something else. Set compression.type=producer on it and write them anew, or use a new topics.prefix.',
  ),
  'connect.unavailable': row(
    'transient',
    EXIT.unavailable,
    'Start Kafka Connect or correct --connect-url; then run the command again.',
  ),
  'connect.unauthorised': row(
    'fatal',
    EXIT.notAuthorised,
    'This command brings no log-in to Kafka Connect: print the connector with harvest-kafka sink connector and give it to Connect with your own client.',
  ),
  'connect.refused': row(
    'fatal',
    EXIT.configuration,
    'Correct what Connect names. A class that it does not find belongs to a plugin: docs/operating/sinks.md lists what the worker needs.',
  ),
  'connect.failed': row(
    'fatal',
    EXIT.unavailable,
    'Mend what the message names, then run the command again: it starts what has failed.',
  ),
  'connect.not_running': row(
    'fatal',
    EXIT.temporary,
    "Look at the worker's log; run the command again, or give it longer with --wait <seconds>.",
  ),
  'state.unreadable': row(
    'fatal',
    EXIT.dataContract,
    'Another version of harvest-kafka wrote the state row. If it was a newer one, run that; else delete the topic <prefix>.state: everything is read again, and nothing is published twice.',
  ),
  'config.invalid': row('fatal', EXIT.configuration, 'Correct what is shown; config/reference.yaml lists every key.'),
  usage: row('fatal', EXIT.usage, 'See harvest-kafka --help.'),
  'http.listen': row('fatal', EXIT.unavailable, 'Choose another http.listen, or stop the program that holds the port.'),
  'lab.missing': row('fatal', EXIT.unavailable, 'Install Java 17 or newer and Maven, or use docker compose instead.'),
  'lab.failed': row(
    'fatal',
    EXIT.unavailable,
    'The local broker or registry did not come up; the end of its log is shown.',
  ),
  bug: row(
    'bug',
    EXIT.bug,
    'This is a defect; please report it with the log lines before it. State and topics are safe: restart goes on.',
  ),
} satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof CODES;

interface ErrorDetail {
  readonly cause?: unknown;
  /** Overrides the table's remedy where the place knows better (the exact command, the exact role). */
  readonly remedy?: string;
  readonly stream?: string;
}

/** The one error class of the program. `message` says what and where; `remedy` what to do. Never holds a secret. */
export class PublisherError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly exitCode: number;
  readonly remedy: string;
  readonly stream: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, { cause: detail.cause });
    this.name = 'PublisherError';
    const row: CodeRow = CODES[code];
    this.code = code;
    this.kind = row.kind;
    this.exitCode = row.exit;
    this.remedy = detail.remedy ?? row.remedy;
    this.stream = detail.stream;
  }
}

/** Whether waiting and trying again can help. */
export function isPassing({ kind }: PublisherError): boolean {
  return kind === 'transient' || kind === 'reopen';
}

/** Whether a connection failed because node:tls does not trust the certificate of the other side; `code` is the error's. */
export function isDistrust(code: unknown): boolean {
  return typeof code === 'string' && /CERT|UNABLE_TO_(GET|VERIFY)/.test(code);
}

/** Any thrown value as ours: what nobody translated is a bug. */
export function asPublisherError(thrown: unknown): PublisherError {
  if (thrown instanceof PublisherError) return thrown;
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new PublisherError('bug', text, { cause: thrown });
}

/** Stays on in production: checks a relation between values that must hold whatever the world does. */
export function assert(condition: unknown, relation: string): asserts condition {
  if (!condition) throw new PublisherError('bug', `assertion failed: ${relation}`);
}
