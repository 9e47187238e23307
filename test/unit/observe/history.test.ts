import { describe, expect, test } from 'vitest';
import { renderCurve, renderHour } from '../../../src/observe/chart.ts';
import { HISTORY_STEP_MS, History, latenessOf, latest } from '../../../src/observe/history.ts';
import { account, budget, NOW, stream } from '../../support/status.ts';

const MINUTE = 60_000;
const general = {
  label: 'general budget',
  of: ({ budgets }: { budgets: Readonly<Record<string, number>> }) => budgets.general ?? null,
};

/** A history of so many minutes until now, in which the general budget was used as `used` says. */
function hour(minutes: number, used: (minutesAgo: number) => number): History {
  const history = new History();
  for (let ago = minutes; ago >= 0; ago -= 0.5) {
    history.record(NOW - ago * MINUTE, [
      account([stream('clients')], { budgets: [budget('general', { used: used(ago) })] }),
    ]);
  }
  return history;
}

describe('the last hour', () => {
  test('holds an hour and no more, however long the process runs', () => {
    const moments = hour(300, () => 19).of('1234567');
    expect(moments).toHaveLength(3_600_000 / HISTORY_STEP_MS);
    expect(moments.at(-1)).toEqual({ at: NOW, lateness: 30 / 900, budgets: { general: 0.2 } });
  });

  test('forgets accounts that are no more, and moments that a clock which was set back makes later than now', () => {
    const history = hour(10, () => 0);
    history.record(NOW - 5 * MINUTE, [account([])]);
    expect(history.of('1234567').at(-1)!.at).toBe(NOW - 5 * MINUTE);
    history.record(NOW, [account([], { accountId: '2' })]);
    expect([history.of('1234567'), history.of('2')]).toEqual([
      [],
      [{ at: NOW, lateness: null, budgets: { general: 12 / 95, reports: 12 / 95 } }],
    ]);
  });

  test('measures each stream by its own interval, and never calls a quarter of an hour late', () => {
    const list = stream('clients', { lagSeconds: 900, pollIntervalSeconds: 4 });
    const child = stream('cost_rates', { lagSeconds: 21_600, pollIntervalSeconds: 21_600 });
    expect([list, child].map(latenessOf)).toEqual([1, 0.5]);
    expect(latest(account([child, list]))).toBe(list);
    expect(latenessOf(stream('users', { state: 'FORBIDDEN', lagSeconds: 99_999 }))).toBeNull();
    expect(latest(account([stream('users', { lagSeconds: null })]))).toBeNull();
  });
});

describe('the curve', () => {
  test('says in words what it shows, and the table has the worst of every five minutes', () => {
    const moments = hour(60, (ago) => (ago === 12 ? 95 : 19)).of('1234567');
    expect(renderCurve(general, moments, NOW).markup).toContain(
      'aria-label="general budget over the last hour: now 20 %, at most 100 %"',
    );
    const { markup } = renderHour([general], moments, NOW);
    const rows = [...markup.matchAll(/<th scope="row">(\d+ to \d+)<\/th><td class="number">([^<]+)</g)].map(
      ([, when, most]) => [when, most],
    );
    expect(rows).toHaveLength(12);
    expect(rows.slice(0, 4)).toEqual([
      ['0 to 5', '20 %'],
      ['5 to 10', '20 %'],
      ['10 to 15', '100 %'],
      ['15 to 20', '20 %'],
    ]);
  });

  test('has a gap where nothing was known, and none is drawn from less than two moments', () => {
    const history = hour(10, () => 19);
    const moments = history.of('1234567').filter(({ at }) => at < NOW - 8 * MINUTE || at > NOW - 4 * MINUTE);
    expect(renderCurve(general, moments, NOW).markup.match(/M/g)!.length).toBe(1 + 2);
    expect(renderCurve(general, moments.slice(0, 1), NOW).markup).toBe('');
    expect(renderHour([general], [], NOW).markup).toBe('');
  });
});
