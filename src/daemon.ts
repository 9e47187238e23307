// The composition root: the registry first, then one Account per configured account. Knows how the parts fit and no rule of theirs.
import { type Pace, patiently } from './base/backoff.ts';
import { type Clock, isoSeconds, type Random } from './base/clock.ts';
import { asPublisherError, isPassing, type PublisherError } from './base/errors.ts';
import type { Watchdog } from './base/watchdog.ts';
import { createCodec, type SchemaIds } from './codec/codec.ts';
import { createRegistryClient, prepareSubjects, type RegistryClient, type Written } from './codec/registry.ts';
import type { ValueSchemas } from './codec/schemas.ts';
import type { AccountConfig, Config } from './config/options.ts';
import type { StreamConfig } from './config/stream-options.ts';
import { Account } from './engine/account.ts';
import { isAnyHeldBack, requestMoves, watchdogOf } from './engine/account-watch.ts';
import type { PublisherEvent } from './engine/events.ts';
import { introduce } from './engine/introduction.ts';
import type { Intervals, PollingSettings } from './engine/pace/polling.ts';
import { type AccountStatus, stallStatus } from './engine/status.ts';
import type { HarvestSource } from './harvest/client.ts';
import { createHarvestSource } from './harvest-source.ts';
import type { Log } from './kafka/connection.ts';
import { createSink } from './kafka/publisher.ts';
import { openTopicLog } from './kafka/topic-log.ts';
import { TopicLook } from './kafka/topic-look.ts';
import { Traffic } from './kafka/traffic.ts';
import { valueSchemas } from './privacy.ts';
import { enabledStreams, kafkaSettings, pem, prefixOf } from './settings.ts';
import { catalog } from './streams/catalog.ts';
import { neededFor, type StreamDefinition } from './streams/definition.ts';

export interface DaemonParts {
  readonly clock: Clock;
  readonly random: Random;
  /** A fresh UUID; names this instance on the state topic. */
  readonly uuid: () => string;
  readonly emit: (accountId: string, event: PublisherEvent) => void;
  readonly log: Log;
  /** The configuration as it is now, for secrets that are replaced while we run. Left out, they stay as they are. */
  readonly reread?: () => Config;
}

export interface DaemonRunOptions {
  readonly once: boolean;
  /** Names of streams; null reads all. */
  readonly only: ReadonlySet<string> | null;
}

/** How a registry is waited for; only `run --once` ever gives up. */
const START_PACE: Pace = { baseMs: 1_000, mostMs: 15_000 };
const ONCE_START_PACE: Pace = { ...START_PACE, patienceMs: 60_000 };
/** A registry may ask for a pause of a minute. */
const START_PATIENCE_MS = 120_000;

/** One account in this process, from its start to its end. */
interface Tenure {
  readonly config: AccountConfig;
  /** Null until everything that it needs is there. */
  engine: Account | null;
  /** Why it is not. */
  waiting: PublisherError | null;
  /** Why it ended although nobody stopped it. */
  ended: PublisherError | null;
  /** Harvest has refused its token from the first request on; it waits for a better one while others go on. */
  isRefused: boolean;
  /** Sees that what it waits for is still asked for; its engine has a watchdog of its own. */
  watchdog: Watchdog | null;
  /** Counts of what was said to the brokers for it, and of the events it told. */
  readonly traffic: Traffic;
  told: number;
}

export class Daemon {
  readonly #config: Config;
  readonly #around: DaemonParts;
  readonly #startedAt: number;
  readonly #tenures: readonly Tenure[];
  /** None is left that Harvest lets in. */
  readonly #noneLeft = new AbortController();

