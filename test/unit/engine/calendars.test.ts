// The days on which calendars do something, small: a publisher lives through each of them while its account changes.
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSimulator, seededRandom, storm } from '../../../lab/simulator/index.ts';
import type { Intervals } from '../../../src/engine/state/stream-runtime.ts';
import { windowOf } from '../../../src/streams/windows.ts';
import { virtualBench } from '../../support/account.ts';
import { AWKWARD } from '../../support/epoch.ts';
import { evidenceOf, judge, WatchedLog } from '../../support/oracle.ts';
import { verified } from '../../support/verification.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Witness } from '../../support/witness.ts';

const MINUTE = 60_000;
const INTERVALS: Intervals = { pollMs: 10 * MINUTE, countMs: 10 * MINUTE, reconcileMs: 30 * MINUTE };

/** The zone of this process, until the test is over. */
function machineIn(zone: string): void {
  const { TZ } = process.env;
  onTestFinished(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });
  process.env.TZ = zone;
  const named = (timeZone?: string) => Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  expect(named()).toBe(named(zone));
}

/** Weeks show when they begin; months are the rule, and turn on some of these days. */
const cases = AWKWARD.map((calendar, at) => ({ ...calendar, grain: at % 2 === 0 ? 'month' : 'week' }) as const);

describe.each(cases)('$name in $zone, windows of a $grain, weeks from $weekStart', ({ at, zone, weekStart, grain }) => {
  test('an hour and a half around the turn leave the topics equal and nothing repeated, and a verification finds so [P1]', async () => {
    machineIn(zone);
    const clock = new VirtualClock(Date.parse(at));
    const budgets = { general: null, reports: null };
    const simulator = createSimulator({ timeEntries: 30, years: 0.1, now: clock.now, budgets });
    simulator.data.company.week_start_day = weekStart;
    const log = new WatchedLog(simulator);
    const witness = new Witness(simulator);
    // Records that the storm deletes are deleted: holds are tested by themselves.
    const settings = { grain, hold: { share: 1, atLeast: 1_000_000 } };
    const random = seededRandom(1);
    const daemon = virtualBench(simulator, log, clock, { intervals: INTERVALS, settings }).start();
    for (let turns = 0; turns < 3; turns++) {
      await clock.pass(15 * MINUTE);
      storm(simulator, { random, lateSeconds: 60, count: 6 });
    }
    // Everything that is only read in slack has had its turn on the other side.
    await clock.pass(40 * MINUTE);
    for (const { id, timer_started_at } of simulator.data.time_entries.all()) {
      if (timer_started_at !== null) simulator.data.time_entries.stop(id);
    }
    await clock.pass(15 * MINUTE);
    expect(simulator.windows(grain).at(-1)).toEqual(
      windowOf([simulator.data.today(), ...newestDays()].sort().at(-1)!, grain, weekStart),
    );
    const { differences, falseChanges, falseDeletions } = await judge(simulator, evidenceOf(log), { grain, witness });
    expect({ differences, falseChanges, falseDeletions, early: log.early }).toEqual({
      ...{ differences: [], falseChanges: [], falseDeletions: [], early: [] },
    });
    daemon.stop();
    await clock.pass(MINUTE);
    await daemon.ended;
    const compared = await verified(simulator, log, {
      settings: { accountId: simulator.accountId, startDate: null, endDate: null, grain },
    });
    expect(compared.differences).toEqual([]);

    function newestDays(): string[] {
      return [simulator.data.time_entries, simulator.data.expenses].map(({ byDate }) => byDate.newest()!);
    }
  });
});
