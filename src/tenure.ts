// One owner's time with one account: from what the account needs to its end. Each has an instance id of its own, because whoever
// has run an account before is an elder to the log for ever.
import { type Pace, patiently } from './base/backoff.ts';
import { type Clock, isoSeconds, type Random } from './base/clock.ts';
import { asPublisherError, isPassing, type PublisherError } from './base/errors.ts';
import type { Watchdog } from './base/watchdog.ts';
import { couldRun } from './cluster/describe.ts';
import { type SchemaIds, sharingCodec } from './codec/codec.ts';
import type { CompiledStreams } from './codec/compiled-streams.ts';
import { prepareSubjects, type RegistryClient, type Written } from './codec/registry.ts';
import type { ValueSchemas } from './codec/schemas.ts';
import type { AccountConfig, Config } from './config/options.ts';
import { Account } from './engine/account.ts';
import { isAnyHeldBack, requestMoves, watchdogOf } from './engine/account-watch.ts';
import type { PublisherEvent } from './engine/events.ts';
import { introduce } from './engine/introduction.ts';
import { type AccountStatus, stallStatus } from './engine/status.ts';
import type { HarvestSource } from './harvest/client.ts';
import { createHarvestSource } from './harvest-source.ts';
import { intervalsOf, pollingOf } from './intervals.ts';
import type { Brokers } from './kafka/brokers.ts';
import type { Log } from './kafka/connection.ts';
import type { Membership } from './kafka/ownership.ts';
import { createSink } from './kafka/publisher.ts';
import { openTopicLog } from './kafka/topic-log.ts';
import { TopicLook } from './kafka/topic-look.ts';
import { Traffic } from './kafka/traffic.ts';
import { enabledStreams, kafkaSettings, prefixOf } from './settings.ts';
import { catalog } from './streams/catalog.ts';
import { neededFor, type StreamDefinition } from './streams/definition.ts';

/** Shared by all tenures of a process. */
export interface Premises {
  readonly config: Config;
  /** Schemas are read once, and each is compiled once. */
  readonly compiled: () => Promise<CompiledStreams>;
  readonly registry: RegistryClient;
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly random: Random;
  /** A fresh UUID; names each tenure on the state topic. */
  readonly uuid: () => string;
  readonly emit: (accountId: string, event: PublisherEvent) => void;
  readonly log: Log;
  /** The configuration as it is now, for secrets that are replaced while we run. Left out, they stay as they are. */
  readonly reread?: () => Config;
}

export interface TenureOptions {
  readonly once: boolean;
  /** Names of streams; null reads all. */
  readonly only: ReadonlySet<string> | null;
  /** Takes the account although instances of a group could run it. */
  readonly takeOver?: boolean;
  /** Whether a token that is refused at its first request is waited for. */
  readonly mayWait: () => boolean;
}

/** How a registry is waited for; only `run --once` ever gives up. */
const START_PACE: Pace = { baseMs: 1_000, mostMs: 15_000 };
const ONCE_START_PACE: Pace = { ...START_PACE, patienceMs: 60_000 };
/** A registry may ask for a pause of a minute. */
const START_PATIENCE_MS = 120_000;

export class Tenure {
  readonly account: AccountConfig;
  readonly #premises: Premises;
  readonly #membership: Membership | undefined;
  readonly #startedAt: number;
  /** Null until everything that it needs is there. */
  #engine: Account | null = null;
  /** Why it is not. */
  #waiting: PublisherError | null = null;
  #ended: PublisherError | null = null;
  #isRefused = false;
  /** Sees that what it waits for is still asked for; its engine has a watchdog of its own. */
  #watchdog: Watchdog | null = null;
  /** Counts of what was said to the brokers for it, and of the events it told. */
  readonly #traffic = new Traffic();
  #told = 0;

  constructor(premises: Premises, account: AccountConfig, membership?: Membership) {
    this.account = account;
    this.#premises = premises;
    this.#membership = membership;
    this.#startedAt = premises.clock.now();
  }

  /** Why it ended although nobody stopped it. */
  get ended(): PublisherError | null {
    return this.#ended;
  }

