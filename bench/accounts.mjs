// The cost of many accounts in one process: how long they take to start, and what they cost while nothing happens.
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { calm, createSimulator, serveAll } from '../dist/lab/simulator/index.js';
import { Server } from '../dist/lab/stack/process.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { until } from './account.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PATIENCE_SECONDS = 3600;
/** What a tick of /proc is, on all Linux machines that matter. */
const TICKS_PER_SECOND = 100;

/** Every minute a poll of each list, every five a count check: an account in which nothing has happened for long. */
const IDLE = [
  ...['target_seconds', 'quiet_seconds', 'idle_seconds'].map((name) => `polling.${name}=60`),
  ...catalog.filter(({ kind }) => kind === 'list').map(({ name }) => `streams.${name}.count_interval_seconds=300`),
];

const CONFIGURATION = `
harvest: {base_url: "\${HARVEST_BASE_URL}", accounts_file: ACCOUNTS}
kafka: {brokers: "\${KAFKA_BROKERS}"}
schema_registry: {url: "\${SCHEMA_REGISTRY_URL}"}
`;

/**
 * So many small accounts of one process, from their first start to the end of the process. `where`: bootstrap, registryUrl, prefix,
 * folder. Measures `idleMinutes` minutes of silence, none with 0. Yields rows.
 */
export async function* manyAccounts(where, count, { idleMinutes, registryMs = 0 }) {
  const budgets = { general: null, reports: null };
  const simulators = Array.from({ length: count }, (_, at) =>
    createSimulator({ seed: at + 1, accountId: 1_000_001 + at, timeEntries: 200, years: 0.3, budgets }),
  );
  for (const simulator of simulators) calm(simulator);
  const harvest = await serveAll(simulators);
  const registry = registryMs > 0 ? await slowRegistry(where.registryUrl, registryMs) : null;
  const daemon = await start(where, simulators, harvest.url, registry?.url ?? where.registryUrl);
  try {
    const phases = async () => (await daemon.accounts()).map(({ phase }) => phase);
    await until(
      'all accounts open',
      async () => (await phases()).every((phase) => phase === 'running'),
      PATIENCE_SECONDS,
    );
    yield ['start: all open, s (CPU of ours)', `${daemon.seconds()} (${(await cpuSeconds(daemon.pid)).toFixed(1)})`];
    if (idleMinutes > 0) yield* idle(daemon, count, idleMinutes);
    const stopping = performance.now();
    await daemon.stop();
    yield ['SIGTERM to exit, s', ((performance.now() - stopping) / 1000).toFixed(1)];
  } finally {
    await daemon.stop();
    await harvest.close();
    await registry?.close();
  }
}

async function* idle(daemon, count, minutes) {
  const isRead = ({ streams }) => streams.every(({ complete }) => complete);
  await until('all accounts read', async () => (await daemon.accounts()).every(isRead), PATIENCE_SECONDS);
  yield ['start: all read, s (CPU of ours)', `${daemon.seconds()} (${(await cpuSeconds(daemon.pid)).toFixed(1)})`];
  await sleep(60_000);
  const before = { cpu: await cpuSeconds(daemon.pid), asked: await daemon.asked() };
  await sleep(minutes * 60_000);
  const after = { cpu: await cpuSeconds(daemon.pid), asked: await daemon.asked() };
  yield ['CPU s a minute, idle', ((after.cpu - before.cpu) / minutes).toFixed(2)];
  const { VmRSS, VmHWM } = await memoryMb(daemon.pid);
  yield ['resident MB, idle (peak)', `${VmRSS} (${VmHWM})`];
  yield ['sockets to the broker', await socketsTo(daemon.pid, daemon.brokerPort)];
  const perAccount = (kind) => ((after.asked[kind] ?? 0) - (before.asked[kind] ?? 0)) / minutes / count;
  const kinds = Object.keys(after.asked).filter((kind) => perAccount(kind) > 0);
  const told = kinds
    .sort((a, b) => perAccount(b) - perAccount(a))
    .map((kind) => `${kind} ${perAccount(kind).toFixed(1)}`);
  const all = kinds.reduce((sum, kind) => sum + perAccount(kind), 0);
  yield ['requests to Kafka a minute and account', `${all.toFixed(1)}: ${told.join(', ')}`];
  const scrapes = [];
  for (let times = 0; times < 5; times++) scrapes.push(await daemon.scrape());
  const { bytes, ms } = scrapes.reduce((best, one) => (one.ms < best.ms ? one : best));
  yield ['/metrics: ms, kB', `${ms.toFixed(0)}, ${Math.round(bytes / 1000)}`];
}

