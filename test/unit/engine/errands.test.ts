// Parents that changed are errands of their children's stream: however many there are, and whatever is under way, none is lost.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { Claims } from '../../../src/engine/claims.ts';
import type { Diff } from '../../../src/engine/state/diff.ts';
import type { ChildPosition } from '../../../src/engine/state/position.ts';
import { type StepContext, stepResult } from '../../../src/engine/step.ts';
import { childStep } from '../../../src/engine/steps/child-step.ts';
import { withConsequences } from '../../../src/engine/steps/consequences.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { inProcess, settingsOf, virtualBench } from '../../support/account.ts';
import { testCodec } from '../../support/codec.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { streamsOf } from '../../support/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 21);

/** Messages of ten thousand invoices, none of which has any. */
function messages(position: Partial<ChildPosition>, complete = true) {
  const streams = streamsOf(['invoices', 'invoice_messages']);
  const [invoices, child] = [streams.get('invoices')!, streams.get('invoice_messages')!];
  for (let id = 1; id <= 10_000; id++) invoices.index.set(id, { hash: 1, updatedAt: 1000, group: null, day: null });
  invoices.row = { ...invoices.row, complete: true, rows: 10_000 };
  child.row = { ...child.row, complete, position: { ...(child.row.position as ChildPosition), ...position } };
  const page = { records: [], next: null, totalEntries: 0, serverTime: NOW };
  const context: StepContext = {
    source: { pageRows: 2000, fetchPage: async () => page } as unknown as StepContext['source'],
    codec: testCodec(),
    settings: settingsOf(createSimulator({ timeEntries: 0 })),
    ...{ signal: new AbortController().signal, now: () => NOW, streams, stepsBegun: () => 1, once: false },
  };
  const claims = new Claims(new VirtualClock());
  const step = async () => {
    const claim = claims.give({ runtime: child, task: { kind: 'read' }, keepsPace: true })!;
    const { moves } = await childStep(claim, context);
    return () => {
      child.row = moves.get(child)!(child.row);
      claims.giveBack(claim);
    };
  };
  const change = (count: number) => {
    const row = { hash: 2, updatedAt: 2000, group: null, day: null };
    const diff = { changes: new Map(Array.from({ length: count }, (_, at) => [at + 1, row])) } as unknown as Diff;
    const { moves } = withConsequences(stepResult(invoices, 'poll', { diffs: [[invoices, diff]], moves: [] }), context);
    child.row = moves.get(child)!(child.row);
  };
  const visited = async () => {
    const seen = new Set<number>();
    while (child.row.scanned_at === null || (child.row.position as ChildPosition).pending.length > 0) {
      const commit = await step();
      for (const id of child.claim!.parents) seen.add(id);
      commit();
    }
    return seen.size;
  };
  return { child, step, change, visited };
}

const AT_9000 = { started_at: '2026-11-21T00:00:00Z', after: 9_000, visited: 9_000, read: 0, missing: 0 };

test('six thousand parents that change while a step of the slow scan is under way are all visited [P1]', async () => {
  const { step, change, visited } = messages({ scan: AT_9000 });
  const commit = await step();
  change(6_000);
  commit();
  expect(await visited()).toBe(10_000);
});

test('six thousand parents that change while changed parents are visited are all visited, those too [P1]', async () => {
  const { child, step, change, visited } = messages({ pending: [1, 2, 3], pending_since: '2026-11-21T00:00:00Z' });
  child.row = { ...child.row, scanned_at: '2026-11-21T00:00:00Z' };
  const commit = await step();
  change(6_000);
  commit();
  expect((child.row.position as ChildPosition).pending).toEqual([1, 2, 3]);
  expect(await visited()).toBe(10_000);
});

test('a parent that changes while its children are read for the very first time is visited again [P1]', async () => {
  const { child, step, change } = messages({}, false);
  const commit = await step();
  change(1);
  commit();
  expect((child.row.position as ChildPosition).pending).toEqual([1]);
});

test.each([2, 8])(
  'children of a refused stream are not asked for twice at once beside a removal (%i)',
  async (pace) => {
    const clock = new VirtualClock();
    const budgets = { general: null, reports: null };
    const simulator = createSimulator({ timeEntries: 200, years: 0.3, now: clock.now, budgets });
    const log = new MemoryLog();
    const streams = catalog
      .filter(({ kind, budget }) => kind !== 'report' && budget === 'general')
      .map(({ name }) => name);
    const first = virtualBench(simulator, log, clock, { streams, chance: 0.5 }).start();
    await clock.pass(3 * MINUTE);
    first.stop();
    await clock.pass(MINUTE);
    await first.ended;

    // A life that ended after an invoice answered 404 and before its tombstone, while messages were refused.
    const [gone, ...others] = [...new Set(simulator.data.invoice_messages.all().map(({ invoice_id }) => invoice_id))];
    const changed = others.slice(0, 3);
    const row = log.rows.get('invoice_messages')!;
    const position = { ...(row.position as ChildPosition), pending: changed, pending_since: '2026-11-21T00:00:00Z' };
    log.rows.set('invoices', { ...log.rows.get('invoices')!, confirmed: [gone] });
    log.rows.set('invoice_messages', { ...row, state: 'FORBIDDEN', reason: 'r', remedy: 'r', position });
    simulator.data.invoices.delete(gone!);

    const underWay = new Set<string>();
    const twice: string[] = [];
    const answer = inProcess(simulator);
    const transport: Transport = async (request, signal) => {
      const isChild = /\/invoices\/\d+\/messages/.test(request.url);
      if (isChild && underWay.has(request.url)) twice.push(request.url);
      if (isChild) underWay.add(request.url);
      await clock.sleep(isChild ? 60 + 10 * pace : 100);
      underWay.delete(request.url);
      return answer(request, signal);
    };
    const bench = virtualBench(simulator, log, clock, { streams, chance: 0.5, source: { transport } });
    const commit = bench.sink.commit.bind(bench.sink);
    bench.sink.commit = async (batch) => {
      await clock.sleep(20);
      return commit(batch);
    };
    const daemon = bench.start();
    await clock.pass(5 * MINUTE);
    expect(twice).toEqual([]);
    daemon.stop();
    await clock.pass(MINUTE);
    await daemon.ended;
  },
  120_000,
);
