// The composition root: what all accounts share, then the accounts themselves, either all that are configured or those that the
// group gives to this instance. Knows how the parts fit and no rule of theirs.
import type { PublisherError } from './base/errors.ts';
import { Turns } from './base/turns.ts';
import type { ClusterEvent, ClusterStatus } from './cluster/status.ts';
import { CompiledStreams } from './codec/compiled-streams.ts';
import type { RegistryClient } from './codec/registry.ts';
import type { AccountConfig, Config } from './config/options.ts';
import type { PublisherEvent } from './engine/events.ts';
import type { AccountStatus } from './engine/status.ts';
import { Fleet } from './fleet.ts';
import { Brokers } from './kafka/brokers.ts';
import { OpeningTurn } from './opening-turn.ts';
import { valueSchemas } from './privacy.ts';
import { createRegistry } from './registry.ts';
import { enabledStreams, kafkaSettings } from './settings.ts';
import { type Premises, Tenure, type TenureOptions } from './tenure.ts';

export interface DaemonParts extends Omit<Premises, 'config' | 'compiled' | 'registry' | 'brokers'> {
  /** Said of this instance to the others of its group. */
  readonly version?: string;
  readonly onCluster?: (event: ClusterEvent) => void;
}

export type DaemonRunOptions = Omit<TenureOptions, 'mayWait'>;

export class Daemon {
  readonly #registry: RegistryClient;
  readonly #brokers: Brokers;
  /** All accounts of an instance without a group, and none of one in a group. */
  readonly #tenures: readonly Tenure[];
  /** Their turns to open. */
  readonly #turns = new Map<Tenure, OpeningTurn>();
  readonly #fleet: Fleet | null;
  /** None is left that Harvest lets in. */
  readonly #noneLeft = new AbortController();

  constructor(config: Config, { version = '', onCluster = () => {}, ...surroundings }: DaemonParts) {
    this.#registry = createRegistry(config, surroundings, (error, pauseMs) => this.#limited(error, pauseMs));
    this.#brokers = new Brokers(kafkaSettings(config), surroundings.clock, surroundings.log);
    let compiled: Promise<CompiledStreams> | undefined;
    const premises: Premises = {
      ...surroundings,
      config,
      registry: this.#registry,
      brokers: this.#brokers,
      compiled: () => {
        compiled ??= compiledStreams(config, this.#registry);
        return compiled;
      },
    };
    this.#fleet = config.cluster.enabled ? new Fleet(premises, { version, tell: onCluster }) : null;
    const turns = new Turns(config.cluster.opens_at_once);
    const accounts = this.#fleet ? [] : config.harvest.accounts;
    this.#tenures = accounts.map((account) => this.#tenure(premises, account, turns));
  }

  /**
   * Runs all accounts until `signal` aborts or, with `once`, all are caught up; with `only`, for these streams alone. What
   * one account waits for, or ends with, leaves the others alone; throws the first account's error when none is left.
   */
  async run(signal: AbortSignal, options: DaemonRunOptions): Promise<void> {
    try {
      if (this.#fleet) await this.#fleet.run(signal);
      else await this.#runAll(signal, options);
    } finally {
      this.#brokers.close();
      await this.#registry.close();
    }
  }

  /** The accounts of the group's instances are others now; an instance by itself has those of its start. */
  setAccounts(accounts: readonly AccountConfig[]): void {
    this.#fleet?.setAccounts(accounts);
  }

  status(): AccountStatus[] {
    return this.#fleet?.status() ?? this.#tenures.map((tenure) => tenure.status());
  }

  /** The group as this instance knows it; null without one. */
  cluster(): ClusterStatus | null {
    return this.#fleet?.cluster() ?? null;
  }

  /**
   * Ids of the accounts that a defect of ours has ended. What others refuse, another start of all accounts does not mend; and in a
   * group it would move the accounts that are well.
   */
  dead(): readonly string[] {
    return this.#tenures.filter(({ ended }) => ended?.kind === 'bug').map(({ account }) => account.id);
  }

  #tenure(premises: Premises, account: AccountConfig, turns: Turns): Tenure {
    const turn = new OpeningTurn(turns, premises.clock);
    const emit = (id: string, event: PublisherEvent) => {
      turn.hear(event);
      premises.emit(id, event);
    };
    const tenure = new Tenure({ ...premises, emit }, account);
    this.#turns.set(tenure, turn);
    return tenure;
  }

  async #runAll(signal: AbortSignal, options: DaemonRunOptions): Promise<void> {
    const either = AbortSignal.any([signal, this.#noneLeft.signal]);
    const runs = [...this.#turns].map(async ([tenure, turn]) => {
      await turn.take(either);
      try {
        await tenure.run(either, { ...options, mayWait: () => !options.once && this.#isAnyLeft() });
      } finally {
        turn.give();
        if (tenure.ended !== null && !this.#isAnyLeft()) this.#noneLeft.abort();
      }
    });
    const failed = (await Promise.allSettled(runs)).find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Whether an account goes on, or could, that Harvest has not refused. */
  #isAnyLeft(): boolean {
    return this.#tenures.some(({ ended, isRefused }) => ended === null && !isRefused);
  }

  #limited(error: PublisherError, pauseMs: number): void {
    for (const tenure of this.#tenures) tenure.limited(error, pauseMs);
    this.#fleet?.limited(error, pauseMs);
  }
}

async function compiledStreams(config: Config, registry: RegistryClient): Promise<CompiledStreams> {
  return new CompiledStreams({
    schemas: await valueSchemas(config, enabledStreams(config)),
    decimalHandling: config.decimal_handling_mode,
    keyFormat: config.key.format,
    runningTimers: config.running_timers,
    writerSchema: (id) => registry.schemaById(id),
  });
}
