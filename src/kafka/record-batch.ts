// Kafka's record batch, format 2 (magic byte 2, brokers since 0.11): headers, records, varints. Knows bytes only; which
// batches count (aborted, control) is the reader's business. kafkajs has a decoder too, but it throws the batch headers
// away, and with them the offsets of batches that compaction left empty.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ByteReader } from '../base/byte-reader.ts';
import { PublisherError } from '../base/errors.ts';

const HEADER_BYTES = 61;
/** baseOffset and batchLength, which the length itself does not count. */
const PREFIX_BYTES = 12;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const unzip = promisify(gunzip);

export interface RecordBatch {
  readonly baseOffset: number;
  /** The offset behind the batch, also when compaction took its last records or all of them. */
  readonly nextOffset: number;
  readonly baseTimestamp: number;
  readonly count: number;
  readonly codec: (typeof CODECS)[number];
  readonly transactional: boolean;
  /** Holds the marker that ends a transaction, not data. */
  readonly control: boolean;
  readonly producerId: bigint;
  /** The records, still compressed. */
  readonly body: Buffer;
}

/** The complete batches of a fetch response; the last one may be cut off by the size limit and is left out. */
export function splitBatches(bytes: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    const magic = bytes.readInt8(at + 16);
    if (magic !== 2) throw unreadable(`message format ${magic}`, 'it was written by a client older than Kafka 0.11');
    const attributes = bytes.readInt16BE(at + 21);
    const baseOffset = Number(bytes.readBigInt64BE(at));
    const codec = CODECS[attributes & 7];
    if (codec === undefined) throw unreadable(`compression code ${attributes & 7}`, 'Kafka does not define it');
    batches.push({
      baseOffset,
      nextOffset: baseOffset + bytes.readInt32BE(at + 23) + 1,
      baseTimestamp: Number(bytes.readBigInt64BE(at + 27)),
      count: bytes.readInt32BE(at + 57),
      codec,
      transactional: (attributes & 0x10) !== 0,
      control: (attributes & 0x20) !== 0,
      producerId: bytes.readBigInt64BE(at + 43),
      body: bytes.subarray(at + HEADER_BYTES, end),
    });
    at = end;
  }
  return batches;
}

/** The records of a batch, uncompressed. Keys and values are views of the response: copy what is to be kept for long. */
export async function decodeRecords(batch: RecordBatch): Promise<FetchedRecord[]> {
  if (batch.codec !== 'none' && batch.codec !== 'gzip') {
    throw unreadable(`compression ${batch.codec}`, 'only none and gzip can be read');
  }
  const bytes = new ByteReader(batch.codec === 'gzip' ? await unzip(batch.body) : batch.body);
  const records = new Array<FetchedRecord>(batch.count);
  for (let i = 0; i < batch.count; i++) {
    const length = bytes.long();
    const end = bytes.at + length;
    bytes.at += 1; // record attributes: unused by the format
    const timestamp = batch.baseTimestamp + bytes.long();
    const offset = batch.baseOffset + bytes.long();
    const key = block(bytes);
    const value = block(bytes);
    records[i] = new FetchedRecord(offset, timestamp, key, value, bytes.buffer, bytes.at);
    bytes.at = end;
  }
  return records;
}

/** Whether a control batch is the marker that aborts its producer's transaction. */
export function isAbortMarker(batch: RecordBatch): boolean {
  // Compaction removes the markers of transactions that have no records left, and may keep their batch.
  if (batch.count === 0) return false;
  const bytes = new ByteReader(batch.body);
  bytes.long(); // length
  bytes.at += 1;
  bytes.long(); // timestamp
  bytes.long(); // offset
  const key = block(bytes);
  // The key of a marker: version (16 bits), type (16 bits; 0 aborts, 1 commits).
  return key !== null && key.readInt16BE(2) === 0;
}

/** One record of a topic. Headers are decoded when they are asked for: a restore looks at one of them. */
export class FetchedRecord {
  readonly offset: number;
  /** ms since the epoch. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly #buffer: Buffer;
  readonly #headersAt: number;

  constructor(
    offset: number,
    timestamp: number,
    key: Buffer | null,
    value: Buffer | null,
    buffer: Buffer,
    headersAt: number,
  ) {
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
    this.#buffer = buffer;
    this.#headersAt = headersAt;
  }

  /** The text of the first header of that name, which is ASCII; null when there is none. A restore asks every record. */
  header(name: string): string | null {
    const bytes = new ByteReader(this.#buffer, this.#headersAt);
    for (let left = bytes.long(); left > 0; left--) {
      const isWanted = bytes.skipsText(name);
      const length = bytes.long();
      if (isWanted) return bytes.text(length);
      bytes.at += Math.max(length, 0);
    }
    return null;
  }

  headers(): ReadonlyMap<string, string> {
    return new Map(this.#pairs());
  }

  *#pairs(): Generator<[string, string]> {
    const bytes = new ByteReader(this.#buffer, this.#headersAt);
    for (let left = bytes.long(); left > 0; left--) {
      const name = block(bytes);
      const value = block(bytes);
      yield [name?.toString() ?? '', value?.toString() ?? ''];
    }
  }
}

/** Bytes behind their length; null for length -1. */
function block(bytes: ByteReader): Buffer | null {
  const length = bytes.long();
  return length < 0 ? null : bytes.view(length);
}

function unreadable(what: string, why: string): PublisherError {
  return new PublisherError('kafka.unreadable', `a record batch has ${what}: ${why}`);
}
