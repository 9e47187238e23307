import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoSeconds } from '../../../src/base/clock.ts';
import type { Page } from '../../../src/engine/ports.ts';
import {
  addPending,
  advanceList,
  beginList,
  type ChildPosition as Child,
  coverWindow,
  type ListPosition as List,
  nextWindow,
  type ReportPosition as Report,
  removePending,
  shrinkCovered,
  WALKS_MAX,
} from '../../../src/engine/state/position.ts';
import { runs } from '../../support/runs.ts';

const FIVE_MINUTES_MS = 300_000;
const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);

function page(records: number, total: number, next: string | null, serverTime = at('10:00:00')): Page {
  return { records: Array.from({ length: records }, (_, id) => ({ id })), next, totalEntries: total, serverTime };
}

/** Walks a list to the end of the given pages and tells where it then stands. */
function walk(position: List, pages: readonly Page[], paging: 'cursor' | 'page' = 'page') {
  let current = position;
  let outcome = '';
  for (const next of pages) {
    const scan = current.scan ?? beginList(current, 'list', current.cursor !== null, null);
    ({ position: current, outcome } = advanceList(current, scan, next, paging, FIVE_MINUTES_MS));
  }
  return { position: current, outcome };
}

const fresh: List = { kind: 'list', cursor: null, scan: null };

describe('the cursor of a list [P1]', () => {
  test('comes from the first answer of the scan, less the overlap, not from the last', () => {
    const { position, outcome } = walk(fresh, [
      page(2, 3, 'https://h/2', at('10:00:00')),
      page(1, 3, null, at('10:07:00')),
    ]);
    expect(outcome).toBe('done');
    expect(position).toEqual({ kind: 'list', cursor: '2026-11-21T09:55:00Z', scan: null });
  });

  test('stands still until the whole scan is committed', () => {
    const { position } = walk({ ...fresh, cursor: '2026-11-21T09:00:00Z' }, [page(2, 3, 'https://h/2')]);
    expect(position.cursor).toBe('2026-11-21T09:00:00Z');
    expect(position.scan).toMatchObject({
      next: 'https://h/2',
      pages: 1,
      since: '2026-11-21T09:00:00Z',
      purpose: 'poll',
    });
  });

  test('begins at harvest.start_date when one is set', () => {
    expect(beginList(fresh, 'list', false, '2026-01-01T00:00:00Z').since).toBe('2026-01-01T00:00:00Z');
    expect(beginList(fresh, 'list', false, null).since).toBeNull();
  });
});

describe('a page-number list that shifts while it is walked [P1]', () => {
  test('is walked again when total_entries changes between pages', () => {
    const { position, outcome } = walk(fresh, [page(2, 4, 'https://h/2'), page(1, 3, null)]);
    expect(outcome).toBe('shifted');
    expect(position.scan).toMatchObject({ walk: 2, next: null, pages: 0, read: 0 });
    expect(position.cursor).toBeNull();
  });

  test('is walked again when it holds other than it announced', () => {
    expect(walk(fresh, [page(2, 4, 'https://h/2'), page(1, 4, null)]).outcome).toBe('shifted');
  });

  test('keeps the time of the very first answer over all walks', () => {
    const { position, outcome } = walk(fresh, [
      page(2, 4, 'https://h/2', at('10:00:00')),
      page(1, 3, null, at('10:01:00')),
      page(2, 3, 'https://h/2', at('10:02:00')),
      page(1, 3, null, at('10:03:00')),
    ]);
    expect(outcome).toBe('done');
    expect(position.cursor).toBe('2026-11-21T09:55:00Z');
  });

  test('is not walked for ever', () => {
    const restless = Array.from({ length: WALKS_MAX }, () => [page(2, 4, 'https://h/2'), page(1, 3, null)]).flat();
    expect(walk(fresh, restless).outcome).toBe('done');
  });
});

