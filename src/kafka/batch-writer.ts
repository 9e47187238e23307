// Writes Kafka's record batch, format 2, all records into one buffer. kafkajs gives each record, header and length a buffer
// of its own, which is a fifth of what publishing costs. record-batch.ts reads the format.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CompressionTypes, type Message } from 'kafkajs';
import crc32c from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';

/** The head of a batch. Its records have no timestamps of their own. */
export interface BatchHeader {
  readonly producerId: string;
  readonly producerEpoch: number;
  /** Sequence number of the first record. */
  readonly firstSequence: number;
  /** ms since the epoch. */
  readonly timestamp: number;
  readonly compression: CompressionTypes;
}

const HEADER_BYTES = 61;
/** baseOffset and batchLength, which the length itself does not count. */
const PREFIX_BYTES = 12;
/** The checksum covers everything from the attributes on. */
const ATTRIBUTES_AT = 21;
const TRANSACTIONAL = 0x10;
const zip = promisify(gzip);

/** A batch of a transaction. The broker sets its offset. */
export async function writeBatch(messages: readonly Message[], header: BatchHeader): Promise<Buffer> {
  const out = new RecordWriter();
  for (const [index, message] of messages.entries()) out.record(index, message);
  const isZipped = header.compression === CompressionTypes.GZIP;
  const body = isZipped ? await zip(out.written()) : out.written();

  const batch = Buffer.alloc(HEADER_BYTES + body.length);
  batch.writeInt32BE(batch.length - PREFIX_BYTES, 8);
  batch.writeInt8(2, 16); // magic byte: the format
  batch.writeInt16BE(TRANSACTIONAL | header.compression, ATTRIBUTES_AT);
  batch.writeInt32BE(messages.length - 1, 23); // last offset delta
  batch.writeBigInt64BE(BigInt(header.timestamp), 27); // first timestamp
  batch.writeBigInt64BE(BigInt(header.timestamp), 35); // last timestamp
  batch.writeBigInt64BE(BigInt(header.producerId), 43);
  batch.writeInt16BE(header.producerEpoch, 51);
  batch.writeInt32BE(header.firstSequence, 53);
  batch.writeInt32BE(messages.length, 57);
  batch.set(body, HEADER_BYTES);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), 17);
  return batch;
}

/** Nearly all sends fit. */
const USUAL_BYTES = 1 << 20;
const LONGEST_VARINT = 5;

class RecordWriter {
  #bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  #at = 0;

  record(offsetDelta: number, { key, value, headers = {} }: Message): void {
    const start = this.#at;
    // The length stands before the record and is known after it: then the record moves up to it.
    this.#reserve(LONGEST_VARINT + 1);
    this.#at += LONGEST_VARINT;
    this.#bytes[this.#at++] = 0; // attributes: unused by the format
    this.#varint(0); // timestamp delta
    this.#varint(offsetDelta);
    this.#block(key ?? null);
    this.#block(value);
    const names = Object.keys(headers);
    this.#varint(names.length);
    for (const name of names) {
      this.#block(name);
      this.#block(headers[name] as string | Buffer);
    }
    const from = start + LONGEST_VARINT;
    const end = this.#at;
    this.#at = start;
    this.#varint(end - from);
    this.#bytes.copyWithin(this.#at, from, end);
    this.#at += end - from;
  }

  written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Bytes or a text behind their length; length -1 for null. */
  #block(content: Buffer | string | null): void {
    if (content === null) {
      this.#varint(-1);
      return;
    }
    const length = Buffer.byteLength(content);
    this.#varint(length);
    this.#reserve(length);
    if (typeof content === 'string') this.#bytes.write(content, this.#at);
    else this.#bytes.set(content, this.#at);
    this.#at += length;
  }

  /** A zigzag varint of up to 31 bits and a sign. */
  #varint(value: number): void {
    this.#reserve(LONGEST_VARINT);
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + count));
    larger.set(this.written());
    this.#bytes = larger;
  }
}
