// The composition root: the registry first, then one Account per configured account. Knows how the parts fit and no rule of theirs.
import { type Clock, isoSeconds, jitteredPause, type Random } from './base/clock.ts';
import { asPublisherError, isPassing, type PublisherError } from './base/errors.ts';
import { createCodec, type SchemaIds } from './codec/codec.ts';
import { createRegistryClient, prepareSubjects, type RegistryClient, type Written } from './codec/registry.ts';
import { loadSchemas, type ValueSchemas } from './codec/schemas.ts';
import type { AccountConfig, Config, StreamConfig } from './config/options.ts';
import { Account } from './engine/account.ts';
import type { PublisherEvent } from './engine/events.ts';
import type { Intervals } from './engine/live-stream.ts';
import type { AccountStatus } from './engine/status.ts';
import { type Credential, createSource, type HarvestSource } from './harvest/client.ts';
import type { Log } from './kafka/connection.ts';
import { createSink } from './kafka/publisher.ts';
import { openTopicLog } from './kafka/topic-log.ts';
import { enabledStreams, kafkaSettings, pem, prefixOf } from './settings.ts';
import type { BudgetName } from './streams/definition.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** A fresh UUID; names this instance on the state topic. */
  readonly uuid: () => string;
  readonly emit: (accountId: string, event: PublisherEvent) => void;
  readonly log: Log;
}

export interface RunOptions {
  readonly once: boolean;
  /** Names of streams; null reads all. */
  readonly only: ReadonlySet<string> | null;
}

/** Value schemas ship with the package. */
export const AVRO = new URL('../avro/', import.meta.url);
const WAIT_BASE_MS = 500;
const WAIT_MAX_MS = 15_000;
/** `run --once` waits so long for a registry. */
const ONCE_PATIENCE_MS = 60_000;

export class Daemon {
  readonly #config: Config;
  readonly #around: Surroundings;
  readonly #startedAt: number;
  #accounts: readonly Account[] = [];
  readonly #dead = new Set<string>();
  /** Why no account runs yet. */
  #waiting: PublisherError | null = null;

  constructor(config: Config, surroundings: Surroundings) {
    this.#config = config;
    this.#around = surroundings;
    this.#startedAt = surroundings.clock.now();
  }

  /**
   * Runs all accounts until `signal` aborts or, with `once`, all are caught up; with `only`, for these streams alone. One
   * account's end leaves the others running; throws the first account's error when none is left, and what keeps the process from starting at all.
   */
  async run(signal: AbortSignal, options: RunOptions): Promise<void> {
    const config = this.#config;
    const schemas = await loadSchemas(AVRO);
    const registry = createRegistry(config, this.#around);
    try {
      const prepared = await this.#patiently(signal, options.once, async () =>
        Promise.all(config.harvest.accounts.map((account) => this.#prepare(account, schemas, registry, signal))),
      );
      if (prepared === null) return;
      this.#accounts = prepared.map((ids, index) =>
        this.#account(config.harvest.accounts[index]!, schemas, ids, registry),
      );
      const runs = this.#accounts.map((account, index) =>
        account.run(signal, options).catch((thrown) => {
          this.#dead.add(config.harvest.accounts[index]!.id);
          throw thrown;
        }),
      );
      const ends = await Promise.allSettled(runs);
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    } finally {
      await registry.close();
    }
  }

