// Reads the primitives that Avro and Kafka's records share, one behind the other. Knows no format; byte-writer.ts writes them.

export class ByteReader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  /** See `longAt`. */
  long(): number {
    const value = longAt(this.buffer, this.at);
    this.at = behindLong(this.buffer, this.at);
    return value;
  }

  /** So many bytes of UTF-8; none for a length below zero. */
  text(length: number): string {
    const start = this.at;
    this.at += Math.max(length, 0);
    return this.buffer.toString('utf8', start, this.at);
  }

  /** Steps over bytes behind their length, and says whether they are this text in ASCII. */
  skipsText(text: string): boolean {
    const length = this.long();
    const start = this.at;
    this.at += Math.max(length, 0);
    let isSame = length === text.length;
    for (let index = 0; isSame && index < length; index++) {
      isSame = this.buffer[start + index] === text.charCodeAt(index);
    }
    return isSame;
  }

  /** So many bytes, as a view. */
  view(length: number): Buffer {
    const start = this.at;
    this.at += length;
    return this.buffer.subarray(start, this.at);
  }
}

/** A zigzag varint of up to 53 bits; it is 0 behind the end. */
export function longAt(bytes: Buffer, from: number): number {
  let byte = bytes[from] ?? 0;
  // One byte is the common case: lengths below 64 and most deltas.
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  let value = byte & 0x7f;
  let at = from;
  for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
    byte = bytes[++at] ?? 0;
    // Multiplied, not shifted: it may need more than 32 bits.
    value += (byte & 0x7f) * scale;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Where a varint ends that begins at `from`. */
export function behindLong(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
