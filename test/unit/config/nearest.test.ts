import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, nearest } from '../../../src/config/nearest.ts';

describe('the nearest name', () => {
  it.each([
    ['brokrs', 'brokers'],
    ['borkers', 'brokers'],
    ['Client-Id', 'client_id'],
    ['zzz', null],
    ['', null],
  ])('%s: %s', (given, expected) => {
    expect(nearest(given, ['brokers', 'client_id', 'ssl'])).toBe(expected);
  });

  it('counts edits as a distance does', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        const edits = distance(a, b);
        expect(edits).toBe(distance(b, a));
        expect(edits === 0).toBe(a === b);
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(edits).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
    expect(distance('brokers', 'borkers')).toBe(1);
  });
});
