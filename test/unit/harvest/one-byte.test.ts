// JSON in one byte a character says what its UTF-8 said, or is not made at all.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oneByteJson } from '../../../src/harvest/one-byte.ts';

/** The same bytes, as far into a buffer as an answer's may be. */
function placed(text: string, offset: number): Buffer {
  const bytes = Buffer.from(text);
  const whole = new ArrayBuffer(bytes.length + offset + 3);
  const place = Buffer.from(whole, offset, bytes.length);
  bytes.copy(place);
  return place;
}

describe('JSON in one byte a character', () => {
  test('is read as the bytes are, wherever they lie, and no character of it needs more [P7]', () => {
    const text = fc.array(
      fc.constantFrom('a', '1', '"', '\u007f', '\u0080', 'é', 'ÿ', 'Ā', 'ł', '’', '東', '\uffff', '😀', '\u{10ffff}'),
    );
    const value = fc.dictionary(
      text.map((parts) => parts.join('')),
      text.map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(value, fc.nat(7), (record, offset) => {
        const json = oneByteJson(placed(JSON.stringify(record), offset))!;
        expect(JSON.parse(json)).toEqual(record);
        expect(json).toMatch(/^[\0-\xff]*$/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is read as the bytes are for any text of Unicode', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = Buffer.from(JSON.stringify({ text }));
        const json = oneByteJson(bytes) ?? bytes.toString();
        expect(JSON.parse(json)).toEqual({ text });
      }),
      { numRuns: 2_000 },
    );
  });

  test('is not made of what is none: a backslash before a letter does not become one of an escape', () => {
    expect(() => JSON.parse('"\\ł"')).toThrow();
    expect(oneByteJson(Buffer.from('"\\ł"'))).toBeNull();
  });

  test('is not made of a body far beyond a page, whose memory would be kept', () => {
    expect(oneByteJson(Buffer.from(`"ł${'a'.repeat(2 ** 23)}"`))).toBeNull();
  });

  test('of a large body leaves nothing of it in the next', () => {
    const first = oneByteJson(Buffer.from(JSON.stringify('ł'.repeat(1000))));
    expect(JSON.parse(oneByteJson(Buffer.from('"ł"'))!)).toBe('ł');
    expect(JSON.parse(first!)).toBe('ł'.repeat(1000));
  });
});