async function start({ bootstrap, prefix, folder }, simulators, harvestUrl, registryUrl) {
  const [config, accounts, asked] = ['many.yaml', 'accounts.yaml', 'asked.json'].map((name) => join(folder, name));
  await writeFile(config, CONFIGURATION.replace('ACCOUNTS', accounts));
  await writeFile(
    accounts,
    simulators.map(({ accountId, token }) => `- {id: "${accountId}", access_token: ${token}}\n`).join(''),
  );
  const settings = [
    `topics.prefix=${prefix}-{account_id}`,
    'http.listen=127.0.0.1:0',
    'topics.replication_factor=1',
    ...IDLE,
  ];
  const startedAt = performance.now();
  const server = await Server.start({
    name: 'harvest-kafka',
    command: process.execPath,
    args: ['--import', './bench/asked.mjs', 'dist/src/main.js', 'run', '--config', config].concat(
      settings.flatMap((setting) => ['--set', setting]),
    ),
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      BENCH_ASKED: asked,
      HARVEST_BASE_URL: `${harvestUrl}/v2`,
      KAFKA_BROKERS: bootstrap,
      SCHEMA_REGISTRY_URL: registryUrl,
    },
  });
  const find = () =>
    server
      .logTail(2000)
      .join('\n')
      .match(/"address":"([^"]+)"/)?.[1];
  await server.ready(async () => find() !== undefined);
  const address = find();
  return {
    pid: server.pid,
    brokerPort: Number(bootstrap.split(':')[1]),
    seconds: () => ((performance.now() - startedAt) / 1000).toFixed(0),
    accounts: async () => (await (await fetch(`${address}/status`)).json()).accounts,
    async asked() {
      await rm(asked, { force: true });
      process.kill(server.pid, 'SIGUSR2');
      let counts = null;
      await until(
        'counts of requests',
        async () => {
          counts = await readFile(asked, 'utf8').then(JSON.parse, () => null);
          return counts !== null;
        },
        60,
      );
      return counts;
    },
    async scrape() {
      const at = performance.now();
      const text = await (await fetch(`${address}/metrics`)).text();
      return { ms: performance.now() - at, bytes: Buffer.byteLength(text) };
    },
    stop: () => server.stop(),
  };
}

/** The registry behind an address that holds back each answer. */
async function slowRegistry(url, ms) {
  const server = createServer((incoming, answer) => {
    const { method, url: path, headers } = incoming;
    const onward = forward(new URL(path, url), { method, headers }, async (reply) => {
      await sleep(ms);
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}${new URL(url).pathname}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

async function cpuSeconds(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function memoryMb(pid) {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (name) => Math.round(Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]) / 1024);
  return { VmRSS: of('VmRSS'), VmHWM: of('VmHWM') };
}

/** Open connections of the process to that port. */
async function socketsTo(pid, port) {
  const files = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  const own = new Set(links.flatMap((link) => link.match(/^socket:\[(\d+)\]$/)?.[1] ?? []));
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (await readFile(`/proc/${pid}/net/tcp`, 'utf8'))
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[2]?.endsWith(remote) && row[3] === '01' && own.has(row[9])).length;
}
