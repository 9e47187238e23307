// JSON in one byte a character. A text takes two bytes a character as soon as one of its characters needs them, and a page has
// such characters in nearly every account: a dash, a quote, a name. In one byte a first run takes a tenth less memory.

/** Grows with the largest body; its text is copied out before the next is written. */
let scratch: Buffer = Buffer.alloc(0);

/** Far beyond a page. For larger bodies no memory is kept. */
const LARGEST_BYTES = 2 ** 23;

const BACKSLASH = 0x5c;
const U = 0x75;
const HEX = Buffer.from('0123456789abcdef');
/** Of four bytes, the bits that ASCII has not. */
const NO_ASCII = 0x80808080;

/**
 * The text of JSON that is UTF-8, with characters beyond U+00FF as escapes of JSON, so that whoever parses it gets what the bytes
 * say. Null when one of them stands behind a backslash, which may be no JSON and must not become some, and for a body beyond 8 MB.
 */
export function oneByteJson(bytes: Buffer): string | null {
  const { length, buffer, byteOffset } = bytes;
  if (length > LARGEST_BYTES) return null;
  // Two bytes become six at the most, and four twelve.
  if (scratch.length < 3 * length) scratch = Buffer.allocUnsafeSlow(3 * length);
  const words = byteOffset % 4 === 0 ? new Uint32Array(buffer, byteOffset, length >> 2) : new Uint32Array();
  let end = 0;
  let read = 0;
  for (;;) {
    const at = firstBeyondAscii(bytes, words, read);
    end += bytes.copy(scratch, end, read, at);
    if (at === length) return scratch.toString('latin1', 0, end);
    if (bytes[at - 1] === BACKSLASH) return null;
    const lead = bytes[at]!;
    const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let code = lead & (0x7f >> size);
    for (let more = 1; more < size; more++) code = (code << 6) | (bytes[at + more]! & 0x3f);
    read = at + size;
    if (code <= 0xff) scratch[end++] = code;
    else if (code <= 0xffff) end = escaped(code, end);
    else end = escaped(0xdc00 | (code & 0x3ff), escaped(0xd7c0 + (code >> 10), end));
  }
}

/** Where the next byte that is not ASCII stands, or the end. Looks at four at once where it can: nearly all are. */
function firstBeyondAscii(bytes: Buffer, words: Uint32Array, from: number): number {
  let at = from;
  while (at % 4 !== 0 && at < bytes.length && bytes[at]! < 0x80) at++;
  if (at % 4 === 0) {
    let word = at / 4;
    while (word < words.length && (words[word]! & NO_ASCII) === 0) word++;
    at = Math.max(at, word * 4);
  }
  while (at < bytes.length && bytes[at]! < 0x80) at++;
  return at;
}

/** Writes a unit of UTF-16 as `\uXXXX`, and tells where that ends. */
function escaped(unit: number, at: number): number {
  scratch[at] = BACKSLASH;
  scratch[at + 1] = U;
  for (let digit = 0; digit < 4; digit++) scratch[at + 2 + digit] = HEX[(unit >> (12 - 4 * digit)) & 0xf]!;
  return at + 6;
}