  /** Harvest has refused its token from the first request on; it waits for a better one while others go on. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Publishes until `signal` aborts or, with `once`, until all is caught up. Throws the PublisherError that ended it. */
  async run(signal: AbortSignal, options: TenureOptions): Promise<void> {
    const { emit } = this.#premises;
    const source = this.#source();
    const mayWait = () => {
      this.#isRefused = true;
      return options.mayWait();
    };
    const watchdog = this.#watch(source);
    this.#watchdog = watchdog;
    watchdog.start();
    try {
      const prepared = await this.#patiently(signal, options.once, async () => {
        const topics = this.#look();
        await this.#introduce(source, topics, mayWait, signal);
        const streams = await this.#streams(topics, options.only);
        const compiled = await this.#premises.compiled();
        const written: Written = (names) => topics.written(names, signal);
        return { streams, compiled, ids: await this.#prepare(streams, compiled.schemas, written) };
      });
      watchdog.stop();
      if (prepared === null) return;
      this.#engine = this.#account(source, prepared.streams, prepared.compiled, prepared.ids, options.takeOver);
      await this.#engine.run(signal, { once: options.once, only: options.only, mayWait });
    } catch (thrown) {
      const error = asPublisherError(thrown);
      this.#ended = error;
      // The engine has told its own end.
      if (this.#engine === null) {
        const { code, message: reason, remedy } = error;
        emit(this.account.id, { name: 'account.stopped', code, reason, remedy });
      }
      throw error;
    } finally {
      watchdog.stop();
      // The engine closes what it was given.
      if (this.#engine === null) await source.close();
    }
  }

