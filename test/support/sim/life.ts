// One life of a publisher: the real engine, client and codec, and the hand of fate on its clock, its requests and its commits.
import { pauseOf } from '../../../src/base/backoff.ts';
import type { Random } from '../../../src/base/clock.ts';
import { asPublisherError } from '../../../src/base/errors.ts';
import { Secret } from '../../../src/base/secret.ts';
import { Account, type RunScope } from '../../../src/engine/account.ts';
import type { PublisherEvent } from '../../../src/engine/events.ts';
import type { Batch, Restore, Sink } from '../../../src/engine/ports.ts';
import { type Credential, createSource, type HarvestSource } from '../../../src/harvest/client.ts';
import type { BudgetName } from '../../../src/streams/definition.ts';
import { testCodec } from '../codec.ts';
import { type CommitFate, createMemorySink } from '../memory-log.ts';
import { streams } from '../truth.ts';
import type { MachineClock, VirtualClock } from '../virtual-clock.ts';
import type { Door } from './door.ts';
import type { JudgedLog } from './judged-log.ts';
import { Line } from './line.ts';
import { Mortal, type Point } from './mortal.ts';
import { ID_HOST, type Plan, SECRET, TEST_HOST } from './plan.ts';

/** Compiling the schemas takes longer than a whole schedule. */
let codec: ReturnType<typeof testCodec> | undefined;

export interface LifeParts {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  /** The clock of the machine that it runs on. */
  readonly machine: MachineClock;
  readonly door: Door;
  readonly log: JudgedLog;
  readonly random: Random;
  /** Its place among the lives of the schedule. */
  readonly number: number;
  /** Whether derived streams are switched on in its life. */
  readonly derives: boolean;
  /** Its task; everything, for ever, when empty. */
  readonly told: RunScope;
}

