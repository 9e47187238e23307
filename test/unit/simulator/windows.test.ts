// The simulator's own calendar, made apart from the publisher's so that each can find the other's mistakes.
import { expect, test } from 'vitest';
import { createSimulator, type Grain } from '../../../lab/simulator/index.ts';
import { isoDay, windowAfter, windowOf } from '../../../src/streams/windows.ts';
import { dayAt } from '../../support/epoch.ts';
import { START } from '../../support/simulated-harvest.ts';

const GRAINS: readonly Grain[] = ['day', 'week', 'month', 'quarter', 'year'];
const WEEK_STARTS = ['Saturday', 'Sunday', 'Monday'] as const;
const DAY = 86_400_000;

test.each(GRAINS)(
  '%s windows go from the oldest record to today where something is tracked, and are those of the publisher',
  (grain) => {
    // Leap years included.
    const simulator = createSimulator({ timeEntries: 50, years: 6, now: () => START });
    for (const weekStart of grain === 'week' ? WEEK_STARTS : WEEK_STARTS.slice(0, 1)) {
      simulator.data.company.week_start_day = weekStart;
      const windows = simulator.windows(grain);
      const oldest = [simulator.data.time_entries, simulator.data.expenses]
        .map(({ byDate }) => byDate.oldest()!)
        .sort()[0]!;
      expect(windows[0]).toEqual(windowOf(oldest, grain, weekStart));
      expect(windows.at(-1)).toEqual(windowOf(dayAt(0), grain, weekStart));
      expect(windows).toEqual(windows.map(({ from }) => windowOf(from, grain, weekStart)));
      const days = [simulator.data.time_entries, simulator.data.expenses].flatMap(({ byDate }) => byDate.days());
      const tracked = days.map((date) => windowOf(date, grain, weekStart).from);
      expect(new Set(windows.map(({ from }) => from))).toEqual(new Set([...tracked, windows.at(-1)!.from]));
      const longest = Math.max(...windows.map(({ from, to }) => (Date.parse(to) - Date.parse(from)) / DAY));
      expect(longest).toBeLessThanOrEqual(365);
    }
  },
);

test('windows reach to the newest record when that lies in the future', () => {
  const simulator = createSimulator({ timeEntries: 50, now: () => START });
  const current = windowOf(dayAt(0), 'month');
  const before = windowOf(isoDay(Date.parse(current.from) / 864e5 - 1), 'month');
  const next = windowAfter(current, 'month');
  const newest = windowAfter(next, 'month').to;
  const [entry, another] = simulator.data.time_entries
    .all()
    .filter(({ timer_started_at }) => timer_started_at === null);
  simulator.data.time_entries.update(entry!.id, { spent_date: newest });
  simulator.data.time_entries.update(another!.id, { spent_date: before.to });
  expect(
    simulator
      .windows()
      .slice(-3)
      .map(({ from }) => from),
  ).toEqual([before.from, current.from, windowOf(newest, 'month').from]);
});
