import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRowIndex, type IndexedRow } from '../../../src/engine/row-index.ts';

const row = fc.record({
  hash: fc.maxSafeNat(),
  updatedAt: fc.option(fc.integer({ min: 1, max: 4_000_000_000 }).map((seconds) => seconds * 1000)),
  group: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
  day: fc.option(fc.integer({ min: -30_000, max: 60_000 })),
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
      const having = (test: (row: IndexedRow) => boolean) =>
        [...model].filter(([, row]) => test(row)).map(([id]) => id);
      expect(index.idsDated(-10_000, 20_000).sort()).toEqual(
        having(({ day }) => day !== null && day >= -10_000 && day <= 20_000).sort(),
      );
      for (const { group } of model.values()) {
        if (group !== null) expect(index.idsIn(group).sort()).toEqual(having((row) => row.group === group).sort());
      }
      for (const [day, count] of index.dayCounts()) expect(having((row) => row.day === day)).toHaveLength(count);
    }),
  );
});

test('the extent of the days grows with every row and is gone after a clear', () => {
  const index = createRowIndex(true);
  expect(index.extent()).toBeNull();
  index.set(1, { hash: 1, updatedAt: null, group: null, day: 20_000 });
  index.set(2, { hash: 1, updatedAt: null, group: null, day: 17_000 });
  index.set(3, { hash: 1, updatedAt: null, group: 9, day: null });
  expect(index.extent()).toEqual({ min: 17_000, max: 20_000 });
  index.clear();
  expect(index.extent()).toBeNull();
  expect(index.size).toBe(0);
});

test('a million consecutive ids are found again, each in few probes', () => {
  const index = createRowIndex(true);
  for (let id = 1; id <= 1_000_000; id++) index.set(id, { hash: id, updatedAt: null, group: null, day: null });
  for (let id = 1; id <= 1_000_000; id += 997) expect(index.get(id)?.hash).toBe(id);
  expect(index.get(1_000_001)).toBeUndefined();
});