test('after any pages the cursor is the time of the first answer less the overlap, or stands still [P1]', () => {
  const seconds = fc.integer({ min: 0, max: 86_400 }).map((second) => at('00:00:00') + second * 1000);
  const pages = fc.array(fc.tuple(fc.nat(5), fc.nat(12), seconds), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(pages, { minLength: 1, maxLength: 8 }), fc.constantFrom('page', 'cursor'), (walks, paging) => {
      let position = fresh;
      let firstAnswer: number | null = null;
      for (const walked of walks) {
        for (const [index, [records, total, time]] of walked.entries()) {
          const before = position.cursor;
          const link = index === walked.length - 1 ? null : `https://h/${index}`;
          firstAnswer ??= time;
          const step = walk(position, [page(records, total, link, time)], paging);
          position = step.position;
          if (step.outcome !== 'done') expect(position.cursor).toBe(before);
          else {
            expect(position).toEqual({ kind: 'list', cursor: isoSeconds(firstAnswer - FIVE_MINUTES_MS), scan: null });
            firstAnswer = null;
          }
        }
      }
    }),
    runs(500),
  );
});

test('a cursor list does not shift, whatever its totals say [P1]', () => {
  expect(walk(fresh, [page(2, 4, 'https://h/2'), page(1, 3, null)], 'cursor').outcome).toBe('done');
});

describe('changed parents [P1]', () => {
  const child: Child = { kind: 'child', pending: [7], pending_since: null, scan: null };
  const at = '2026-11-21T06:30:00Z';

  test('are noted once', () => {
    expect(addPending(child, [7, 8], new Set(), at).pending).toEqual([7, 8]);
  });

  test('are noted again while they are being read, for the read may be older than the change', () => {
    const again = addPending(child, [7], new Set([7]), at);
    expect(again.pending).toEqual([7, 7]);
    expect(removePending(again, [7]).pending).toEqual([7]);
  });

  test('take no more room however often they change while they are being read', () => {
    const often = Array.from({ length: 100 }).reduce<Child>(
      (position) => addPending(position, [7], new Set([7]), at),
      child,
    );
    expect(often.pending).toEqual([7, 7]);
  });
});

describe('the windows of a report [P1]', () => {
  const windows = ['2024-02-01', '2026-08-01', '2026-10-01', '2026-11-01', '2204-10-01'];
  const current = '2026-11-01';

  const unread: Report = {
    ...{ kind: 'report', grain: 'month', covered: null, scan: null },
    ...{ dirty: [], touched: [], held: [], round: null, round_at: null },
  };

  function readAll(position: Report): string[] {
    const read: string[] = [];
    for (let next = nextWindow(position, windows, current); next; next = nextWindow(position, windows, current)) {
      read.push(next);
      position = coverWindow(position, next, windows);
    }
    expect(position.dirty).toEqual([]);
    return read;
  }

  test('are read from the current one on, then back in time, and those without records not at all', () => {
    expect(readAll(unread)).toEqual(['2026-11-01', '2204-10-01', '2026-10-01', '2026-08-01', '2024-02-01']);
  });

  test('go on where they stood, new months first, then older ones that came to light', () => {
    const covered = { first: '2026-08-01', last: '2026-10-01' };
    expect(readAll({ ...unread, covered })).toEqual(['2026-11-01', '2204-10-01', '2024-02-01']);
  });

  test('that were jumped over are dirty: they were never read', () => {
    const covered = { first: '2026-08-01', last: '2026-08-01' };
    expect(coverWindow({ ...unread, covered }, current, windows)).toMatchObject({
      covered: { first: '2026-08-01', last: '2026-11-01' },
      dirty: ['2026-10-01'],
    });
  });

  test('are covered no longer when their only record has another date', () => {
    const covered = { first: '2024-02-01', last: '2204-10-01' };
    expect(shrinkCovered({ ...unread, covered }, windows.slice(1, -1)).covered).toEqual({
      first: '2026-08-01',
      last: '2026-11-01',
    });
  });
});