  constructor(config: Config, surroundings: DaemonParts) {
    this.#config = config;
    this.#around = surroundings;
    this.#startedAt = surroundings.clock.now();
    this.#tenures = config.harvest.accounts.map((account) => ({
      config: account,
      engine: null,
      waiting: null,
      ended: null,
      isRefused: false,
      watchdog: null,
      traffic: new Traffic(),
      told: 0,
    }));
  }

  /**
   * Runs all accounts until `signal` aborts or, with `once`, all are caught up; with `only`, for these streams alone. What
   * one account waits for, or ends with, leaves the others alone; throws the first account's error when none is left.
   */
  async run(signal: AbortSignal, options: DaemonRunOptions): Promise<void> {
    const schemas = await valueSchemas(this.#config, enabledStreams(this.#config));
    const registry = createRegistry(this.#config, this.#around, (error, pauseMs) => this.#limited(error, pauseMs));
    try {
      const either = AbortSignal.any([signal, this.#noneLeft.signal]);
      const runs = this.#tenures.map((tenure) => this.#publish(tenure, schemas, registry, either, options));
      const failed = (await Promise.allSettled(runs)).find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    } finally {
      await registry.close();
    }
  }

  status(): AccountStatus[] {
    return this.#tenures.map(({ config, engine, waiting, ended, watchdog }) => {
      if (engine) return engine.status();
      const why = ended ?? waiting;
      return {
        accountId: config.id,
        phase: ended ? 'stopped' : waiting ? 'waiting' : 'opening',
        code: why?.code ?? null,
        reason: why?.message ?? null,
        remedy: why?.remedy ?? null,
        startedAt: isoSeconds(this.#startedAt),
        streams: [],
        budgets: [],
        freshness: null,
        pollStretch: 1,
        stalls: stallStatus(watchdog?.look() ?? []),
      };
    });
  }

  /** Ids of the accounts that a defect of ours has ended. What others refuse, another start of all accounts does not mend. */
  dead(): readonly string[] {
    return this.#tenures.filter(({ ended }) => ended?.kind === 'bug').map(({ config }) => config.id);
  }

  /** One account, from what it needs to its end. */
  async #publish(
    tenure: Tenure,
    schemas: ValueSchemas,
    registry: RegistryClient,
    signal: AbortSignal,
    options: DaemonRunOptions,
  ): Promise<void> {
    const { config } = tenure;
    const source = this.#source(tenure);
    const mayWait = () => !options.once && this.#othersGoOn(tenure);
    tenure.watchdog = this.#watch(tenure, source, registry);
    tenure.watchdog.start();
    try {
      const prepared = await this.#patiently(tenure, signal, options.once, async () => {
        const topics = topicsOf(this.#config, config, this.#around.clock, tenure.traffic);
        try {
          await this.#introduce(tenure, source, topics, mayWait, signal);
          const streams = await this.#streamsOf(topics, options.only);
          const written: Written = (names) => topics.written(names, signal);
          return { streams, ids: await this.#prepare(config, streams, schemas, registry, written) };
        } finally {
          await topics.close();
        }
      });
      tenure.watchdog.stop();
      if (prepared === null) return;
      tenure.engine = this.#account(config, source, prepared.streams, schemas, prepared.ids, registry);
      await tenure.engine.run(signal, { ...options, mayWait });
    } catch (thrown) {
      const error = asPublisherError(thrown);
      tenure.ended = error;
      if (this.#tenures.every(({ ended, isRefused }) => ended !== null || isRefused)) this.#noneLeft.abort();
      // The engine has told its own end.
      if (tenure.engine === null) {
        const { code, message: reason, remedy } = error;
        this.#around.emit(config.id, { name: 'account.stopped', code, reason, remedy });
      }
      throw error;
    } finally {
      tenure.watchdog.stop();
      // The engine closes what it was given.
      if (tenure.engine === null) await source.close();
    }
  }

  /** Until the engine runs, what the account needs is asked for again and again, or Harvest has told it to wait. */
  #watch(tenure: Tenure, { budgets }: HarvestSource, registry: RegistryClient): Watchdog {
    const loop = {
      name: 'start',
      owes: () => (isAnyHeldBack(budgets) ? null : 'the account waits for Harvest, the brokers or the schema registry'),
      moves: () => requestMoves(budgets) + registry.moves() + tenure.traffic.moves + tenure.told,
      patienceMs: START_PATIENCE_MS,
    };
    return watchdogOf([loop], this.#around.clock, (event) => this.#around.emit(tenure.config.id, event));
  }

  #source(tenure: Tenure): HarvestSource {
    const { clock, random, reread } = this.#around;
    return createHarvestSource(this.#config, tenure.config, {
      ...{ clock, random, ...(reread && { reread }) },
      emit: (event) => this.#tell(tenure, event),
      // The source asks the engine for leases, and the engine asks the source for pages: one of them has to come first.
      onLeaseLow: () => tenure.engine?.onLeaseLow(),
    });
  }

  /** Nothing is made for an account whose token is wrong. */
  #introduce(
    tenure: Tenure,
    source: HarvestSource,
    topics: TopicLook,
    mayWait: () => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#around;
    const parts = {
      ...{ accountId: tenure.config.id, source, clock, mayWait },
      // The state topic is named like a stream's.
      isKnown: async () => (await topics.written(['state'], signal)).size > 0,
      onRefused: (error: PublisherError) => {
        tenure.waiting = error;
        // The look at them is old by the time Harvest takes another token.
        void topics.close();
      },
      emit: (event: PublisherEvent) => this.#tell(tenure, event),
    };
    return introduce(parts, signal);
  }

  /** The token was refused at its first request: whether any account is left that Harvest lets in. */
  #othersGoOn(tenure: Tenure): boolean {
    tenure.isRefused = true;
    return this.#tenures.some(({ ended, isRefused }) => ended === null && !isRefused);
  }

  #tell(tenure: Tenure, event: PublisherEvent): void {
    tenure.told++;
    if (event.name === 'token.accepted') tenure.isRefused = false;
    this.#around.emit(tenure.config.id, event);
  }

  /**
   * The streams of this run: all that are enabled. With `only` what these need, and what was published before, whose rows
   * follow those of others; of the rest neither subject nor topic is asked for or made.
   */
  async #streamsOf(topics: TopicLook, only: ReadonlySet<string> | null): Promise<StreamDefinition[]> {
    const enabled = enabledStreams(this.#config);
    if (only === null) return enabled;
    const present = await topics.present(enabled.map(({ name }) => name));
    const needed = neededFor(only, catalog);
    return enabled.filter(({ name }) => needed.has(name) || present.has(name));
  }

  /** Schemas in the registry: what must be right before anything is fenced. */
  #prepare(
    account: AccountConfig,
    streams: readonly StreamDefinition[],
    schemas: ValueSchemas,
    registry: RegistryClient,
    written: Written,
  ): Promise<ReadonlyMap<string, SchemaIds>> {
    const config = this.#config;
    return prepareSubjects(registry, streams, {
      schemas,
      prefix: prefixOf(config, account),
      mode: config.decimal_handling_mode,
      keyFormat: config.key.format,
      autoRegister: config.schema_registry.auto_register,
      written,
    });
  }

  /** Repeats `work` while what it needs is down. Null when stopped meanwhile. */
  async #patiently<T>(tenure: Tenure, signal: AbortSignal, once: boolean, work: () => Promise<T>): Promise<T | null> {
    const { clock, random } = this.#around;
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      // A registry that hangs must not keep a stop waiting.
      return await patiently(() => Promise.race([work(), stopped]), once ? ONCE_START_PACE : START_PACE, {
        ...{ clock, random, signal },
        mayPass: (thrown) => isPassing(asPublisherError(thrown)),
        onPause: (thrown, retryInMs, { attempt, failingMs }) => {
          this.#waits(tenure, asPublisherError(thrown), { attempt, failingMs: Math.round(failingMs), retryInMs });
        },
      });
    } catch (thrown) {
      if (signal.aborted) return null;
      throw thrown;
    } finally {
      tenure.waiting = null;
    }
  }

  /** The registry holds its answers back: those wait that still need them. */
  #limited(error: PublisherError, pauseMs: number): void {
    for (const tenure of this.#tenures) {
      if (tenure.engine !== null || tenure.ended !== null) continue;
      this.#waits(tenure, error, { attempt: 1, failingMs: 0, retryInMs: Math.round(pauseMs) });
    }
  }

  #waits(
    tenure: Tenure,
    error: PublisherError,
    times: { readonly attempt: number; readonly failingMs: number; readonly retryInMs: number },
  ): void {
    const { code, message: reason, remedy } = error;
    tenure.waiting = error;
    tenure.told++;
    this.#around.emit(tenure.config.id, { name: 'account.waiting', code, reason, remedy, ...times });
  }

  #account(
    account: AccountConfig,
    source: HarvestSource,
    streams: readonly StreamDefinition[],
    schemas: ValueSchemas,
    ids: ReadonlyMap<string, SchemaIds>,
    registry: RegistryClient,
  ): Account {
    const config = this.#config;
    const { clock, random, uuid, log } = this.#around;
    const emit = (event: PublisherEvent) => this.#around.emit(account.id, event);
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
      codec: createCodec({
        streams,
        schemas,
        ids,
        decimalHandling: config.decimal_handling_mode,
        keyFormat: config.key.format,
        runningTimers: config.running_timers,
        writerSchema: (id) => registry.schemaById(id),
        onUnreadable: (stream, schemaId) => emit({ name: 'value.unreadable', stream, schemaId }),
        onRounded: (stream, field) => emit({ name: 'decimal.rounded', stream, field }),
      }),
      sink: createSink({
        kafka: kafkaSettings(config),
        topics: { ...config.topics, prefix: prefixOf(config, account) },
        accountId: account.id,
        streams,
        instance: uuid(),
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

/** A look at the topics of an account before it is opened. */
export function topicsOf(config: Config, account: AccountConfig, clock: Clock, traffic?: Traffic): TopicLook {
  return new TopicLook(() => openTopicLog(kafkaSettings(config), prefixOf(config, account), clock, traffic));
}

/** The client of `schema_registry`. */
export function createRegistry(
  config: Config,
  { clock, random }: Pick<DaemonParts, 'clock' | 'random'>,
  onLimited?: (error: PublisherError, pauseMs: number) => void,
): RegistryClient {
  const { url, auth, ca_file, proxies } = config.schema_registry;
  return createRegistryClient({
    ...{ urls: url, auth, ca: pem(ca_file), proxies, clock, random },
    ...(onLimited ? { onLimited } : {}),
  });
}

function intervalsOf(stream: StreamConfig): Intervals {
  const ms = (given: number | 'auto') => (given === 'auto' ? null : given * 1000);
  return {
    pollMs: ms(stream.poll_interval_seconds),
    countMs: ms(stream.count_interval_seconds),
    reconcileMs: stream.reconcile_interval_seconds * 1000,
  };
}

/** `polling.*` as the engine takes it. */
export function pollingOf({ polling }: Pick<Config, 'polling'>): PollingSettings {
  return {
    targetMs: polling.target_seconds * 1000,
    quietMs: polling.quiet_seconds * 1000,
    idleMs: polling.idle_seconds * 1000,
    budgetShare: polling.budget_share,
  };
}
