// Several accounts of a simulated Harvest, and instances that share them as one group: started, killed and woken by the test.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { calm, createSimulator, type Simulator, serveAll } from '../../lab/simulator/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { ClusterStatus } from '../../src/cluster/status.ts';
import { daemon, type RunningDaemon } from './daemon.ts';
import { eventually, moved, until } from './patience.ts';
import { type Ended, FEW, finished, onlyStreams, publisher, type Running, type Where } from './publisher.ts';
import { sharedStack, temporaryFolder, uniquePrefix } from './stack.ts';
import { viewOf } from './view.ts';

export interface FleetPlan {
  readonly accounts: number;
  readonly timeEntries: number;
  readonly sessionSeconds?: number;
  /** Default: the broker that all tests share. */
  readonly bootstrap?: string;
  /** More `--set`. */
  readonly settings?: readonly string[];
}

export interface Line {
  readonly event: string;
  readonly account?: string;
  readonly time: string;
  readonly [field: string]: unknown;
}

/** One process of the fleet. */
export interface Instance {
  readonly name: string;
  readonly running: RunningDaemon;
  cluster(): Promise<ClusterStatus>;
  /** Its lines of the log with this event. */
  lines(event: string): Line[];
}

/** Requests to an account in 15 s, whoever owns it. */
const BUDGET = 300;
/** Requests that were on their way to a socket when a process was stopped arrive when it is woken. */
const REQUESTS_MAX = BUDGET + 6;
const JUDGED_AT_ONCE = 6;
/** The least that brokers take by default. */
const SESSION_SECONDS = 6;

export class TestFleet {
  readonly simulators: readonly Simulator[];
  readonly prefix = uniquePrefix();
  readonly #settings: readonly string[];
  readonly #sessionSeconds: number;
  readonly #where: Where;
  readonly #files: { readonly config: string; readonly accounts: string };
  #listed = 0;

  private constructor(
    plan: FleetPlan,
    simulators: readonly Simulator[],
    where: Where,
    files: { readonly config: string; readonly accounts: string },
  ) {
    this.simulators = simulators;
    this.#where = where;
    this.#files = files;
    this.#settings = plan.settings ?? [];
    this.#sessionSeconds = plan.sessionSeconds ?? SESSION_SECONDS;
  }

  static async open(plan: FleetPlan): Promise<TestFleet> {
    const budgets = { general: null, reports: null };
    const simulators = Array.from({ length: plan.accounts }, (_, at) =>
      createSimulator({
        ...{ seed: at + 1, accountId: 1_000_001 + at, timeEntries: plan.timeEntries, years: 0.3, budgets },
        now: systemClock.now,
      }),
    );
    for (const simulator of simulators) simulator.faults.add({ do: { kind: 'before', run: moved } });
    const server = await serveAll(simulators);
    onTestFinished(() => server.close());
    const shared = sharedStack();
    const { bootstrap = shared.bootstrap } = plan;
    const where = { simulator: simulators[0]!, server, bootstrap, registryUrl: shared.registryUrl, prefix: '' };
    const folder = await temporaryFolder();
    const [config, accounts] = [join(folder, 'fleet.yaml'), join(folder, 'accounts.yaml')];
    await writeFile(config, CONFIGURATION.replace('ACCOUNTS', accounts));
    const fleet = new TestFleet(plan, simulators, where, { config, accounts });
    await fleet.list(simulators);
    return fleet;
  }

