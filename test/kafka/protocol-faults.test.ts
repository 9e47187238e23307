// Every request that a commit, an opening and a restore are made of, and everything that can become of it: refused, done
// but denied, lost on either way, answered after the client gave up. The table says how the sink takes it; an independent
// reader and the next opening say that nothing was lost, repeated or torn apart.
import { beforeAll, type ExpectStatic, expect, test } from 'vitest';
import type { OutMessage, Sink } from '../../src/engine/ports.ts';
import { batch, forever, Model, message, openPatiently, readCommitted, sinkOn } from '../support/kafka.ts';
import type { Fault } from '../support/kafka-link.ts';
import { type Caught, type KafkaProxy, startKafkaProxy } from '../support/kafka-proxy.ts';
import { API, names, type Request } from '../support/kafka-wire.ts';
import { slowness } from '../support/patience.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

/** Kafka's error codes; all but the last line are worth another try. */
const LEADER_NOT_AVAILABLE = 5;
const NOT_LEADER = 6;
const REQUEST_TIMED_OUT = 7;
const COORDINATOR_LOADING = 14;
const COORDINATOR_NOT_AVAILABLE = 15;
const NOT_COORDINATOR = 16;
const NOT_ENOUGH_REPLICAS = 19;
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20;
const CONCURRENT_TRANSACTIONS = 51;
const STORAGE_ERROR = 56;
const OFFSET_OUT_OF_RANGE = 1;
const TOO_LARGE = 10;
const TOPIC_FORBIDDEN = 29;
const OUT_OF_ORDER = 45;
const INVALID_EPOCH = 47;
const INVALID_STATE = 48;
const INVALID_MAPPING = 49;
const TRANSACTIONAL_ID_FORBIDDEN = 53;
const UNKNOWN_PRODUCER = 59;
const PRODUCER_FENCED = 90;

/** A commit is given up after half of it: longer than a busy machine needs, shorter than kafkajs' own patience of 30 s. */
const TRANSACTION_TIMEOUT_MS = Math.min(50_000, Math.round(16_000 * slowness()));
/** The sink has time-outs of its own. Where it gets less than a third of a processor they strike before the fault does. */
const isStarved = () => slowness() > 3;
const TRIES = 8;

/** How the call ends: resolved, or the kind of its error. */
type Outcome = 'done' | 'reopen' | 'fatal' | 'blocked';
/** Whether the batch is in the log when the call has ended. */
type Truth = 'committed' | 'undone';

interface Cell {
  readonly during: 'commit' | 'opening';
  readonly api: keyof typeof API;
  readonly fault: Fault;
  readonly outcome: Outcome;
  readonly truth: Truth;
}

type Row = readonly [Fault, Outcome, Truth];

function table(during: Cell['during'], api: Cell['api'], rows: readonly Row[]): Cell[] {
  return rows.map(([fault, outcome, truth]) => ({ during, api, fault, outcome, truth }));
}