  status(): AccountStatus {
    if (this.#engine) return this.#engine.status();
    const why = this.#ended ?? this.#waiting;
    return {
      accountId: this.account.id,
      phase: this.#ended ? 'stopped' : this.#waiting ? 'waiting' : 'opening',
      code: why?.code ?? null,
      reason: why?.message ?? null,
      remedy: why?.remedy ?? null,
      startedAt: isoSeconds(this.#startedAt),
      streams: [],
      budgets: [],
      freshness: null,
      pollStretch: 1,
      stalls: stallStatus(this.#watchdog?.look() ?? []),
    };
  }

  /** The registry holds its answers back; told while they are still needed. */
  limited(error: PublisherError, pauseMs: number): void {
    if (this.#engine !== null || this.#ended !== null) return;
    this.#waits(error, { attempt: 1, failingMs: 0, retryInMs: Math.round(pauseMs) });
  }

  /** Until the engine runs, what the account needs is asked for again and again, or Harvest has told it to wait. */
  #watch({ budgets }: HarvestSource): Watchdog {
    const { registry, clock, emit } = this.#premises;
    const loop = {
      name: 'start',
      owes: () => (isAnyHeldBack(budgets) ? null : 'the account waits for Harvest, the brokers or the schema registry'),
      moves: () => requestMoves(budgets) + registry.moves() + this.#traffic.moves + this.#told,
      patienceMs: START_PATIENCE_MS,
    };
    return watchdogOf([loop], clock, (event) => emit(this.account.id, event));
  }

  #look(): TopicLook {
    const { config, brokers, clock } = this.#premises;
    return new TopicLook(() => openTopicLog(brokers, prefixOf(config, this.account), clock, this.#traffic));
  }

  #source(): HarvestSource {
    const { config, clock, random, reread } = this.#premises;
    return createHarvestSource(config, this.account, {
      ...{ clock, random, ...(reread && { reread }) },
      emit: (event) => this.#tell(event),
      // The source asks the engine for leases, and the engine asks the source for pages: one of them has to come first.
      onLeaseLow: () => this.#engine?.onLeaseLow(),
    });
  }

  /** Nothing is made for an account whose token is wrong. */
  #introduce(source: HarvestSource, topics: TopicLook, mayWait: () => boolean, signal: AbortSignal): Promise<void> {
    const parts = {
      ...{ accountId: this.account.id, source, clock: this.#premises.clock, mayWait },
      // The state topic is named like a stream's.
      isKnown: async () => (await topics.written(['state'], signal)).size > 0,
      onRefused: (error: PublisherError) => {
        this.#waiting = error;
        // The look at them is old by the time Harvest takes another token.
        topics.forget();
      },
      emit: (event: PublisherEvent) => this.#tell(event),
    };
    return introduce(parts, signal);
  }

  #tell(event: PublisherEvent): void {
    this.#told++;
    if (event.name === 'token.accepted') this.#isRefused = false;
    this.#premises.emit(this.account.id, event);
  }

  /**
   * The streams of this run: all that are enabled. With `only` what these need, and what was published before, whose rows
   * follow those of others; of the rest neither subject nor topic is asked for or made.
   */
  async #streams(topics: TopicLook, only: ReadonlySet<string> | null): Promise<StreamDefinition[]> {
    const enabled = enabledStreams(this.#premises.config);
    if (only === null) return enabled;
    const present = await topics.present(enabled.map(({ name }) => name));
    const needed = neededFor(only, catalog);
    return enabled.filter(({ name }) => needed.has(name) || present.has(name));
  }

  /** Schemas in the registry: what must be right before anything is fenced. */
  #prepare(
    streams: readonly StreamDefinition[],
    schemas: ValueSchemas,
    written: Written,
  ): Promise<ReadonlyMap<string, SchemaIds>> {
    const { config, registry } = this.#premises;
    return prepareSubjects(registry, streams, {
      schemas,
      prefix: prefixOf(config, this.account),
      mode: config.decimal_handling_mode,
      keyFormat: config.key.format,
      autoRegister: config.schema_registry.auto_register,
      written,
    });
  }

  /** Repeats `work` while what it needs is down. Null when stopped meanwhile. */
  async #patiently<T>(signal: AbortSignal, once: boolean, work: () => Promise<T>): Promise<T | null> {
    const { clock, random } = this.#premises;
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      // A registry that hangs must not keep a stop waiting.
      return await patiently(() => Promise.race([work(), stopped]), once ? ONCE_START_PACE : START_PACE, {
        ...{ clock, random, signal },
        mayPass: (thrown) => isPassing(asPublisherError(thrown)),
        onPause: (thrown, retryInMs, { attempt, failingMs }) => {
          this.#waits(asPublisherError(thrown), { attempt, failingMs: Math.round(failingMs), retryInMs });
        },
      });
    } catch (thrown) {
      if (signal.aborted) return null;
      throw thrown;
    } finally {
      this.#waiting = null;
    }
  }

  #waits(
    error: PublisherError,
    times: { readonly attempt: number; readonly failingMs: number; readonly retryInMs: number },
  ): void {
    const { code, message: reason, remedy } = error;
    this.#waiting = error;
    this.#told++;
    this.#premises.emit(this.account.id, { name: 'account.waiting', code, reason, remedy, ...times });
  }

  #account(
    source: HarvestSource,
    streams: readonly StreamDefinition[],
    compiled: CompiledStreams,
    ids: ReadonlyMap<string, SchemaIds>,
    takeOver = false,
  ): Account {
    const { config, brokers, clock, random, uuid, log } = this.#premises;
    const { account } = this;
    const kafka = kafkaSettings(config);
    const isRunBy = (group: string, signal: AbortSignal) => couldRun(account.id, kafka, group, { clock, log, signal });
    const emit = (event: PublisherEvent) => this.#premises.emit(account.id, event);
    return new Account({
      settings: {
        accountId: Number(account.id),
        overlapMs: config.harvest.overlap_seconds * 1000,
        grain: config.reports.window,
        startDate: config.harvest.start_date ?? null,
        endDate: config.harvest.end_date ?? null,
        hold: { share: config.deletes.hold_percent / 100, atLeast: config.deletes.hold_at_least },
        polling: pollingOf(config),
        restateMs: config.reports.restate_seconds * 1000,
        pollTimers: config.running_timers === 'every_poll',
      },
      streams: streams.map((definition) => ({ definition, intervals: intervalsOf(config.streams[definition.name]!) })),
      source,
      codec: sharingCodec(compiled, {
        streams,
        ids,
        onUnreadable: (stream, schemaId) => emit({ name: 'value.unreadable', stream, schemaId }),
        onRounded: (stream, field) => emit({ name: 'decimal.rounded', stream, field }),
      }),
      sink: createSink({
        kafka,
        brokers,
        topics: { ...config.topics, prefix: prefixOf(config, account) },
        accountId: account.id,
        streams,
        instance: uuid(),
        ...(this.#membership ? { membership: this.#membership } : !takeOver && { isRunBy }),
        clock,
        random,
        log,
      }),
      clock,
      random,
      emit,
    });
  }
}