  status(): AccountStatus[] {
    if (this.#accounts.length > 0) return this.#accounts.map((account) => account.status());
    return this.#config.harvest.accounts.map(({ id }) => ({
      accountId: id,
      phase: this.#waiting ? 'waiting' : 'opening',
      code: this.#waiting?.code ?? null,
      reason: this.#waiting?.message ?? null,
      remedy: this.#waiting?.remedy ?? null,
      startedAt: isoSeconds(this.#startedAt),
      streams: [],
      budgets: [],
    }));
  }

  /** Ids of the accounts that ended although nobody stopped them. */
  dead(): readonly string[] {
    return [...this.#dead];
  }

  /** Schemas in the registry: what must be right before anything is fenced (design section 6). */
  async #prepare(
    account: AccountConfig,
    schemas: ValueSchemas,
    registry: RegistryClient,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SchemaIds>> {
    const config = this.#config;
    return prepareSubjects(registry, enabledStreams(config), {
      schemas,
      prefix: prefixOf(config, account),
      mode: config.decimal_handling_mode,
      keyFormat: config.key.format,
      autoRegister: config.schema_registry.auto_register,
      written: writtenTo(config, account, this.#around.clock, signal),
    });
  }

  /** Repeats `work` while what it needs is down. Null when stopped meanwhile. */
  async #patiently<T>(signal: AbortSignal, once: boolean, work: () => Promise<T>): Promise<T | null> {
    const { clock, random, emit } = this.#around;
    const since = clock.monotonic();
    const stopped = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        // A registry that hangs must not keep a stop waiting.
        const result = await Promise.race([work(), stopped]);
        this.#waiting = null;
        return result;
      } catch (thrown) {
        const error = asPublisherError(thrown);
        const hopeless = once && clock.monotonic() - since > ONCE_PATIENCE_MS;
        if (!isPassing(error) || hopeless) throw error;
        this.#waiting = error;
        const retryInMs = jitteredPause(attempt, WAIT_BASE_MS, WAIT_MAX_MS, random());
        for (const { id } of this.#config.harvest.accounts) {
          emit(id, {
            name: 'account.waiting',
            code: error.code,
            reason: error.message,
            remedy: error.remedy,
            attempt,
            retryInMs,
          });
        }
        await clock.sleep(retryInMs, signal);
      }
    }
    return null;
  }

  #account(
    account: AccountConfig,
    schemas: ValueSchemas,
    ids: ReadonlyMap<string, SchemaIds>,
    registry: RegistryClient,
  ): Account {
    const config = this.#config;
    const { clock, random, uuid, log } = this.#around;
    const emit = (event: PublisherEvent) => this.#around.emit(account.id, event);
    const streams = enabledStreams(config);
    // The source asks the engine for leases, and the engine asks the source for pages: one of them has to come first.
    const source = createHarvestSource(config, account, { clock, random, emit, onLeaseLow: () => engine.onLeaseLow() });
    const engine: Account = new Account({
      settings: {
        accountId: Number(account.id),
        overlapMs: config.harvest.overlap_seconds * 1000,
        grain: config.reports.window,
        startDate: config.harvest.start_date ?? null,
        endDate: config.harvest.end_date ?? null,
        hold: { share: config.deletes.hold_percent / 100, atLeast: config.deletes.hold_at_least },
        pollTimers: config.running_timers === 'every_poll',
      },
      streams: streams.map((definition) => ({ definition, intervals: intervalsOf(config.streams[definition.name]!) })),
      source,
      codec: createCodec({
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
    return engine;
  }
}

/** Tells which topics of an account were written to; asks the broker only when it is called. */
export function writtenTo(config: Config, account: AccountConfig, clock: Clock, signal: AbortSignal): Written {
  return async (streams) => {
    const log = await openTopicLog(kafkaSettings(config), prefixOf(config, account), clock);
    try {
      return await log.written(streams, signal);
    } finally {
      await log.close();
    }
  };
}

/** The client of `schema_registry`. */
export function createRegistry(
  config: Config,
  { clock, random }: Pick<Surroundings, 'clock' | 'random'>,
): RegistryClient {
  const { url, auth, ca_file } = config.schema_registry;
  return createRegistryClient({ urls: url, auth, ca: pem(ca_file), clock, random });
}

/** The Harvest client of one account. Without `onLeaseLow` its budgets are counted in memory only (single commands). */
export function createHarvestSource(
  config: Config,
  account: AccountConfig,
  parts: Pick<Surroundings, 'clock' | 'random'> & {
    emit: (event: PublisherEvent) => void;
    onLeaseLow?: (name: BudgetName) => void;
  },
): HarvestSource {
  const { base_url, id_base_url, user_agent, budgets, ca_file } = config.harvest;
  const limit = (name: BudgetName) => ({ requests: budgets[name].requests, perSeconds: budgets[name].per_seconds });
  const ca = pem(ca_file);
  return createSource({
    baseUrl: base_url,
    idBaseUrl: id_base_url,
    userAgent: user_agent,
    accountId: account.id,
    credential: credentialOf(account),
    budgets: { general: limit('general'), reports: limit('reports') },
    ...(ca === undefined ? {} : { ca }),
    ...parts,
  });
}

function intervalsOf(stream: StreamConfig): Intervals {
  return {
    pollMs: stream.poll_interval_seconds * 1000,
    tallyMs: stream.tally_interval_seconds * 1000,
    censusMs: stream.census_interval_seconds * 1000,
  };
}

function credentialOf(account: AccountConfig): Credential {
  if (account.access_token) return { accessToken: account.access_token };
  const { client_id, client_secret, refresh_token, token_file } = account.oauth!;
  return {
    oauth: { clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token, tokenFile: token_file },
  };
}