export class Life {
  readonly account: Account;
  readonly number: number;
  readonly events: PublisherEvent[] = [];
  /** Promises that it broke before everybody's eyes. */
  readonly broken: string[] = [];
  readonly #mortal = new Mortal();
  readonly #line: Line;
  #isFenced = false;
  /** How each commit ends. */
  fate: (batch: Batch) => CommitFate = () => 'acknowledged';
  /** The code of the error that ended it; null after a clean stop; undefined while it lives. */
  endedBy: string | null | undefined;
  /** Its last words. */
  lastWords = '';
  /** Commits that have ended, however. */
  commits = 0;
  readonly #source: HarvestSource;
  readonly #parts: LifeParts;
  readonly #stop = new AbortController();

  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.number = parts.number;
    const { plan, random } = parts;
    codec ??= testCodec();
    // Notes of an earlier life that were never asked for are not this one's.
    for (const stream of streams) codec.takeNulls(stream);
    const clock = this.#mortal.on(parts.machine);
    const latency = () => this.#latency();
    const { broken } = this;
    this.#line = new Line({ door: parts.door, clock: parts.clock, mortal: this.#mortal, latency, broken });
    const emit = (event: PublisherEvent) => {
      if (this.dead) return;
      this.events.push(event);
      // Whatever the world does: nothing that could go on stands still for a minute.
      if (event.name === 'loop.stalled') this.broken.push(`P9: ${event.loop} stood still: ${event.waiting}`);
    };
    this.#source = createSource({
      ...{ baseUrl: `http://${TEST_HOST}/v2`, idBaseUrl: `http://${ID_HOST}`, userAgent: 'harvest-kafka tests' },
      ...{ accountId: parts.door.simulator.accountId, credential: credential(plan, parts), budgets: plan.budgets },
      pageRows: plan.pageRows,
      ...{ clock, random, emit, transport: this.#line.transport, onLeaseLow: () => this.account.onLeaseLow() },
    });
    const settings = {
      ...{ accountId: parts.door.simulator.accountId, overlapMs: 300_000, grain: plan.grain },
      ...{ startDate: null, endDate: null, hold: plan.hold, pollTimers: false },
      ...{ polling: plan.polling, restateMs: 300_000 },
    };
    this.account = new Account({
      ...{ settings, source: this.#source, codec, clock, random, emit },
      streams: plan.streams
        .filter(({ kind }) => kind !== 'derived' || parts.derives)
        .map((definition) => ({ definition, intervals: plan.intervals })),
      sink: this.#sink(),
    });
  }

  begin(): this {
    void this.account.run(this.#stop.signal, this.#parts.told).then(
      () => {
        this.endedBy = null;
      },
      (thrown) => {
        const error = asPublisherError(thrown);
        this.endedBy = error.code;
        this.lastWords = `${error.message} ${error.remedy}${error.kind === 'bug' ? (error.stack ?? '') : ''}`;
      },
    );
    return this;
  }

  /** Not all that there is to do. */
  get isLimited(): boolean {
    const { once = false, only = null } = this.#parts.told;
    return once || only !== null;
  }

  /** Not all the streams that there are. */
  get isNarrow(): boolean {
    return !this.#parts.derives;
  }

  /** Budgets that requests wait for although nothing is under way, neither window nor lane is full and Harvest asks nobody to wait. */
  get standing(): readonly BudgetName[] {
    if (this.isOver || this.#mortal.isFrozen || this.#line.isBusy) return [];
    return this.#source.budgets.filter((each) => each.waiting() > 0 && !each.isHeldBack()).map(({ name }) => name);
  }

  get isOver(): boolean {
    return this.dead || this.endedBy !== undefined;
  }

  /** SIGTERM. */
  stop(): void {
    this.#stop.abort();
  }

  get dead(): boolean {
    return this.#mortal.isDead;
  }

  /** When it began which requests (monotonic), by their budget. */
  get starts(): Line['starts'] {
    return this.#line.starts;
  }

  /** SIGKILL. */
  kill(): void {
    this.#mortal.kill();
  }

  /** Dies when it passes that point for the `nth` time from now. */
  doom(point: Point, nth: number): void {
    this.#mortal.doom(point, nth);
  }

  /** SIGSTOP, until `thaw`. */
  freeze(): void {
    this.#mortal.freeze();
  }

  thaw(): void {
    this.#mortal.thaw();
  }

  /** How long the network takes for one direction, or a commit. */
  #latency(): number {
    return Math.round(this.#parts.random() * this.#parts.plan.latencyMs);
  }

  #sink(): Sink {
    const { log, clock } = this.#parts;
    const inner = createMemorySink(log);
    return {
      open: async (restore, signal) => {
        await this.#mortal.pass('while opening');
        if (this.#isFenced) this.broken.push(`P5: life ${this.number} opened again although it was fenced`);
        log.opens(this.number);
        const opened = await this.#watched(inner.open(this.#restore(restore), signal));
        await this.#mortal.pass();
        return opened;
      },
      commit: async (batch) => {
        await this.#mortal.pass('before a commit');
        await clock.sleep(this.#latency());
        await this.#mortal.pass();
        inner.fate = () => this.fate(batch);
        try {
          await this.#watched(log.writes(this.number, () => inner.commit(batch)));
        } finally {
          this.commits += 1;
          // The reply takes its time, whatever it says.
          await clock.sleep(this.#latency());
          await this.#mortal.pass('after a commit');
        }
      },
      signals: async (signal) => {
        await this.#mortal.pass();
        return inner.signals(signal);
      },
      moves: () => inner.moves(),
      close: () => inner.close(),
    };
  }

  /** A life that is told that another took over must not come back. */
  #watched<T>(work: Promise<T>): Promise<T> {
    return work.catch((thrown) => {
      if ((thrown as { code?: unknown }).code === 'kafka.fenced') this.#isFenced = true;
      throw thrown;
    });
  }

  #restore(restore: Restore): Restore {
    return {
      reset: (stream) => restore.reset(stream),
      record: async (stream, record) => {
        await this.#mortal.pass('while restoring');
        await restore.record(stream, record);
      },
    };
  }
}

function credential(plan: Plan, { door }: LifeParts): Credential {
  if (!plan.oauth) return { accessToken: new Secret(door.simulator.token) };
  const { clientId, clientSecret, refreshToken } = SECRET;
  const secrets = { clientSecret: new Secret(clientSecret), refreshToken: new Secret(refreshToken) };
  return { oauth: { clientId, ...secrets, tokenFile: null } };
}

/** Somebody starts it again. */
export const restartPause = (random: Random): number => pauseOf({ baseMs: 2_000, mostMs: 8_000 }, 3, random());
