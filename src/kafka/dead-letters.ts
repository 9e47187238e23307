// The dead-letter topic: how a dead letter is written and read back. Headers have the names that Kafka Connect gives its own, so that
// tools made for those can read ours; `__field` says which member could not be converted.
import type { Clock } from '../base/clock.ts';
import type { DeadLetter } from '../engine/ports.ts';
import type { KafkaSettings } from './connection.ts';
import type { FetchedRecord } from './record-batch.ts';
import { readTopic } from './topic-log.ts';
import { dataTopic, deadLetterTopic } from './topics.ts';

const ERRORS = '__connect.errors.';
const FIELD = '__field';
const OMITTED = '__omitted';

/** The dead letter as a message of its topic. */
export function deadLetterMessage({ stream, key, value, stage, error }: DeadLetter, prefix: string, connector: string) {
  return {
    key: Buffer.from(key),
    value,
    headers: {
      [`${ERRORS}topic`]: dataTopic(prefix, stream),
      // It never got a place on the topic.
      [`${ERRORS}partition`]: '-1',
      [`${ERRORS}offset`]: '-1',
      [`${ERRORS}connector.name`]: connector,
      [`${ERRORS}task.id`]: '0',
      [`${ERRORS}stage`]: stage,
      // A stack trace would only lead through our own files.
      [`${ERRORS}class.name`]: 'Codec',
      [`${ERRORS}exception.class.name`]: error.name,
      [`${ERRORS}exception.message`]: error.message,
      [FIELD]: error.field,
    },
  };
}

/** The dead letter without the record, which is too large for any topic: an account never stands still for one record. */
export function withoutRecord({ key, value, headers }: ReturnType<typeof deadLetterMessage>, most: number) {
  const omitted = `a record of ${Buffer.byteLength(value)} bytes: a dead letter takes ${most}`;
  return { key, value: null, headers: { ...headers, [OMITTED]: omitted } };
}

/** A dead letter as it lies on its topic. Texts are empty where it does not say. */
export interface FoundDeadLetter {
  readonly stream: string;
  /** The record's id as text. */
  readonly id: string;
  /** When it was written, in ms. */
  readonly at: number;
  readonly stage: string;
  readonly errorClass: string;
  readonly field: string;
  readonly message: string;
  readonly offset: number;
  /** The original JSON, a view that lasts for the call; null when it was too large for the dead letter. */
  readonly value: Buffer | null;
}

/** Delivers the committed dead letters, the oldest first; none when there is no such topic yet. Throws PublisherError `kafka.*`. */
export function readDeadLetters(
  settings: KafkaSettings,
  prefix: string,
  onDeadLetter: (letter: FoundDeadLetter) => void,
  how: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const where = { prefix, topic: deadLetterTopic(prefix) };
  return readTopic(settings, where, (record) => onDeadLetter(found(record, prefix)), how);
}

function found(record: FetchedRecord, prefix: string): FoundDeadLetter {
  const { key, value, timestamp, offset } = record;
  const headers = record.headers();
  const said = (name: string) => headers.get(`${ERRORS}${name}`) ?? '';
  return {
    stream: said('topic').replace(dataTopic(prefix, ''), ''),
    id: String(key ?? ''),
    at: timestamp,
    stage: said('stage'),
    errorClass: said('exception.class.name'),
    field: headers.get(FIELD) ?? '',
    message: said('exception.message'),
    offset,
    value,
  };
}
