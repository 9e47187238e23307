import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRowIndex, type IndexedRow } from '../../../src/engine/row-index.ts';

const row = fc.record({
  hash: fc.maxSafeNat(),
  updatedAt: fc.option(fc.integer({ min: 1, max: 4_000_000_000 }).map((seconds) => seconds * 1000)),
  group: fc.option(fc.integer({ min: -30_000, max: 2 ** 40 })),
});

/** Few distinct ids, so that sets, deletions and probing chains meet; some above 2^32. */
const id = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2 ** 33, max: 2 ** 33 + 40 }));

const change = fc.record({ id, row: fc.option(row, { freq: 2 }) });

test('after any sets and deletions the index holds what a Map would hold', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
      const index = createRowIndex(true);
      const model = new Map<number, IndexedRow>();
      for (const { id, row } of changes) {
        if (row) {
          index.set(id, row);
          model.set(id, row);
        } else {
          index.delete(id);
          model.delete(id);
        }
      }
      expect(index.size).toBe(model.size);
      expect(new Set(index.ids())).toEqual(new Set(model.keys()));
      for (const [id, row] of model) expect(index.get(id)).toEqual(row);
    }),
  );
});

test('the extent of the groups grows with every row and is gone after a clear', () => {
  const index = createRowIndex(true);
  expect(index.extent()).toBeNull();
  index.set(1, { hash: 1, updatedAt: null, group: 20_000 });
  index.set(2, { hash: 1, updatedAt: null, group: 17_000 });
  index.set(3, { hash: 1, updatedAt: null, group: null });
  expect(index.extent()).toEqual({ min: 17_000, max: 20_000 });
  index.clear();
  expect(index.extent()).toBeNull();
  expect(index.size).toBe(0);
});

test('a million consecutive ids are found again, each in few probes', () => {
  const index = createRowIndex(true);
  for (let id = 1; id <= 1_000_000; id++) index.set(id, { hash: id, updatedAt: null, group: null });
  for (let id = 1; id <= 1_000_000; id += 997) expect(index.get(id)?.hash).toBe(id);
  expect(index.get(1_000_001)).toBeUndefined();
});
