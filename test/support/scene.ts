// A simulated account behind a socket, and a set of topics of its own on the shared broker.
import { onTestFinished } from 'vitest';
import {
  createSimulator,
  type RunningSimulator,
  type Simulator,
  type SimulatorOptions,
  serve,
} from '../../lab/simulator/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import { windowAfter, windowOf } from '../../src/streams/windows.ts';
import { freeEntries } from './free-entries.ts';
import { moved } from './patience.ts';
import type { Where } from './publisher.ts';
import { sharedStack, uniquePrefix } from './stack.ts';

export interface Scene extends Where {
  /** Moves the account's clock, which otherwise stands still: running timers do not tick while they are compared. */
  pass(ms: number): void;
}

/** Time entries of the accounts of these tests; more with `TEST_TIME_ENTRIES`, for the long runs. */
export const TIME_ENTRIES = Number(process.env.TEST_TIME_ENTRIES ?? 2_500);

/** `ticking` accounts have the real clock, which budgets over real time need. */
export async function scene(options: SimulatorOptions & { readonly ticking?: boolean } = {}): Promise<Scene> {
  const { ticking = false, ...rest } = options;
  // The broker and the publishers' processes have the machine's day, and so has Harvest.
  let now = systemClock.now();
  const simulator: Simulator = createSimulator({
    timeEntries: TIME_ENTRIES,
    budgets: { general: null, reports: null },
    now: ticking ? systemClock.now : () => now,
    ...rest,
  });
  reachIntoNextMonth(simulator);
  simulator.faults.add({ do: { kind: 'before', run: moved } });
  const server: RunningSimulator = await serve(simulator);
  onTestFinished(() => server.close());
  const { bootstrap, registryUrl } = await sharedStack();
  return {
    simulator,
    server,
    bootstrap,
    registryUrl,
    prefix: uniquePrefix(),
    pass: (ms) => {
      now += ms;
    },
  };
}

/**
 * Reports reach to the newest entry: with one of the next month they hold the same windows before and after midnight, so that no
 * test that runs over the end of a month sees a new one come.
 */
function reachIntoNextMonth(simulator: Simulator): void {
  const { data } = simulator;
  const [free] = freeEntries(simulator);
  if (free)
    data.time_entries.update(free.id, { spent_date: windowAfter(windowOf(data.today(), 'month'), 'month').from });
}
