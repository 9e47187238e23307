import { describe, expect, test } from 'vitest';
import { changes } from '../../../src/cli/change.ts';
import { type Change, ChangePrinter, type PrinterOptions } from '../../../src/cli/change-printer.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test.each([
  [{ hours: 1 }, { hours: 1.5, updated_at: 'later' }, 'hours 1 → 1.5'],
  [{ client: { id: 1, name: 'A' } }, { client: { id: 2, name: 'B' } }, 'client A → B'],
  [
    { client: { id: 1, name: 'A', currency: 'USD' } },
    { client: { id: 1, name: 'A', currency: 'EUR' } },
    'client.currency USD → EUR',
  ],
  [
    { user_assignment: { budget: null, is_active: true } },
    { user_assignment: { budget: 5, is_active: true } },
    'user_assignment.budget – → 5',
  ],
  [{ invoice: { id: 7 } }, { invoice: { id: 8 } }, 'invoice #7 → #8'],
  [{ invoice: null }, { invoice: { id: 8 } }, 'invoice – → #8'],
  [{ line_items: [{ id: 1, quantity: 1 }] }, { line_items: [{ id: 1, quantity: 2 }] }, 'line_items[0].quantity 1 → 2'],
  [{ line_items: [{ id: 1 }] }, { line_items: [{ id: 1 }, { id: 2 }] }, 'line_items [1] → [2]'],
  [{ reference: { url: 'a' } }, { reference: { url: 'b' } }, 'reference.url a → b'],
])('a change from %j to %j is told as what changed', (before, after, told) => {
  expect(changes(before, after)).toBe(told);
});

describe('a change is printed', () => {
  const AT = Date.UTC(2026, 10, 21, 6, 30, 1);
  const change = (rest: Partial<Change>): Change => ({
    ...{ account: '1234567', stream: 'clients', topic: 'harvest.clients', partition: 0, offset: 7, at: AT, op: 'u' },
    ...{ key: { id: 12 }, before: { id: 12, name: 'A' }, after: { id: 12, name: 'B' } },
    ...rest,
  });
  const printed = (given: readonly Change[], options: Partial<PrinterOptions> = {}) => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const printer = new ChangePrinter({ write, paint: (_, text) => text, clock: new VirtualClock(AT), ...options });
    for (const each of given) printer.show(each);
    printer.close();
    return lines.map((line) => line.replace(/ +/g, ' '));
  };

  test.each([
    [{}, '06:30:01 ~ clients 12 name A → B\n'],
    [{ op: 'c', before: null }, '06:30:01 + clients 12 B\n'],
    [{ op: 'd', after: null }, '06:30:01 - clients 12 A\n'],
    [{ op: 'd', before: null, after: null }, '06:30:01 - clients 12\n'],
    [{ key: '2026-01-01|2026-01-31|5|EUR', before: null }, '06:30:01 ~ clients 2026-01-01|2026-01-31|5|EUR B\n'],
    [{ after: 'unreadable: no schema' }, '06:30:01 ~ clients 12 unreadable: no schema\n'],
  ])('%j as %j', (rest, line) => {
    expect(printed([change(rest)])).toEqual([line]);
  });

  test('without what a terminal would obey, and cut to its width', () => {
    expect(printed([change({ op: 'c', before: null, after: { name: '\u001b[2Jx' } })])).toEqual([
      '06:30:01 + clients 12 [2Jx\n',
    ]);
    expect(printed([change({})], { width: 20 })).toEqual(['06:30:01 ~ clients \n']);
  });

  test('first reads are counted together, or printed one by one when they are asked for', () => {
    const reads = [change({ op: 'r', before: null }), change({ op: 'r', before: null })];
    expect(printed(reads)).toEqual(['06:30:01 · read for the first time: clients 2\n']);
    expect(printed(reads, { showFirstReads: true })).toHaveLength(2);
  });
});
