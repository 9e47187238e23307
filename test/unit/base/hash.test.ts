// State rows hold hashes of refused records: another version of the program gives the same.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hash53 } from '../../../src/base/hash.ts';

test('a hash is the first 53 of 56 bits of SHA-1, rounded as a double rounds them [P7]', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const digits = createHash('sha1').update(text).digest('hex').slice(0, 14);
      expect(hash53(text)).toBe(Math.floor(Number.parseInt(digits, 16) / 8));
      expect(hash53(Buffer.from(text))).toBe(hash53(text));
    }),
    { numRuns: 1_000 },
  );
});
