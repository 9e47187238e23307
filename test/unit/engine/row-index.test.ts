import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRowIndex, homeOf, type IndexedRow } from '../../../src/engine/state/row-index.ts';

const row = fc.record({
  hash: fc.maxSafeNat(),
  updatedAt: fc.option(fc.integer({ min: 1, max: 4_000_000_000 }).map((seconds) => seconds * 1000)),
  group: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
  day: fc.option(fc.integer({ min: -30_000, max: 60_000 })),
});

/** Few distinct ids, so that sets, deletions and probing chains meet; some above 2^32. */
const id = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2 ** 33, max: 2 ** 33 + 40 }));

const change = fc.record({ id, row: fc.option(row, { freq: 2 }) });

test('after any sets and deletions the index holds what a Map would hold [P2]', () => {
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
      expect([...index.days.values()].reduce((sum, count) => sum + count, 0)).toBe(
        having(({ day }) => day !== null).length,
      );
    }),
  );
});

test('the days tell when one gets its first row or loses its last', () => {
  const index = createRowIndex(true);
  const dated = (day: number | null) => ({ hash: 1, updatedAt: null, group: null, day });
  const versions = [index.daysVersion];
  const noting = (change: () => void) => {
    change();
    versions.push(index.daysVersion);
  };
  noting(() => index.set(1, dated(20_000)));
  noting(() => index.set(2, dated(17_000)));
  noting(() => index.set(3, dated(null)));
  expect([...index.days]).toEqual([
    [20_000, 1],
    [17_000, 1],
  ]);
  noting(() => index.set(9, dated(20_000)));
  noting(() => index.delete(9));
  noting(() => index.set(1, dated(17_000)));
  expect([...index.days]).toEqual([[17_000, 2]]);
  noting(() => index.clear());
  expect(index.days.size + index.size).toBe(0);
  const changes = versions.slice(1).map((version, at) => version !== versions[at]);
  expect(changes).toEqual([true, true, false, false, false, true, true]);
});

test('the windows of report rows are known by their first days', () => {
  const index = createRowIndex(false);
  const none = { hash: 1, updatedAt: null, group: null, day: null };
  for (const id of ['1970-01-02|1970-01-31|7|EUR', '1970-01-02|1970-01-31|8|EUR', '1970-02-01|1970-02-28|7|EUR'])
    index.set(id, none);
  index.delete('1970-02-01|1970-02-28|7|EUR');
  index.set('1970-01-02|1970-01-31|8|EUR', none);
  expect([...index.days]).toEqual([[1, 2]]);
});

test('the homes of ids reach over all of a table that is larger than 2^25 slots', () => {
  const length = 2 ** 28;
  const quarters = new Set<number>();
  for (let id = 2_636_611_471; quarters.size < 4 && id < 2_636_700_000; id++) {
    const home = homeOf(id, length);
    expect(home).toBeLessThan(length);
    quarters.add(Math.floor((4 * home) / length));
  }
  expect(quarters.size).toBe(4);
});

test('a million consecutive ids are found again, each in few probes', () => {
  const index = createRowIndex(true);
  for (let id = 1; id <= 1_000_000; id++) index.set(id, { hash: id, updatedAt: null, group: null, day: null });
  for (let id = 1; id <= 1_000_000; id += 997) expect(index.get(id)?.hash).toBe(id);
  expect(index.get(1_000_001)).toBeUndefined();
});
