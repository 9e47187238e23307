// The primitives of Kafka's protocol, for answers that we decode ourselves. Knows no request.

/** Reads forward through an answer. */
export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.skip(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.skip(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.skip(8));
  }

  offset(): number {
    return Number(this.int64());
  }

  /** Length -1, which stands for nothing, gives no bytes. */
  block(length: number): Buffer {
    const at = this.skip(Math.max(length, 0));
    return this.#bytes.subarray(at, this.#at);
  }

  /** Empty for null as well. */
  text(): string {
    return this.block(this.int16()).toString();
  }
}
