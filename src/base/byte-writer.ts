// Writes the primitives that Avro and Kafka's records share, in place into large buffers. Knows no format.

const SLAB = 1 << 20;
// Up to here a loop over the characters is faster than a call into native code.
const SHORT = 48;
const LONGEST_LONG = 10;

/** Writes one piece at a time. Its bytes are never used twice, so a piece stays valid for as long as it is held. */
export class ByteWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB);
  #start = 0;
  #at = 0;

  /** Begins a piece; one that was begun and not ended is forgotten. */
  restart(): void {
    this.#at = this.#start;
  }

  end(): Buffer {
    const piece = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return piece;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#slab[this.#at++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#at = this.#slab.writeUInt32BE(value, this.#at);
  }

  /** A safe integer in zigzag form, seven bits a byte. Divides instead of shifting, which would cut at 32 bits. */
  long(value: number): void {
    this.#reserve(LONGEST_LONG);
    const magnitude = value < 0 ? -value - 1 : value;
    let low = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    let rest = Math.floor(magnitude / 64);
    while (rest > 0) {
      this.#slab[this.#at++] = low | 0x80;
      low = rest % 128;
      rest = Math.floor(rest / 128);
    }
    this.#slab[this.#at++] = low;
  }

  /** A safe integer in as few bytes as it needs, as Java's BigInteger has them (decimal.ts), behind their number. */
  integer(value: number): void {
    let length = 1;
    for (let limit = 128; value >= limit || value < -limit; limit *= 256) length++;
    this.long(length);
    this.#reserve(length);
    let rest = value;
    // A byte takes what is left of a number modulo 256, below zero too.
    for (let at = this.#at + length - 1; at >= this.#at; at--) {
      this.#slab[at] = rest;
      rest = Math.floor(rest / 256);
    }
    this.#at += length;
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#slab.writeDoubleLE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.long(value.length);
    this.#reserve(value.length);
    this.#slab.set(value, this.#at);
    this.#at += value.length;
  }

  /** UTF-8; a lone surrogate becomes U+FFFD, because it has no UTF-8 of its own. */
  string(value: string): void {
    if (value.length > SHORT || !this.#ascii(value)) {
      const length = Buffer.byteLength(value);
      this.long(length);
      this.#reserve(length);
      this.#at += this.#slab.write(value, this.#at);
    }
  }

  /** Writes a short text whose characters are bytes; otherwise nothing, and says so. */
  #ascii(value: string): boolean {
    // All the room at once: the way back to `before` holds only while the piece stays in this slab.
    this.#reserve(LONGEST_LONG + value.length);
    const before = this.#at;
    this.long(value.length);
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.#at = before;
        return false;
      }
      this.#slab[this.#at++] = code;
    }
    return true;
  }

  /** Makes room for `count` more bytes. What the piece has so far moves along to the next slab. */
  #reserve(count: number): void {
    if (this.#at + count <= this.#slab.length) return;
    const written = this.#slab.subarray(this.#start, this.#at);
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB, 2 * (written.length + count)));
    this.#slab.set(written);
    this.#start = 0;
    this.#at = written.length;
  }
}
