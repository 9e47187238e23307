// The real engine, client, index and codec against the simulator in process and a log in memory: everything but sockets.

import { createSimulator, type Simulator, type SimulatorOptions } from '../../lab/simulator/index.ts';
import type { Clock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import type { CodecOptions } from '../../src/codec/codec.ts';
import { Account } from '../../src/engine/account.ts';
import type { PublisherEvent } from '../../src/engine/events.ts';
import type { Intervals, PollingSettings } from '../../src/engine/pace/polling.ts';
import type { StepSettings } from '../../src/engine/step.ts';
import { createSource, type HarvestSource, type SourceOptions } from '../../src/harvest/client.ts';
import type { Transport } from '../../src/harvest/transport.ts';
import { catalog } from '../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import type { Grain } from '../../src/streams/windows.ts';
import { testCodec } from './codec.ts';
import { CALENDAR, clockFrom, EPOCH } from './epoch.ts';
import { createMemorySink, type MemoryLog } from './memory-log.ts';
import { evidenceOf, falseChanges as falseChangesIn, judge } from './oracle.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A small account whose clock stands still, so that running timers do not tick while they are compared. */
export function account(options: SimulatorOptions = {}): { simulator: Simulator; pass: (ms: number) => void } {
  let now = EPOCH;
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 300, years: 1, budgets, now: () => now, ...options });
  simulator.data.company.week_start_day = CALENDAR.weekStart;
  return {
    simulator,
    pass: (ms) => {
      now += ms;
    },
  };
}

export function named<Name extends PublisherEvent['name']>(events: readonly PublisherEvent[], name: Name) {
  return events.filter((event): event is Extract<PublisherEvent, { name: Name }> => event.name === name);
}

/** P2 and P3 on the log: nothing repeated, nothing older after something newer. */
export const falseChanges = (log: MemoryLog): string[] => falseChangesIn(evidenceOf(log).history);

export interface Bench {
  readonly account: Account;
  readonly sink: ReturnType<typeof createMemorySink>;
  readonly source: HarvestSource;
  readonly events: PublisherEvent[];
  /** `run --once`. */
  catchUp(): Promise<void>;
}

/** The daemon's defaults. */
export const POLLING: PollingSettings = { targetMs: 4_000, quietMs: 10_000, idleMs: 60_000, budgetShare: 0.5 };
const INTERVALS: Intervals = { pollMs: 60_000, countMs: 300_000, reconcileMs: 86_400_000 };

/** The daemon's defaults. */
export function settingsOf(simulator: Simulator): StepSettings {
  return {
    accountId: simulator.accountId,
    overlapMs: 300_000,
    grain: 'month',
    startDate: null,
    endDate: null,
    hold: { share: 0.05, atLeast: 50 },
    polling: POLLING,
    restateMs: 300_000,
    pollTimers: false,
  };
}

/** An account on the simulator that publishes to the log. Each call is a new process, as far as the engine can tell. */
export function benchAccount(
  simulator: Simulator,
  log: MemoryLog,
  options: {
    readonly settings?: Partial<StepSettings>;
    readonly streams?: readonly string[];
    /** Instead of the catalog. */
    readonly catalog?: readonly StreamDefinition[];
    readonly intervals?: Intervals | ((stream: StreamDefinition) => Intervals);
    /** Jitter of the pauses; 0 makes them nothing. */
    readonly chance?: number;
    readonly codec?: Partial<CodecOptions>;
    /** Other options of the client; with `baseUrl` it goes through sockets. */
    readonly source?: Partial<SourceOptions>;
    /** `clockOf(simulator)` when left out. */
    readonly clock?: Clock;
    /** Hears the events as they come. */
    readonly listen?: (event: PublisherEvent) => void;
  } = {},
): Bench {
  const { clock = clockOf(simulator), intervals = INTERVALS } = options;
  const intervalsOf = typeof intervals === 'function' ? intervals : () => intervals;
  const sink = createMemorySink(log);
  const events: PublisherEvent[] = [];
  const emit = (event: PublisherEvent) => {
    events.push(event);
    options.listen?.(event);
  };
  const source = simulatedSource(simulator, { emit, clock, onLeaseLow: () => account.onLeaseLow(), ...options.source });
  const account: Account = new Account({
    settings: { ...settingsOf(simulator), ...options.settings },
    streams: (options.catalog ?? catalog)
      .filter((definition) => options.streams?.includes(definition.name) ?? true)
      .map((definition) => ({ definition, intervals: intervalsOf(definition) })),
    source,
    codec: testCodec(options.codec),
    sink,
    clock,
    random: () => options.chance ?? 0,
    emit,
  });
  return { account, sink, source, events, catchUp: () => account.run(new AbortController().signal, { once: true }) };
}

export interface VirtualBench extends Bench {
  /** Starts the daemon; it lives while `clock.pass` lets time pass. */
  start(): { readonly ended: Promise<void>; readonly stop: () => void };
}

/**
 * A bench whose daemon and account share one clock, which moves only by `clock.pass`: hours in milliseconds. The simulator
 * has to be made with `now: clock.now`.
 */
export function virtualBench(
  simulator: Simulator,
  log: MemoryLog,
  clock: VirtualClock,
  options: Parameters<typeof benchAccount>[2] = {},
): VirtualBench {
  const bench = benchAccount(simulator, log, { clock, ...options });
  return {
    ...bench,
    start: () => {
      const stop = new AbortController();
      return { ended: bench.account.run(stop.signal), stop: () => stop.abort() };
    },
  };
}

const clocks = new WeakMap<Simulator, Clock>();

/** The publisher's clock on that account: one for all its lives, for between two of them no clock goes back. */
export function clockOf(simulator: Simulator): Clock {
  const clock = clocks.get(simulator) ?? clockFrom(() => simulator.now());
  clocks.set(simulator, clock);
  return clock;
}

/** The real client on the simulator in process, without limits and without pauses. */
export function simulatedSource(simulator: Simulator, parts: Partial<SourceOptions> = {}): HarvestSource {
  const { baseUrl } = parts;
  return createSource({
    ...(baseUrl === undefined && { baseUrl: 'http://harvest.test/v2', transport: inProcess(simulator) }),
    idBaseUrl: baseUrl ?? 'http://id.test',
    userAgent: 'harvest-kafka tests (https://example.com)',
    accountId: simulator.accountId,
    credential: { accessToken: new Secret(simulator.token) },
    budgets: { general: { requests: 1_000_000, perSeconds: 1 }, reports: { requests: 1_000_000, perSeconds: 1 } },
    clock: clockOf(simulator),
    random: () => 0,
    emit: () => {},
    ...parts,
  });
}

/** A client's way to the simulator without sockets. */
export function inProcess(simulator: Simulator): Transport {
  return async ({ method, url, headers, body }, signal) => {
    // Uncompressed, because unpacking takes real time, which a virtual clock cannot wait for.
    const plain = { ...headers, 'accept-encoding': 'identity' };
    const outcome = simulator.handle({ method, url, headers: plain, ...(body === undefined ? {} : { body }) });
    if (outcome.outcome === 'hang')
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (outcome.outcome !== 'answered') throw new Error('connection reset');
    return { status: outcome.status, headers: outcome.headers, body: outcome.body };
  };
}

/** Differences between the compacted view of every topic in the log and what the simulator would answer now. */
export async function viewDifferences(
  simulator: Simulator,
  log: MemoryLog,
  names?: readonly string[],
  grain?: Grain,
): Promise<readonly string[]> {
  return (await judge(simulator, evidenceOf(log), { ...(names && { streams: names }), ...(grain && { grain }) }))
    .differences;
}