  /** These accounts alone are configured from now on; instances that run are told with SIGHUP. */
  async list(simulators: readonly Simulator[], ...instances: readonly Instance[]): Promise<void> {
    const lines = simulators.map(({ accountId, token }) => `- {id: "${accountId}", access_token: ${token}}\n`);
    await writeFile(this.#files.accounts, lines.join(''));
    this.#listed = simulators.length;
    for (const { running } of instances) running.process.kill('SIGHUP');
  }

  /** Starts an instance; resolves when its HTTP address is open. */
  async start(name: string): Promise<Instance> {
    const settings = [
      ...onlyStreams(...FEW),
      ...FEW.map((stream) => `streams.${stream}.poll_interval_seconds=3`),
      ...FEW.map((stream) => `streams.${stream}.count_interval_seconds=5`),
      ...FEW.map((stream) => `streams.${stream}.reconcile_interval_seconds=10`),
      // So that there is slack beside polls that come so often.
      `harvest.budgets.general.requests=${BUDGET}`,
      // And so that no report waits for the quarter of an hour that its owners have used up.
      ...[`harvest.budgets.reports.requests=${BUDGET}`, 'harvest.budgets.reports.per_seconds=15'],
      ...['deletes.hold_percent=100', 'deletes.hold_at_least=100000', 'topics.replication_factor=1'],
      ...['cluster.enabled=true', `cluster.group_id=${this.prefix}`, `cluster.name=${name}`],
      ...[`cluster.session_timeout_seconds=${this.#sessionSeconds}`, 'cluster.balance_after_seconds=1'],
      ...this.#settings,
    ];
    const where = { ...this.#where, prefix: `${this.prefix}-{account_id}`, settings };
    const running = await daemon(where, ['--config', this.#files.config]);
    const status = async () => (await (await fetch(`${running.address}/status`)).json()) as { cluster: ClusterStatus };
    return {
      ...{ name, running },
      cluster: async () => (await status()).cluster,
      lines: (event) =>
        running
          .output()
          .split('\n')
          .filter((line) => line.includes(`"event":"${event}"`))
          .map((line) => JSON.parse(line) as Line),
    };
  }

  /** A command on the group. */
  command(...words: readonly string[]): Promise<Ended> {
    const settings = [...onlyStreams(...FEW), 'cluster.enabled=true', `cluster.group_id=${this.prefix}`];
    const where = { ...this.#where, prefix: `${this.prefix}-{account_id}`, settings };
    return finished(where, [...words, '--config', this.#files.config]);
  }

  /** An instance outside of the group, which takes an account for itself; `options` are more of its command line. */
  async outsider({ accountId, token }: Simulator, ...options: readonly string[]): Promise<Running> {
    const file = join(await temporaryFolder(), 'one.yaml');
    await writeFile(file, `- {id: "${accountId}", access_token: ${token}}\n`);
    const settings = [...onlyStreams(...FEW), `harvest.accounts_file=${file}`];
    const where = { ...this.#where, prefix: `${this.prefix}-{account_id}`, settings };
    return publisher(where, ['run', '--config', this.#files.config, ...options]);
  }

  /**
   * Nothing changes any more: in the end every account is equal, and nothing of it was doubled, older after newer or deleted for
   * nothing; and all its owners together have kept inside the budget.
   */
  async isRight(): Promise<void> {
    for (const simulator of this.simulators) calm(simulator);
    const left = [...this.simulators];
    const judge = async () => {
      for (let next = left.pop(); next; next = left.pop()) await this.#isRight(next);
    };
    await Promise.all(Array.from({ length: JUDGED_AT_ONCE }, judge));
  }

  async #isRight(simulator: Simulator): Promise<void> {
    const view = await eventually(`account ${simulator.accountId} is equal`, async () => {
      const seen = await viewOf(this.where(simulator), { streams: FEW });
      return seen.differences.length === 0 ? seen : null;
    });
    expect([view.falseChanges, view.falseDeletions]).toEqual([[], []]);
    expect(simulator.maxInAnyWindow('general')).toBeLessThanOrEqual(REQUESTS_MAX);
  }

  /** The account's place, for a judge of its topics. */
  where(simulator: Simulator): Where {
    return { ...this.#where, simulator, prefix: `${this.prefix}-${simulator.accountId}` };
  }

  /** Owner by account, once these instances agree on a round and run all of it. */
  async agreed(...instances: readonly Instance[]): Promise<ReadonlyMap<string, string>> {
    let owners: ReadonlyMap<string, string> = new Map();
    await until(`${instances.map(({ name }) => name).join(', ')} run all accounts`, async () => {
      const seen = await Promise.all(instances.map((each) => each.cluster()));
      const [first] = seen;
      owners = new Map(
        first!.members.flatMap(({ name, accounts }) => accounts.map((account) => [account, name] as const)),
      );
      return (
        seen.every(({ term, moving, isMember }) => isMember && term === first!.term && moving.length === 0) &&
        first!.members.length === instances.length &&
        owners.size === this.#listed
      );
    });
    return owners;
  }
}

const CONFIGURATION = `
harvest: {base_url: "\${HARVEST_BASE_URL}", accounts_file: ACCOUNTS}
kafka: {brokers: "\${KAFKA_BROKERS}"}
schema_registry: {url: "\${SCHEMA_REGISTRY_URL}"}
`;
