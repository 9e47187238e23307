// A simulated account of this process, the built daemon that publishes it, and a consumer of all its topics: who changes
// something in the account sees here when that arrives, and what was asked for meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { request } from 'undici';
import { createSimulator, serve } from '../dist/lab/simulator/index.js';
import { run, Server } from '../dist/lab/stack/process.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { note } from './told.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAIN = `${ROOT}dist/src/main.js`;

export class LiveAccount {
  simulator;
  /** Told each message that the consumer sees, with when that was (monotonic). */
  onArrival = null;
  #server;
  #where;
  #daemon = null;
  #address;
  #consumer;
  #seen = new Map();

  /** `where`: bootstrap, registryUrl, prefix. `options` are the simulator's. */
  static async open(where, options) {
    const account = new LiveAccount();
    account.simulator = createSimulator(options);
    account.#server = await serve(account.simulator);
    account.#where = where;
    return account;
  }

  async close() {
    await this.#consumer?.disconnect();
    await this.stop();
    await this.#server.close();
  }

  /** Runs a command to its end; resolves with its exit code and what it printed. */
  command(args, settings = []) {
    const all = [MAIN, ...args.split(' '), ...this.#overrides(['http.listen=off', ...settings])];
    return run(process.execPath, all, { env: this.#environment() });
  }

  /** Starts the daemon on a free port; resolves when its door is open. It ends with this process at the latest. */
  async run(settings = []) {
    this.#daemon = await Server.start({
      name: 'harvest-kafka',
      command: process.execPath,
      args: [MAIN, 'run', ...this.#overrides(['http.listen=127.0.0.1:0', ...settings])],
      cwd: ROOT,
      env: this.#environment(),
    });
    const address = () =>
      this.#daemon
        .logTail(200)
        .join('\n')
        .match(/"address":"([^"]+)"/)?.[1];
    await this.#daemon.ready(async () => address() !== undefined);
    this.#address = address();
  }

  async stop() {
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  /** The streams as /status shows them, by name. */
  async streams() {
    const { accounts } = JSON.parse(await this.#asked('/status'));
    return new Map(accounts[0].streams.map((stream) => [stream.stream, stream]));
  }

  /** Requests so far, by purpose, as /metrics counts them. */
  async requestsByPurpose() {
    const counts = {};
    for (const [, labels, count] of (await this.#metrics()).matchAll(
      /^harvest_kafka_requests_total\{(.*)\} (\d+)$/gm,
    )) {
      const purpose = labels.match(/purpose="([^"]+)"/)[1];
      counts[purpose] = (counts[purpose] ?? 0) + Number(count);
    }
    return counts;
  }

  /** CPU seconds of the daemon so far. */
  async cpuSeconds() {
    return Number((await this.#metrics()).match(/^process_cpu_seconds_total (\S+)$/m)[1]);
  }

  /** By a connection of its own, and again when that was closed: the daemon waits for nobody for longer than seconds. */
  async #asked(path, tries = 5) {
    const asked = request(`${this.#address}${path}`, { reset: true });
    const text = await asked.then(({ body }) => body.text()).catch(() => '');
    if (text !== '') return text;
    if (tries === 1) throw new Error(`${this.#address}${path} does not answer`);
    return this.#asked(path, tries - 1);
  }

  #metrics() {
    return this.#asked('/metrics');
  }

  /** Reads all topics as read_committed from here on; resolves when it has seen what was there. They must exist. */
  async watch() {
    const { bootstrap, prefix } = this.#where;
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
    for (const { name } of catalog) this.#seen.set(`${prefix}.${name}`, { keys: new Map(), tombstones: new Map() });
    const ends = await endsOf(kafka, [...this.#seen.keys()]);
    this.#consumer = kafka.consumer({ groupId: `watch-${prefix}`, maxWaitTimeInMs: 50 });
    // Emitted for batches of markers too, which eachMessage never sees.
    this.#consumer.on(this.#consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) => {
      const place = `${topic} ${partition}`;
      if (ends.has(place) && BigInt(lastOffset) + 1n >= ends.get(place)) ends.delete(place);
    });
    await this.#consumer.connect();
    const topics = [...new Set([...ends.keys()].map((place) => place.split(' ')[0]))];
    await this.#consumer.subscribe({ topics, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, message: { key, value } }) => {
        const { keys, tombstones } = this.#seen.get(topic);
        const arrival = { key: key.toString('latin1'), at: performance.now(), isTombstone: value === null };
        for (const seen of arrival.isTombstone ? [keys, tombstones] : [keys]) seen.set(arrival.key, arrival.at);
        this.onArrival?.({ ...arrival, stream: topic.slice(prefix.length + 1) });
      },
    });
    await until('everything seen', () => ends.size === 0, 120);
  }

  /** A consumer's view of a stream: all keys, and those with a tombstone, each with when it came last (monotonic). */
  seen(stream) {
    return this.#seen.get(`${this.#where.prefix}.${stream}`);
  }

  tombstones() {
    return [...this.#seen.values()].reduce((sum, { tombstones }) => sum + tombstones.size, 0);
  }

  #overrides(settings) {
    return [`topics.prefix=${this.#where.prefix}`, ...settings].flatMap((setting) => ['--set', setting]);
  }

  #environment() {
    const { simulator } = this;
    return {
      PATH: process.env.PATH,
      HARVEST_BASE_URL: `${this.#server.url}/v2`,
      HARVEST_ACCOUNT_ID: String(simulator.accountId),
      HARVEST_ACCESS_TOKEN: simulator.token,
      KAFKA_BROKERS: this.#where.bootstrap,
      SCHEMA_REGISTRY_URL: this.#where.registryUrl,
    };
  }
}

/** Whether every stream has been read once. */
export function isRead(streams) {
  return streams.size > 0 && [...streams.values()].every(({ complete }) => complete);
}

/** Whether nothing is left to be read, asked for, deleted or counted in any stream, until something is due again. */
export function isCaughtUp(streams) {
  return isRead(streams) && [...streams.values()].every((stream) => isSettled(stream) && isResting(stream));
}

function isSettled({ scan, backlog }) {
  const { pendingParents, dirtyWindows, touchedWindows, heldWindows, candidates, confirmed, reconciliation } = backlog;
  const left = pendingParents + dirtyWindows + touchedWindows + heldWindows + candidates + confirmed;
  return scan === null && reconciliation === null && left === 0;
}

function isResting({ nextDueAt }) {
  return nextDueAt !== null && Date.parse(nextDueAt) > Date.now();
}

/** Waits until `condition` holds, and says once a minute for what; throws with `what` after `seconds`. */
export async function until(what, condition, seconds) {
  const begun = performance.now();
  const waited = () => (performance.now() - begun) / 1000;
  let minutes = 1;
  while (!(await condition())) {
    if (waited() > seconds) throw new Error(`not within ${seconds} s: ${what}`);
    if (waited() > minutes * 60) note(`waiting for ${minutes++} min: ${what}`);
    await sleep(100);
  }
}

/** Where the partitions that hold something end, by `topic partition`. */
async function endsOf(kafka, topics) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const present = new Set(await admin.listTopics());
    const ends = new Map();
    for (const topic of topics.filter((name) => present.has(name)))
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
        if (BigInt(high) > BigInt(low)) ends.set(`${topic} ${partition}`, BigInt(high));
    return ends;
  } finally {
    await admin.disconnect();
  }
}
