// Next links that go in a circle for ever: every kind of walk notices it within a round, says so, asks less and less often, and
// ends equal once the links are right again.
import { describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { account, benchAccount, inProcess, named, viewDifferences, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const STREAMS = ['company', 'clients', 'invoices', 'invoice_messages', 'expenses', 'time_entries', 'time_clients'];
const MINUTE = 60_000;

/** Leads the first page of `path` into a circle of so many small pages. */
function circle({ faults }: Simulator, path: string, pages: number): () => void {
  const window = path.startsWith('/reports') ? '&from=20261101&to=20261130' : '';
  const small = (page: number) => new URL(`http://harvest.test/v2${path}?page=${page}&per_page=2${window}`);
  const lead = (query: string, to: URL) =>
    faults.add({ match: { path: `^/v2${path}\\?.*${query}` }, do: { kind: 'next-link', to } });
  const round = Array.from({ length: pages }, (_, index) =>
    lead(`\\bpage=${index + 1}&`, small(((index + 1) % pages) + 1)),
  );
  const ends = [lead('per_page=2000', small(1)), ...round];
  return () => {
    for (const end of ends) end();
  };
}

/** Streams that wait for the one in the circle, or lie below it. */
const BEHIND: Readonly<Record<string, readonly string[]>> = { time_entries: ['time_clients'] };

describe.each([1, 2, 5, 11])('a circle of %i pages', (pages) => {
  test.each([
    ['a list by page number', '/time_entries', 'time_entries'],
    ['the children of one parent', '/invoices/\\d+/messages', 'invoice_messages'],
    ['a report', '/reports/time/clients', 'time_clients'],
    ['a list by cursor', '/clients', 'clients'],
  ])('in %s ends `run --once` soon, with the others equal [P1]', async (_, path, stream) => {
    const { simulator } = account({ timeEntries: 60, years: 0.1 });
    const log = new MemoryLog();
    const [invoice] = simulator.parentIds('invoice_messages');
    const end = circle(simulator, path.replace('\\d+', String(invoice)), pages);
    const bench = benchAccount(simulator, log, { streams: STREAMS });
    await expect(bench.catchUp()).rejects.toMatchObject({ code: 'harvest.unparsable', exitCode: 75 });
    const asked = simulator.log.all().filter((request) => request.stream === stream).length;
    const others = STREAMS.filter((name) => name !== stream && !BEHIND[stream]?.includes(name));
    expect(await viewDifferences(simulator, log, others)).toEqual([]);
    const attempts = named(bench.events, 'stream.retrying').map(({ attempt }) => attempt);
    expect(attempts).toEqual(attempts.map((_, index) => index + 1));
    expect(attempts.length).toBeGreaterThanOrEqual(6);
    // The first page, the round, its first page again; a step of a child stream asks for 16 parents at once.
    expect(asked).toBeLessThan(attempts.length * (pages + 4 + 16));
    end();
    await benchAccount(simulator, log, { streams: STREAMS }).catchUp();
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  });
});

test('a circle of pages in a reconciliation makes it begin again with growing pauses, and polls go on [P1]', async () => {
  const clock = new VirtualClock();
  const budgets = { general: null, reports: null };
  const simulator = createSimulator({ timeEntries: 20, years: 0.1, now: clock.now, budgets });
  const log = new MemoryLog();
  const streams = ['company', 'clients'];
  const intervals = { pollMs: MINUTE, countMs: 5 * MINUTE, reconcileMs: 10 * MINUTE };
  const bench = virtualBench(simulator, log, clock, { streams, intervals, chance: 0.5 });
  const daemon = bench.start();
  await clock.pass(5 * MINUTE);
  // Polls ask with updated_since, the reconciliation does not.
  const isReconciliation = /^\/v2\/clients\?per_page=2000$/;
  const end = simulator.faults.add({
    match: { path: isReconciliation },
    do: { kind: 'next-link', to: new URL('http://harvest.test/v2/clients?per_page=2000&page=1&ref=again') },
  });
  simulator.log.clear();
  await clock.pass(30 * MINUTE);
  simulator.data.clients.create({ name: 'made while the reconciliation went in circles' });
  await clock.pass(2 * MINUTE);
  expect(await viewDifferences(simulator, log, streams)).toEqual([]);
  expect(named(bench.events, 'stream.retrying').length).toBeGreaterThan(0);
  expect(named(bench.events, 'stream.retrying').length).toBeLessThan(25);
  end();
  const before = named(bench.events, 'scan.completed').length;
  await clock.pass(12 * MINUTE);
  const after = named(bench.events, 'scan.completed').slice(before);
  expect(after.filter(({ purpose }) => purpose === 'reconciliation').length).toBeGreaterThan(0);
  daemon.stop();
  await clock.pass(MINUTE);
  await daemon.ended;
});

test.each([[[1, 1, -1]], [[1, 2]]])(
  '`run --once` ends although each count tells something else, by %j, and a record that its list hides answers by its id',
  async (by) => {
    const { simulator, pass } = account({ timeEntries: 60, years: 0.1 });
    const hidden = simulator.data.tasks.create({ name: 'answers by its id alone' }).id;
    for (let n = 0; n < 20; n++) simulator.data.tasks.create({ name: `unused ${n}` });
    const log = new MemoryLog();
    const streams = ['company', 'tasks'];
    await benchAccount(simulator, log, { streams }).catchUp();
    pass(1_000);
    const stop = new AbortController();
    const answer = inProcess(simulator);
    let counts = 0;
    let requests = 0;
    const transport: Transport = async (request, signal) => {
      if (++requests > 300) stop.abort();
      const said = await answer(request, signal);
      if (!request.url.includes('/tasks?')) return said;
      const body = JSON.parse(said.body.toString());
      body.tasks = body.tasks.filter(({ id }: { id: number }) => id !== hidden);
      if (/per_page=1(&|$)/.test(request.url)) body.total_entries += by[counts++ % by.length]!;
      return { ...said, body: Buffer.from(JSON.stringify(body)) };
    };
    const bench = benchAccount(simulator, log, { streams, source: { transport } });
    await bench.account.run(stop.signal, { once: true });
    expect(requests).toBeLessThan(100);
  },
);
