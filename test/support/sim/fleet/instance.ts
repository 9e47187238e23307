// One process of the fleet: the product's fleet in its main loop, the member in a thread beside it. Either can be stopped alone.
import { seededRandom } from '../../../../lab/simulator/index.ts';
import type { Joined } from '../../../../src/cluster/coordinator.ts';
import type { ClusterEvent } from '../../../../src/cluster/status.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import type { AccountConfig, Config } from '../../../../src/config/options.ts';
import type { PublisherEvent } from '../../../../src/engine/events.ts';
import { Fleet, type FleetWorld } from '../../../../src/fleet.ts';
import type { HeldTenure } from '../../../../src/holding.ts';
import type { Membership } from '../../../../src/kafka/ownership.ts';
import type { Premises } from '../../../../src/tenure.ts';
import type { GroupDouble } from '../../group-double.ts';
import type { CommitFate } from '../../memory-log.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import { Mortal } from '../mortal.ts';
import { GroupLine } from './group-line.ts';
import { startThread } from './member-thread.ts';
import type { Writer } from './signed-log.ts';
import { simulatedTenure } from './simulated-tenure.ts';
import type { Site } from './site.ts';

export const SESSION_MS = 10_000;
export const STALL_MS = 8_000;
export const MOVES_AT_ONCE = 2;
const HEARTBEAT_MS = 1_000;
const LOOK_MS = 5_000;
const QUIET_MS = 600_000;

export interface InstanceParts {
  readonly number: number;
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly group: GroupDouble;
  readonly sites: ReadonlyMap<string, Site>;
  /** Ids of the accounts that its configuration names. */
  readonly listed: readonly string[];
  readonly broken: string[];
  readonly tell: (instance: Instance, event: ClusterEvent) => void;
  readonly onLed: (joined: Joined, assignments: ReadonlyMap<string, Buffer>) => void;
}

const BASE = loadConfig({
  env: {},
  text: 'harvest: {accounts: [{id: "1", access_token: t}]}\nkafka: {brokers: "b:9092"}\nschema_registry: {url: "http://r"}\n',
});

export class Instance {
  readonly name: string;
  readonly loop = new Mortal();
  readonly thread = new Mortal();
  readonly line: GroupLine;
  readonly fleet: Fleet;
  readonly startedAt: number;
  /** How each of its commits ends. */
  fate: () => CommitFate = () => 'acknowledged';
  listed: readonly string[];
  /** SIGTERM has come. */
  isStopping = false;
  /** How it ended; undefined while it lives. */
  ended: 'stopped' | 'killed' | { readonly failed: string } | undefined;
  readonly #parts: InstanceParts;
  readonly #stop = new AbortController();
  readonly #writers = new Set<Writer>();
  #tenures = 0;

