// The writer of messages where it changes from one slab to the next: every place in a message is met by the border once.
import { expect, test } from 'vitest';
import { HEADER, MessageWriter, schemaIdOf } from '../../../src/codec/wire.ts';

test('a message stays whole, wherever in it a slab ends', () => {
  const texts = ['plain', 'Tomáš', `${'long '.repeat(20)}ž`, 'Łódź'];
  const write = (out: MessageWriter): Buffer => {
    out.begin(7);
    for (const text of texts) out.string(text);
    out.bytes(Buffer.from([1, 2, 3]));
    out.double(0.5);
    out.long(-1);
    return out.end();
  };
  const expected = write(new MessageWriter()).toString('hex');
  for (let left = 0; left <= expected.length / 2 + HEADER; left++) {
    const out = new MessageWriter();
    fillSlab(out, left);
    expect(write(out).toString('hex'), `${left} bytes before the end of the slab`).toBe(expected);
  }
});

test.each([1, 2 ** 31 - 1, 2 ** 31, 3_000_000_000, 2 ** 32 - 1])('schema id %i goes out and comes back', (id) => {
  const out = new MessageWriter();
  out.begin(id);
  expect(schemaIdOf(out.end())).toBe(id);
});

/** Leaves `left` bytes of the first slab. */
function fillSlab(out: MessageWriter, left: number): void {
  out.begin(7);
  // Its length takes four bytes.
  out.bytes(Buffer.alloc(2 ** 20 - HEADER - 4 - left));
  out.end();
}
