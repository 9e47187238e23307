// How long transactions are open, seen from the broker's side of the built command: consumers wait for the longest of them.
import { expect, onTestFinished, test } from 'vitest';
import type { SimulatorOptions } from '../../lab/simulator/index.ts';
import { type HttpGate, startHttpGate } from '../support/http-gate.ts';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka-proxy.ts';
import { API, type Request } from '../support/kafka-wire.ts';
import { finished } from '../support/publisher.ts';
import { type Scene, scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';

/** How long 99 of 100 may be open, which only a quiet machine can tell: `npm run transactions`. */
const P99_MS = Number(process.env.TEST_P99_MS ?? Number.POSITIVE_INFINITY);
/** The sends of one at most: the parts of a page of each topic, letters, notifications, state. */
const MOST_SENDS = 12;

interface Stage {
  readonly where: Scene;
  /** Stands between the publisher and Harvest, and between it and the broker. */
  readonly harvest: HttpGate;
  readonly proxy: KafkaProxy;
  /** Runs it through both to its end. */
  run(): Promise<void>;
}

async function staged(options: SimulatorOptions = {}): Promise<Stage> {
  const where = await scene(options);
  const harvest = await startHttpGate(where.server.url);
  const proxy = await startKafkaProxy([where.bootstrap]);
  onTestFinished(async () => {
    await proxy.close();
    await harvest.close();
  });
  const through = { ...where, bootstrap: proxy.bootstrap, server: { ...where.server, url: harvest.url } };
  const run = async () => {
    const end = await finished(through, ['run', '--once']);
    expect(end, end.errors).toMatchObject({ code: 0 });
  };
  return { where, harvest, proxy, run };
}

/** Calls back when the broker has begun a transaction, and when it has ended it. */
function watchTransactions(proxy: KafkaProxy, begun: () => void, ended: () => void): void {
  let open = false;
  proxy.watch(({ api }: Request, moment) => {
    if (api === API.addPartitions && moment === 'asked' && !open) {
      open = true;
      begun();
    } else if (api === API.endTransaction && moment === 'answered' && open) {
      open = false;
      ended();
    }
  });
}

test('a transaction of a first sync holds no more than a page, whatever the machine; how long it is open is told [P4]', async () => {
  const { proxy, run } = await staged();
  const openMs: number[] = [];
  const sends: number[] = [];
  let since = 0;
  proxy.watch(({ api }, moment) => {
    if (api === API.produce && moment === 'asked') sends[openMs.length] = (sends[openMs.length] ?? 0) + 1;
  });
  watchTransactions(
    proxy,
    () => {
      since = performance.now();
    },
    () => openMs.push(performance.now() - since),
  );
  await run();
  openMs.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((share) => openMs[Math.ceil(openMs.length * share) - 1]!) as [number, number];
  const figures = { p50, p99, longest: openMs.at(-1)! };
  const told = Object.entries(figures).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`);
  console.log(`${openMs.length} transactions: ${told.join(', ')}`);
  expect(openMs.length).toBeGreaterThan(30);
  expect(p99).toBeLessThan(P99_MS);
  expect(Math.max(...Object.values(sends))).toBeLessThanOrEqual(MOST_SENDS);
});

test('no transaction waits for Harvest: they end although it answers nothing while one is open [P4]', async () => {
  const { where, harvest, proxy, run } = await staged({ timeEntries: 300, years: 1 });
  watchTransactions(proxy, harvest.shut, harvest.open);
  await run();
  // Other streams were reading meanwhile, or this test proves nothing.
  expect(harvest.kept).toBeGreaterThan(0);
  const { differences, falseChanges, falseDeletions } = await viewOf(where);
  expect([...differences.slice(0, 10), ...falseChanges, ...falseDeletions]).toEqual([]);
});
