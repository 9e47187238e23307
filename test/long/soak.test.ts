// `npm run soak -- --minutes 60`: the built daemon for an hour, while records change all the time and everything around it
// fails now and then. In the end all topics equal the account, and it takes no more memory and no more files than before.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { calm, storm } from '../../lab/simulator/index.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { daemon, type RunningDaemon } from '../support/daemon.ts';
import { startHttpGate } from '../support/http-gate.ts';
import { startKafkaProxy } from '../support/kafka-proxy.ts';
import { MixedWeather } from '../support/mixed-weather.ts';
import { NO_LIMITS, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { Draw } from '../support/sim/draw.ts';
import { ownBroker } from '../support/stack.ts';
import { viewOf } from '../support/view.ts';
import { quarters, VitalSigns, type Vitals } from '../support/vitals.ts';
import { Witness } from '../support/witness.ts';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 60);
const SEED = Number(process.env.TEST_SEED ?? 5);

/** A row of the table: a minute, or a twelfth of a shorter run. */
const ROWS = Math.max(12, MINUTES);
const ROW_MS = (MINUTES * 60_000) / ROWS;
/** The last part of each row is fair weather, so that what the faults left behind can be seen. */
const FAIR_SHARE = 0.4;
const TICK_MS = 1_000;
const CHANGE_CHANCE = 0.7;
const FAULT_CHANCE = 0.25;
/** The broker dies in the middle of every so many rows. */
const ROWS_PER_KILL = 10;

/** The image gives this much to V8 in a container of 256 MB. */
const HEAP = '--max-old-space-size=128';
const CONTAINER_MB = 256;
/** The late median may exceed the early one by this share: garbage is collected when V8 likes. */
const GROWTH = 0.1;
/** Up to nine connections to Harvest come and go; hundreds of faults that each left one behind would be far more. */
const SPARE_SOCKETS = 3;

const every = (key: string, seconds: (kind: string) => number) =>
  catalog.map(({ name, kind }) => `streams.${name}.${key}=${seconds(kind)}`);
const SETTINGS = [
  ...NO_LIMITS,
  'deletes.hold_percent=100',
  'deletes.hold_at_least=1000000',
  ...every('poll_interval_seconds', (kind) => (kind === 'list' ? 5 : 30)),
  ...every('count_interval_seconds', () => 15),
  ...every('reconcile_interval_seconds', () => 120),
];

test(`${MINUTES} minutes of changes and faults: all topics equal, memory and open files flat [P1 P2 P3 P8]`, {
  timeout: (MINUTES + 30) * 60_000,
}, async () => {
  const draw = new Draw(SEED);
  const broker = await ownBroker();
  const proxy = await startKafkaProxy([broker.bootstrap]);
  onTestFinished(() => proxy.close());
  const where = { ...(await scene({ timeEntries: 400, years: 1, ticking: true, seed: SEED })), settings: SETTINGS };
  const registry = await startHttpGate(where.registryUrl);
  onTestFinished(() => registry.close());
  const { simulator } = where;
  const witness = new Witness(simulator);
  const weather = new MixedWeather({ simulator, proxy, broker, registry }, draw);

  const running = await daemon({
    ...where,
    ...{ bootstrap: proxy.bootstrap, registryUrl: registry.url, env: { NODE_OPTIONS: HEAP } },
  });
  await until('ready', async () => (await running.readiness()).ready, 120);
  const signs = new VitalSigns(running.process.pid!, running.address);
  let changes = 0;

  say(
    '| minute | RSS MB | heap MB | rows | sockets | other files | changes | faults |',
    '|---:|---:|---:|---:|---:|---:|---:|---:|',
  );
  for (let row = 1; row <= ROWS; row++) {
    const end = performance.now() + ROW_MS;
    let mayKill = row % ROWS_PER_KILL === 0;
    while (performance.now() < end) {
      await pause(TICK_MS);
      lives(running);
      if (draw.chance(CHANGE_CHANCE)) changes += storm(simulator, { random: draw.random, lateSeconds: 60 }).length;
      const left = end - performance.now();
      if (left > ROW_MS * FAIR_SHARE) {
        if (draw.chance(FAULT_CHANCE)) weather.strike(left - ROW_MS * FAIR_SHARE);
        if (mayKill && left < ROW_MS / 2 + TICK_MS) {
          mayKill = false;
          await weather.killBroker();
        }
      } else {
        await weather.clear();
        lives(running);
        await signs.sample();
      }
    }
    // Only ours would grow.
    simulator.log.clear();
    await signs.sample();
    say(line(((row * ROW_MS) / 60_000).toFixed(ROW_MS < 60_000 ? 2 : 0), signs.row(), changes, sum(weather.counts)));
  }

  await weather.clear();
  calm(simulator);
  const judge = { ...where, bootstrap: broker.bootstrap };
  const calmAt = performance.now();
  // Streams whose requests kept failing pause up to five minutes, refused ones up to fifteen; the reconciliation that finds what
  // moved nothing comes after that.
  let view = await viewOf(judge, { witness });
  const equal = async () => {
    await pause(10_000);
    view = await viewOf(judge, { witness });
    return view.differences.length === 0;
  };
  await until('all topics equal', equal, 1_500);
  const kinds = Object.entries(weather.counts).sort();
  say('', `equal ${Math.round((performance.now() - calmAt) / 1000)} s after the last fault`);
  say(...kinds.map(([kind, count]) => `- ${kind}: ${count}`));
  expect(view.falseChanges.slice(0, 20)).toEqual([]);
  expect(view.falseDeletions.slice(0, 20)).toEqual([]);

  const memory = (['rssMb', 'heapMb'] as const).map((name) => ({ name, ...quarters(signs.rows, name) }));
  const files = (
    [
      ['sockets', SPARE_SOCKETS],
      ['files', 0],
    ] as const
  ).map(([name, spare]) => ({ name, spare, ...quarters(signs.rows, name) }));
  const peakMb = await signs.peakMb();
  for (const { name, early, late } of [...memory, ...files])
    say(`${name}: ${early.toFixed(1)} in the second quarter, ${late.toFixed(1)} in the last`);
  say(`peak RSS: ${peakMb.toFixed(0)} MB`, `records: ${view.messages.length}`);
  for (const { name, early, late } of memory) expect(late, `${name} grows`).toBeLessThan(early * (1 + GROWTH));
  for (const { name, spare, early, late } of files) expect(late, `${name} grow`).toBeLessThanOrEqual(early + spare);
  expect(peakMb).toBeLessThan(CONTAINER_MB);

  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);
});

function lives({ process: { exitCode, signalCode }, output }: RunningDaemon): void {
  expect({ exitCode, signalCode }, output().slice(-2_000)).toEqual({ exitCode: null, signalCode: null });
}

function line(minute: string, vitals: Vitals, changes: number, faults: number): string {
  const { rssMb, heapMb, topicRows, sockets, files } = vitals;
  return `| ${[minute, rssMb.toFixed(0), heapMb.toFixed(1), topicRows, sockets, files, changes, faults].join(' | ')} |`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
