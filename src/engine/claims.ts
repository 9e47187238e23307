// The one place where a step is let in: a task of the schedule is given a claim if nothing that it takes is taken, and holds it
// from the fetch to the commit.
import type { Clock } from '../base/clock.ts';
import type { BudgetName } from '../streams/definition.ts';
import { LANES } from './ports.ts';
import type { Claim, StreamRuntime } from './state/stream-runtime.ts';
import type { Task } from './state/task.ts';
import { nextParents } from './steps/child-step.ts';

/**
 * Steps under way at once, by the budget they wait for: enough to keep it busy while one page is encoded and another commits.
 * A few places are kept for what is read on time; were all shared, a full lane would keep it from beginning.
 */
const STEPS_AT_ONCE: Readonly<Record<BudgetName, Readonly<Record<'all' | 'rest' | 'children', number>>>> = {
  // Steps of children make many requests each: pages of lists, and what follows from a change, find a place beside them.
  general: { all: 8, rest: 6, children: 4 },
  reports: { all: 4, rest: 3, children: 3 },
};

type Wish = Pick<Claim, 'runtime' | 'task' | 'priority' | 'keepsPace'>;

export class Claims {
  readonly #clock: Clock;
  readonly #out = new Set<Claim>();
  /** Claims given and given back so far: another number whenever a step begins or ends. */
  moves = 0;
  /** Claims given so far. */
  given = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Steps under way. */
  get out(): number {
    return this.#out.size;
  }

  /** Steps under way that wait for that budget. */
  outOf(budget: BudgetName): number {
    return this.#ofBudget(budget).length;
  }

  /** Whether another step of that urgency may begin. */
  hasPlace({ runtime, priority }: Pick<Wish, 'runtime' | 'priority'>): boolean {
    const { budget } = runtime.definition;
    const most = STEPS_AT_ONCE[budget];
    const taken = this.#ofBudget(budget);
    const isFull = (lane: 'rest' | 'children') =>
      LANES[lane].includes(priority) &&
      taken.filter((claim) => LANES[lane].includes(claim.priority)).length >= most[lane];
    return taken.length < most.all && !isFull('rest') && !isFull('children');
  }

  /** The claim of a step that begins now; null when another holds a part of it, or its budget has no place. */
  give({ runtime, task, priority, keepsPace }: Wish): Claim | null {
    const streams = streamsOf(task, runtime);
    if (!this.hasPlace({ runtime, priority }) || !isFree(streams)) return null;
    this.moves++;
    const step = ++this.given;
    const parents = new Set(task.kind === 'read' && runtime.parent !== null ? nextParents(runtime) : []);
    const window = task.kind === 'window' ? task.window.window : null;
    const windows = new Set(window === null ? [] : [window.from]);
    const claim: Claim = { runtime, task, priority, keepsPace, step, streams, parents, windows };
    for (const stream of streams) {
      stream.claim = claim;
      // What another step publishes may be newer than a page that was asked for before it (P3).
      if (task.kind !== 'read') stream.ahead = null;
    }
    this.#out.add(claim);
    if (task.kind === 'window') {
      const { memory } = runtime;
      // A turn is had also when the reading fails.
      runtime.memory = { ...memory, windowTurns: { ...memory.windowTurns, [task.window.why]: step } };
    }
    return claim;
  }

  /** The step has ended, however. */
  giveBack(claim: Claim): void {
    this.moves++;
    this.#out.delete(claim);
    for (const stream of claim.streams) stream.claim = null;
    const now = this.#clock.now();
    const { runtime, keepsPace } = claim;
    runtime.memory = { ...runtime.memory, waitingSince: now, ...(keepsPace && { steppedAt: now }) };
  }

  #ofBudget(budget: BudgetName): Claim[] {
    return [...this.#out].filter((claim) => claim.runtime.definition.budget === budget);
  }
}

/** Whether a step of this task could take its streams now. */
export function mayTake(task: Task, runtime: StreamRuntime): boolean {
  return isFree(streamsOf(task, runtime));
}

/** Streams that are deleted from together must stand still together. */
function streamsOf(task: Task, runtime: StreamRuntime): readonly StreamRuntime[] {
  return task.kind === 'removal' ? [runtime, ...runtime.dependents] : [runtime];
}

function isFree(streams: readonly StreamRuntime[]): boolean {
  return streams.every(({ claim }) => claim === null);
}
