// A daemon that has read everything once and runs within Harvest's own budgets and the default configuration, an account in which
// something changes every second, and what became of the changes; in virtual time.
import { createSimulator, type Simulator } from '../../lab/simulator/index.ts';
import type { Intervals } from '../../src/engine/pace/polling.ts';
import type { Batch } from '../../src/engine/ports.ts';
import type { Transport } from '../../src/harvest/transport.ts';
import { catalog, findStream } from '../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import { inProcess, virtualBench } from './account.ts';
import { testCodec } from './codec.ts';
import { MemoryLog } from './memory-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

export const CHANGED = ['time_entries', 'expenses', 'clients', 'tasks', 'contacts'] as const;
const LIMITS = { general: { requests: 95, perSeconds: 15 }, reports: { requests: 95, perSeconds: 900 } };

/** The intervals of the default configuration. */
export function defaults({ kind }: StreamDefinition): Intervals {
  const pollMs = { list: null, whole: 5 * MINUTE, child: 360 * MINUTE, report: 15 * MINUTE, derived: null }[kind];
  return { pollMs, countMs: null, reconcileMs: 1_440 * MINUTE };
}

class TimedLog extends MemoryLog {
  readonly arrived: {
    readonly stream: string;
    readonly id: unknown;
    readonly isDeleted: boolean;
    readonly at: number;
  }[] = [];
  readonly #codec = testCodec();
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    super();
    this.#clock = clock;
  }

  override append(batch: Batch): void {
    super.append(batch);
    for (const { stream, key, value } of batch.messages) {
      const id = this.#codec.rowId(findStream(stream)!, key);
      this.arrived.push({ stream, id, isDeleted: value === null, at: this.#clock.now() });
    }
  }
}

export interface Request {
  readonly at: number;
  /** A poll or a count check. */
  readonly isTimely: boolean;
  readonly isReport: boolean;
  readonly url: string;
}

export interface Change {
  readonly stream: string;
  readonly id: number;
  readonly at: number;
}

/** A daemon that has read everything once and runs, and what it asks for. */
export async function running(
  years: number,
  {
    intervals = defaults,
    streams,
    counts = {},
    pageRows,
    timeEntries = 2_000,
    reportMs = 80,
  }: {
    readonly intervals?: typeof defaults;
    readonly streams?: readonly string[];
    readonly counts?: Readonly<Record<string, number>>;
    readonly pageRows?: number;
    readonly timeEntries?: number;
    readonly reportMs?: number;
  } = {},
) {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries, years, now: clock.now, counts });
  const answer = inProcess(simulator);
  const requests: Request[] = [];
  const transport: Transport = async (request, signal) => {
    const isReport = request.url.includes('/reports/');
    const isTimely = !isReport && /updated_since=|per_page=1(&|$)/.test(request.url);
    requests.push({ at: clock.monotonic(), isTimely, isReport, url: request.url });
    // What a slow answer says is of before.
    const answered = isReport && reportMs > 80 ? await answer(request, signal) : null;
    await clock.sleep(isReport ? reportMs : 80);
    return answered ?? answer(request, signal);
  };
  const log = new TimedLog(clock);
  const source = { budgets: LIMITS, transport, ...(pageRows !== undefined && { pageRows }) };
  const bench = virtualBench(simulator, log, clock, { chance: 0.5, intervals, source, ...(streams && { streams }) });
  const born = clock.now();
  const daemon = bench.start();
  const isRead = ({ name, kind }: StreamDefinition) => kind === 'list' && (streams?.includes(name) ?? true);
  const lists = catalog.filter(isRead);
  while (!lists.every(({ name }) => log.rows.get(name)?.complete)) await clock.pass(10 * SECOND);
  const end = async () => {
    daemon.stop();
    await clock.pass(MINUTE);
    await daemon.ended;
  };
  return { clock, simulator, log, bench, requests, born, end };
}

/** An edit of a row in each list; `n` makes it another one each time. */
export const EDITS = {
  time_entries: ({ time_entries }, id, n) => time_entries.update(id, { notes: `changed ${n}` }),
  expenses: ({ expenses }, id, n) => expenses.update(id, { notes: `changed ${n}` }),
  clients: ({ clients }, id, n) => clients.update(id, { address: `changed ${n}` }),
  tasks: ({ tasks }, id, n) => tasks.update(id, { name: `changed ${n}` }),
  contacts: ({ contacts }, id, n) => contacts.update(id, { title: `changed ${n}` }),
  projects: ({ projects }, id, n) => projects.update(id, { notes: `changed ${n}` }),
  users: ({ users }, id, n) => users.update(id, { telephone: `changed ${n}` }),
  invoices: ({ invoices }, id, n) => invoices.update(id, { notes: `changed ${n}` }),
  estimates: ({ estimates }, id, n) => estimates.update(id, { notes: `changed ${n}` }),
  user_assignments: ({ user_assignments }, id, n) => user_assignments.update(id, { budget: n }),
  task_assignments: ({ task_assignments }, id, n) => task_assignments.update(id, { budget: n }),
  expense_categories: ({ expense_categories }, id, n) => expense_categories.update(id, { name: `changed ${n}` }),
} satisfies Readonly<Record<string, (data: Simulator['data'], id: number, n: number) => unknown>>;
export type EditedList = keyof typeof EDITS;

/** One change a second, over five lists in turn, for so many seconds. */
export async function changeEverySecond(
  clock: VirtualClock,
  simulator: Simulator,
  seconds: number,
  lists: readonly EditedList[] = CHANGED,
): Promise<Change[]> {
  const changes: Change[] = [];
  for (let second = 0; second < seconds; second++) {
    // Now here, now there in the second: polls come at whole ones.
    const early = (second * 379) % SECOND;
    await clock.pass(SECOND - early);
    const stream = lists[second % lists.length]!;
    const rows = simulator.data[stream].all();
    const { id } = rows[(second * 7) % rows.length]!;
    EDITS[stream](simulator.data, id, second);
    changes.push({ stream, id, at: clock.now() });
    await clock.pass(early);
  }
  return changes;
}

/** Milliseconds from each change until its record arrived, ascending. */
export function freshness(log: TimedLog, changes: readonly Change[], isDeleted = false): number[] {
  const waits = changes.map(({ stream, id, at }) => {
    const arrival = log.arrived.find(
      (each) => each.stream === stream && each.id === id && each.at >= at && each.isDeleted === isDeleted,
    );
    return (arrival?.at ?? Number.POSITIVE_INFINITY) - at;
  });
  return waits.sort((a, b) => a - b);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** The most requests in any window. */
export function busiest(requests: readonly Request[], windowMs: number): number {
  return Math.max(
    0,
    ...requests.map(({ at }) => requests.filter((other) => other.at >= at && other.at < at + windowMs).length),
  );
}