const CELLS: readonly Cell[] = [
  ...table('opening', 'initProducerId', [
    [{ refuse: CONCURRENT_TRANSACTIONS }, 'done', 'undone'],
    [{ refuse: NOT_COORDINATOR }, 'done', 'undone'],
    [{ refuse: INVALID_EPOCH }, 'done', 'undone'],
    [{ refuse: PRODUCER_FENCED }, 'done', 'undone'],
    [{ refuse: TRANSACTIONAL_ID_FORBIDDEN }, 'fatal', 'undone'],
    ['lose request', 'done', 'undone'],
    ['lose answer', 'done', 'undone'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
  ...table('opening', 'findCoordinator', [
    [{ refuse: COORDINATOR_NOT_AVAILABLE }, 'done', 'undone'],
    [{ refuse: TRANSACTIONAL_ID_FORBIDDEN }, 'fatal', 'undone'],
    ['lose request', 'done', 'undone'],
    ['lose answer', 'done', 'undone'],
    ['hold request', 'done', 'undone'],
    ['hold answer', 'done', 'undone'],
  ]),
  ...table('opening', 'metadata', [
    [{ refuse: LEADER_NOT_AVAILABLE }, 'done', 'undone'],
    [{ refuse: TOPIC_FORBIDDEN }, 'fatal', 'undone'],
    ['lose request', 'reopen', 'undone'],
    ['lose answer', 'reopen', 'undone'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
  ...table('opening', 'fetch', [
    [{ refuse: NOT_LEADER }, 'done', 'undone'],
    [{ refuse: STORAGE_ERROR }, 'done', 'undone'],
    [{ refuse: OFFSET_OUT_OF_RANGE }, 'reopen', 'undone'],
    [{ refuse: TOPIC_FORBIDDEN }, 'fatal', 'undone'],
    ['lose request', 'done', 'undone'],
    ['lose answer', 'done', 'undone'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
  ...table('commit', 'findCoordinator', [
    [{ refuse: COORDINATOR_NOT_AVAILABLE }, 'done', 'committed'],
    [{ refuse: TRANSACTIONAL_ID_FORBIDDEN }, 'reopen', 'undone'],
    ['lose request', 'reopen', 'undone'],
    ['lose answer', 'reopen', 'undone'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
  ...table('commit', 'addPartitions', [
    [{ refuse: CONCURRENT_TRANSACTIONS }, 'done', 'committed'],
    [{ refuse: COORDINATOR_LOADING }, 'done', 'committed'],
    [{ refuse: NOT_COORDINATOR }, 'done', 'committed'],
    [{ refuse: INVALID_EPOCH }, 'reopen', 'undone'],
    [{ refuse: PRODUCER_FENCED }, 'reopen', 'undone'],
    [{ refuse: INVALID_STATE }, 'reopen', 'undone'],
    [{ refuse: INVALID_MAPPING }, 'reopen', 'undone'],
    [{ refuse: TOPIC_FORBIDDEN }, 'fatal', 'undone'],
    ['lose request', 'done', 'committed'],
    ['lose answer', 'done', 'committed'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
  ...table('commit', 'produce', [
    [{ refuse: NOT_LEADER }, 'done', 'committed'],
    [{ refuse: REQUEST_TIMED_OUT }, 'done', 'committed'],
    [{ deny: REQUEST_TIMED_OUT }, 'done', 'committed'],
    [{ refuse: NOT_ENOUGH_REPLICAS }, 'done', 'committed'],
    [{ deny: NOT_ENOUGH_REPLICAS_AFTER_APPEND }, 'done', 'committed'],
    [{ refuse: STORAGE_ERROR }, 'done', 'committed'],
    [{ refuse: TOO_LARGE }, 'blocked', 'undone'],
    [{ refuse: OUT_OF_ORDER }, 'reopen', 'undone'],
    [{ refuse: UNKNOWN_PRODUCER }, 'reopen', 'undone'],
    [{ refuse: INVALID_EPOCH }, 'reopen', 'undone'],
    [{ refuse: PRODUCER_FENCED }, 'reopen', 'undone'],
    ['lose request', 'done', 'committed'],
    ['lose answer', 'done', 'committed'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
  ...table('commit', 'endTransaction', [
    [{ refuse: COORDINATOR_LOADING }, 'reopen', 'undone'],
    [{ refuse: NOT_COORDINATOR }, 'reopen', 'undone'],
    [{ refuse: CONCURRENT_TRANSACTIONS }, 'reopen', 'undone'],
    [{ refuse: INVALID_STATE }, 'reopen', 'undone'],
    [{ refuse: INVALID_EPOCH }, 'reopen', 'undone'],
    [{ deny: INVALID_EPOCH }, 'reopen', 'committed'],
    [{ refuse: PRODUCER_FENCED }, 'reopen', 'undone'],
    [{ deny: NOT_COORDINATOR }, 'reopen', 'committed'],
    ['lose request', 'reopen', 'undone'],
    ['lose answer', 'reopen', 'committed'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'committed'],
  ]),
  ...table('commit', 'metadata', [
    [{ refuse: LEADER_NOT_AVAILABLE }, 'done', 'committed'],
    [{ refuse: TOPIC_FORBIDDEN }, 'fatal', 'undone'],
    ['lose request', 'done', 'committed'],
    ['lose answer', 'done', 'committed'],
    ['hold request', 'reopen', 'undone'],
    ['hold answer', 'reopen', 'undone'],
  ]),
];

const titled = CELLS.map((cell): [string, Cell] => [
  `${cell.during}, ${cell.api}, ${typeof cell.fault === 'string' ? cell.fault : JSON.stringify(cell.fault)}: ${cell.outcome}, ${cell.truth}`,
  cell,
]);

let bootstrap: string;

beforeAll(async () => {
  ({ bootstrap } = await sharedStack());
});

// Side by side and the openings first, because one that is held waits for kafkajs' own time-out of 30 s.
test.concurrent.for(titled)('%s [P1 P2 P3 P4 P5]', async ([, cell], { expect }) => {
  for (let tried = 1; !(await suffers(cell, expect, tried < TRIES)); tried++);
});

/** False when it is to be tried again: it ended otherwise than the table says, and this machine may be to blame for that. */
async function suffers(cell: Cell, expect: ExpectStatic, mayTryAgain: boolean): Promise<boolean> {
  const proxy = await startKafkaProxy([bootstrap]);
  const account = new AccountUnderTest(proxy);
  try {
    await account.fill();
    const { outcome, caught, failure } = await account.suffer(cell);
    if (outcome !== cell.outcome && mayTryAgain && isStarved()) return false;
    expect(outcome, String(failure)).toBe(cell.outcome);
    const seen = cell.truth === 'committed' ? [0, 1] : [0];
    await expect.poll(() => account.visibleRounds()).toEqual(seen);
    await account.goOn(outcome, cell);
    // The held request reaches the broker when the successor has already written.
    caught.release();
    if (cell.fault === 'hold request') await caught.answered;
    await account.commit(2);
    await account.restoresWhatIsThere();
    await expect.poll(() => account.visibleRounds()).toEqual([0, 1, 2]);
    return true;
  } finally {
    await account.close();
    await proxy.close();
  }
}

class AccountUnderTest {
  readonly #proxy: KafkaProxy;
  readonly #prefix = uniquePrefix();
  readonly #model = new Model();
  #sink: Sink | null = null;

  constructor(proxy: KafkaProxy) {
    this.#proxy = proxy;
  }

  /** A first instance commits round 0 and leaves, so that an opening has something to restore. */
  async fill(): Promise<void> {
    this.#sink = this.#made(bootstrap);
    await openPatiently(this.#sink, this.#model);
    await this.commit(0);
    this.#model.reset('clients');
    this.#model.reset('users');
    await this.#sink.close();
    this.#sink = this.#made(this.#proxy.bootstrap);
  }

  /** The second instance meets the fault in its opening or in its commit of round 1. */
  async suffer({ during, api, fault }: Cell): Promise<{ outcome: Outcome; caught: Caught; failure?: unknown }> {
    if (during === 'commit') await openPatiently(this.#sink!, this.#model);
    const caught = this.#proxy.trap({ api: API[api], matches: this.#ours(api), fault });
    const call = during === 'commit' ? this.#sink!.commit(roundBatch(1)) : this.#sink!.open(this.#model, forever);
    let failure: unknown;
    const outcome = await call.then(
      (): Outcome => 'done',
      (error) => {
        failure = error;
        return (error as { kind: Outcome }).kind;
      },
    );
    expect(caught.closed).toBe(true);
    if (outcome === 'done' && during === 'commit') this.#model.apply(round(1));
    return { outcome, caught, failure };
  }

  /** As the engine does: opens again after a doubt; a process that had to stop is followed by another. */
  async goOn(outcome: Outcome, { during, truth }: Cell): Promise<void> {
    if (outcome !== 'done') {
      if (outcome !== 'reopen') {
        await this.#sink!.close();
        this.#sink = this.#made(this.#proxy.bootstrap);
        this.#model.reset('clients');
        this.#model.reset('users');
      }
      const { rows, broken } = await openPatiently(this.#sink!, this.#model);
      expect(broken).toEqual(new Map());
      expect(rows.get('clients')).toEqual({ n: truth === 'committed' ? 1 : 0 });
      expect(rows.get('users')).toEqual(rows.get('clients'));
    }
    if (during === 'opening' || truth === 'undone') await this.commit(1);
  }

  /** No fault is planned for it, but a busy machine may put it in doubt. */
  async commit(n: number): Promise<void> {
    for (let known = n - 1; known < n; ) {
      try {
        await this.#sink!.commit(roundBatch(n));
        this.#model.apply(round(n));
        return;
      } catch (error) {
        if ((error as { kind?: Outcome }).kind !== 'reopen' || !isStarved()) throw error;
        const { rows, broken } = await openPatiently(this.#sink!, this.#model);
        expect(broken).toEqual(new Map());
        known = (rows.get('clients')?.n as number | undefined) ?? -1;
        expect([n - 1, n]).toContain(known);
      }
    }
  }

  /** The rounds that an independent reader sees, each once, whole, with the state row behind it. */
  async visibleRounds(): Promise<number[]> {
    const topics = ['clients', 'users', 'state'].map((name) => `${this.#prefix}.${name}`);
    // Asked again and again, and often while a transaction is open.
    const messages = await readCommitted(bootstrap, topics, 0);
    const records = messages.filter(({ topic }) => topic !== topics[2]).map(({ key, value }) => `${key}=${value}`);
    const rounds = [...new Set(records.map((record) => Number(record.split(' ')[1])))].sort();
    expect(records.sort()).toEqual(rounds.flatMap((n) => round(n).map(({ key, value }) => `${key}=${value}`)).sort());
    const rows = messages.filter(({ topic, key }) => topic === topics[2] && String(key).includes('"clients"'));
    expect(rows.map(({ value }) => (JSON.parse(String(value)) as { n: number }).n)).toEqual(rounds);
    return rounds;
  }

  async restoresWhatIsThere(): Promise<void> {
    const successor = this.#made(bootstrap);
    const restored = new Model();
    const { rows } = await openPatiently(successor, restored);
    await successor.close();
    expect(restored.values).toEqual(this.#model.values);
    expect(rows.get('users')).toEqual({ n: 2 });
  }

  async close(): Promise<void> {
    await this.#sink?.close();
  }

  #made(brokers: string): Sink {
    return sinkOn(brokers, {
      prefix: this.#prefix,
      partitions: 2,
      kafka: { transaction_timeout_ms: TRANSACTION_TIMEOUT_MS },
    });
  }

  /** Metadata and offsets are asked for many things: these are the questions about our data. */
  #ours(api: Cell['api']): ((request: Request) => boolean) | undefined {
    return api === 'metadata' || api === 'fetch' ? names(`${this.#prefix}.clients`) : undefined;
  }
}

function round(n: number): OutMessage[] {
  return Array.from({ length: 12 }, (_, i) => message(i % 3 ? 'clients' : 'users', `key ${n} ${i}`, `round ${n}`));
}

function roundBatch(n: number) {
  return batch(round(n), { clients: { n }, users: { n } });
}
