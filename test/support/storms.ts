// A storm over a simulated account while publishers live, crash and come back, under a clock that moves only by this test.

import { calm, createSimulator, storm, stormBetweenRequests } from '../../lab/simulator/index.ts';
import type { Random } from '../../src/base/clock.ts';
import { asPublisherError } from '../../src/base/errors.ts';
import type { Intervals } from '../../src/engine/state/stream-runtime.ts';
import { virtualBench } from './account.ts';
import { evidenceOf, judge, type Verdict, WatchedLog } from './oracle.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Witness } from './witness.ts';

export interface StormPlan {
  readonly random: Random;
  readonly seed: number;
  readonly mutations: number;
  readonly timeEntries?: number;
}

export interface StormVerdict extends Verdict {
  /** Tombstones that came before their deletion did. */
  readonly early: readonly string[];
  readonly mutations: number;
  readonly restarts: number;
}

const MINUTE = 60_000;
/** Everything that is only ever read in the slack has had its turn within these hours. */
const INTERVALS: Intervals = { pollMs: 10 * MINUTE, countMs: 10 * MINUTE, reconcileMs: 180 * MINUTE };
const QUIET_MS = 210 * MINUTE;
/** Writes become visible up to this much later than they say. */
const LATE_SECONDS = 60;
/** Share of the changes that fall between two requests of one walk. */
const BETWEEN = 0.2;

/** Blows `mutations` changes over an account, restarts the publisher at random, waits for quiet and judges. */
export async function stormOver({ random, seed, mutations, timeEntries = 200 }: StormPlan): Promise<StormVerdict> {
  const clock = new VirtualClock();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ seed, timeEntries, years: 1, budgets, now: clock.now });
  const log = new WatchedLog(simulator);
  const witness = new Witness(simulator);
  // Records that the storm deletes are deleted: holds are tested by themselves.
  const settings = { hold: { share: 1, atLeast: 1_000_000 } };
  let made = 0;
  let restarts = 0;

  let daemon = start();
  while (made < mutations) {
    await clock.pass(random() * 20 * MINUTE);
    const count = Math.min(mutations - made, 1 + Math.floor(random() * 12));
    const between = random() < BETWEEN;
    if (between) await blowBetweenRequests(count);
    else made += storm(simulator, { random, count, lateSeconds: LATE_SECONDS }).length;
    if (random() < 0.15) await restart();
  }
  calm(simulator);
  await clock.pass(QUIET_MS);
  await daemon.end();
  const verdict = await judge(simulator, evidenceOf(log), { witness });
  return { ...verdict, early: log.early, mutations: made, restarts };

  function start() {
    const bench = virtualBench(simulator, log, clock, { intervals: INTERVALS, settings, chance: 0.5 });
    bench.sink.fate = () => (random() < 0.01 ? 'lost' : random() < 0.01 ? 'reply lost' : 'acknowledged');
    const { ended, stop } = bench.start();
    const settled = ended.catch((thrown) => {
      // Requests that were under way when the process died are of no interest; anything else is.
      if (asPublisherError(thrown).code !== 'kafka.doubt') throw thrown;
    });
    return {
      bench,
      end: async () => {
        stop();
        await clock.pass(0);
        await settled;
      },
    };
  }

  /** Half of the restarts are crashes: a commit that may or may not have happened is the last word of the process. */
  async function restart(): Promise<void> {
    restarts++;
    if (random() < 0.5) {
      const died = new Promise<void>((resolve) => {
        daemon.bench.sink.fate = () => {
          resolve();
          return random() < 0.5 ? 'lost' : 'reply lost';
        };
      });
      await Promise.race([died, clock.pass(6 * MINUTE)]);
    }
    await daemon.end();
    daemon = start();
  }

  async function blowBetweenRequests(count: number): Promise<void> {
    let left = count;
    const stop = stormBetweenRequests(simulator, {
      random,
      count: 1,
      lateSeconds: LATE_SECONDS,
      each: (told) => {
        made += told.length;
        if (--left === 0) stop();
      },
    });
    await clock.pass(6 * MINUTE);
    stop();
  }
}