  constructor(parts: InstanceParts) {
    const { number, clock, group, listed, onLed } = parts;
    this.#parts = parts;
    this.name = `pub-${number}`;
    this.listed = listed;
    this.startedAt = clock.monotonic();
    this.line = new GroupLine({ group, clock, mortal: this.thread, sessionMs: SESSION_MS, onLed });
    const options = { version: '0', tell: (event: ClusterEvent) => parts.tell(this, event), world: this.#world() };
    this.fleet = new Fleet(this.#premises(), options);
  }

  begin(): this {
    void this.fleet.run(this.#stop.signal).then(
      () => {
        this.ended ??= 'stopped';
      },
      (error: unknown) => {
        this.ended ??= { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      },
    );
    return this;
  }

  get isOver(): boolean {
    return this.ended !== undefined;
  }

  /** Nothing keeps it from running what it is given. */
  get isHealthy(): boolean {
    return !this.isOver && !this.isStopping && !this.loop.isFrozen && !this.thread.isFrozen;
  }

  /** Whether this writer is one of its tenures that go on. */
  runs(writer: Writer): boolean {
    return !this.isOver && !this.loop.isFrozen && this.#writers.has(writer);
  }

  /** SIGTERM. */
  stop(): void {
    this.isStopping = true;
    this.loop.awake(() => this.#stop.abort());
  }

  /** SIGKILL. */
  kill(): void {
    this.ended ??= 'killed';
    this.loop.kill();
    this.thread.kill();
    this.line.cut();
  }

  thaw(): void {
    this.loop.thaw();
    this.thread.thaw();
  }

  /** Its configuration names these accounts now. */
  list(ids: readonly string[]): void {
    this.listed = ids;
    this.loop.awake(() => this.fleet.setAccounts(ids.map(accountOf)));
  }

  #premises(): Premises {
    const { clock, seed, number } = this.#parts;
    const random = seededRandom(seed * 1013 + number);
    return {
      config: configOf(this.name, this.listed),
      compiled: unused,
      registry: { close: async () => {} } as unknown as Premises['registry'],
      brokers: { close: () => {} } as unknown as Premises['brokers'],
      clock: this.loop.on(clock),
      random,
      uuid: () => `${this.name}/${++this.#tenures}`,
      emit: (id, event) => this.#onEvent(id, event),
      log: () => {},
    };
  }

  #world(): FleetWorld {
    const { clock, sites, seed, number } = this.#parts;
    const { loop, thread, line } = this;
    const random = seededRandom(seed * 1019 + number);
    return {
      join: (settings, _kafka, { listen }) => startThread({ settings, line, clock, random, loop, thread, listen }),
      tenure: (premises, account, membership) => this.#tenure(sites.get(account.id)!, premises, membership),
      ownerIsDone: async (_premises, account, signal) => {
        const { log } = sites.get(account.id)!;
        const ownClock = loop.on(clock);
        let movedAt = clock.monotonic();
        let seen = log.commits;
        while (!signal.aborted) {
          if (log.commits !== seen) movedAt = clock.monotonic();
          seen = log.commits;
          if (log.lastSignature?.released_at !== undefined || clock.monotonic() - movedAt >= QUIET_MS) return;
          await ownClock.sleep(LOOK_MS, signal);
        }
      },
    };
  }

  #tenure(site: Site, premises: Premises, membership: Membership): HeldTenure {
    const { clock, broken } = this.#parts;
    const instance = premises.uuid();
    const { account, writer } = simulatedTenure({
      ...{ site, name: instance, instance, membership, clock, broken, mortal: this.loop, random: premises.random },
      emit: (event) => premises.emit(site.id, event),
      fate: () => this.fate(),
    });
    return {
      run: async (signal, options) => {
        this.#writers.add(writer);
        try {
          await account.run(signal, options);
        } finally {
          this.#writers.delete(writer);
        }
      },
      status: () => account.status(),
      limited: () => {},
    };
  }

  #onEvent(id: string, event: PublisherEvent): void {
    if (event.name === 'loop.stalled')
      this.#parts.broken.push(`P9: ${event.loop} of ${id} on ${this.name} stood still: ${event.waiting}`);
    if (event.name === 'account.stopped' && event.code !== 'kafka.fenced')
      this.#parts.broken.push(`${id} on ${this.name} ended by ${event.code}: ${event.reason}`);
  }
}

function configOf(name: string, ids: readonly string[]): Config {
  const cluster = {
    ...{ ...BASE.cluster, enabled: true, name, moves_at_once: MOVES_AT_ONCE, heartbeat_interval_ms: HEARTBEAT_MS },
    ...{ session_timeout_seconds: SESSION_MS / 1000, stall_seconds: STALL_MS / 1000, balance_after_seconds: 10 },
  };
  return { ...BASE, cluster, harvest: { ...BASE.harvest, accounts: ids.map(accountOf) } };
}

function accountOf(id: string): AccountConfig {
  return { ...BASE.harvest.accounts[0]!, id };
}

const unused = () => Promise.reject(new Error('the simulation has schemas of its own'));
