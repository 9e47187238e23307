// Traces as a collector receives them over HTTP, and the log lines beside them. The engine is the real one, on the simulator.
import { expect, test } from 'vitest';
import { createEventLog, createLog } from '../../../src/observe/log.ts';
import { openTracing } from '../../../src/observe/open-telemetry.ts';
import { account, benchAccount } from '../../support/account.ts';
import { type Collector, type ReceivedSpan, startCollector } from '../../support/collector.ts';
import { clockFrom } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { until } from '../../support/patience.ts';

/** Traces that go to the collector, and the lines of the log beside them. */
async function tracing(collector: Collector, sampleRatio = 1) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level: 'trace', stream: { write: (line: string) => lines.push(JSON.parse(line)) } });
  const settings = { otlpEndpoint: collector.url, sampleRatio };
  const { traces, close } = await openTracing(settings, { version: '1.2.3', clock: clockFrom(), log });
  return { traces, close, lines, events: createEventLog(log, traces) };
}

/** A first run of a small account, of these streams. */
async function firstRun(collector: Collector, streams: readonly string[], sampleRatio?: number) {
  const { events, close, lines } = await tracing(collector, sampleRatio);
  const { simulator } = account({ timeEntries: 40 });
  return {
    simulator,
    lines,
    run: async () => {
      const listen = events.listen(String(simulator.accountId));
      await benchAccount(simulator, new MemoryLog(), { streams, listen }).catchUp();
      await close();
    },
  };
}

const roots = ({ spans }: Collector) => spans.filter(({ parentSpanId }) => parentSpanId === null);
const partsOf = ({ spans }: Collector, root: ReceivedSpan) =>
  spans.filter(({ parentSpanId }) => parentSpanId === root.spanId).sort((a, b) => Number(a.start - b.start));

test('every step of a first run arrives as a trace: its requests with the names that Harvest gave them, its comparison, its commit', async () => {
  const collector = await startCollector();
  const { simulator, run } = await firstRun(collector, ['clients', 'projects']);
  await run();
  const ofClients = roots(collector).filter(({ attributes }) => attributes['harvest.stream'] === 'clients');
  expect(ofClients[0]).toMatchObject({
    name: 'read clients',
    error: null,
    attributes: { 'harvest.account_id': String(simulator.accountId), 'harvest.purpose': 'snapshot' },
  });
  for (const root of roots(collector)) {
    const parts = partsOf(collector, root);
    expect(parts.map(({ name }) => name).filter((name) => name !== 'fetch')).toEqual(['diff', 'commit']);
    for (const part of parts) {
      expect(part.traceId).toBe(root.traceId);
      expect(root.start <= part.start && part.start <= part.end && part.end <= root.end).toBe(true);
    }
  }
  const fetches = collector.spans.filter(({ name }) => name === 'fetch');
  const ids = fetches.map(({ attributes }) => attributes['harvest.request_id']);
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(String(id)))).toBe(true);
  expect(new Set(ids).size).toBe(fetches.length);
  expect(collector.resource).toMatchObject({ 'service.name': 'harvest-kafka', 'service.version': '1.2.3' });
});

test('log lines of a step carry the ids of its trace, those of a derived stream the ids of its parent’s; lines of the account carry none', async () => {
  const collector = await startCollector();
  const { run, lines } = await firstRun(collector, ['clients', 'invoices', 'invoice_line_items']);
  await run();
  const streamOf = new Map(roots(collector).map((root) => [root.traceId, root.attributes['harvest.stream']]));
  const traced = lines.filter(({ trace_id }) => trace_id !== undefined);
  const told = new Set(traced.map(({ event }) => event));
  expect([...told].sort()).toEqual(
    expect.arrayContaining(['page.committed', 'request.finished', 'scan.completed', 'step.begun', 'step.ended']),
  );
  for (const { trace_id, stream } of traced) {
    expect(streamOf.get(String(trace_id))).toBe(stream === 'invoice_line_items' ? 'invoices' : stream);
  }
  expect(traced.some(({ stream }) => stream === 'invoice_line_items')).toBe(true);
  const other = lines.filter(({ event }) => event === 'account.opened' || event === 'transaction.committed');
  expect(other.length).toBeGreaterThan(1);
  expect(other.filter(({ trace_id }) => trace_id !== undefined)).toEqual([]);
});

test('a step whose requests fail arrives as failed, with the code and the reason, and without a commit', async () => {
  const collector = await startCollector();
  const { simulator, run } = await firstRun(collector, ['clients', 'tasks']);
  simulator.faults.add({ match: { stream: 'tasks', times: 4 }, do: { kind: 'status', status: 500 } });
  await run();
  const failed = roots(collector).filter(({ error }) => error !== null);
  expect(failed).toMatchObject([
    {
      name: 'read tasks',
      error: expect.stringContaining('answered 500'),
      attributes: { 'error.type': 'harvest.server', 'harvest.attempt': 1 },
    },
  ]);
  const parts = partsOf(collector, failed[0]!);
  expect(parts.map(({ name, attributes }) => [name, attributes['http.response.status_code']])).toEqual(
    Array(4).fill(['fetch', 500]),
  );
  expect(parts.every(({ error }) => error !== null)).toBe(true);
});

test('of traces that are drawn not to be sent, nothing is sent and no line speaks', async () => {
  const collector = await startCollector();
  const { run, lines } = await firstRun(collector, ['clients'], 0);
  await run();
  expect(collector.spans).toEqual([]);
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter(({ trace_id }) => trace_id !== undefined)).toEqual([]);
});

test('a collector that takes nothing is told of once, and once when it takes spans again, with how many are lost', async () => {
  const collector = await startCollector();
  const { traces, close, lines } = await tracing(collector);
  // As many spans as are sent without waiting for more.
  const work = (steps: number) => {
    for (let step = 0; step < steps; step++) {
      traces.hear('1234567', { name: 'step.begun', stream: 'clients', task: 'read' });
      traces.hear('1234567', { name: 'step.ended', stream: 'clients', commitMs: 1 });
    }
  };
  const told = (name: string) => lines.filter(({ event }) => event === name);
  collector.refusal = 400;
  work(256);
  await until('the loss is told', () => told('traces.lost').length > 0);
  work(256);
  await until('a second batch is lost', () => collector.refused === 2);
  collector.refusal = null;
  work(1);
  await close();
  expect(told('traces.lost')).toMatchObject([{ level: 'warn', msg: expect.stringContaining('takes no traces') }]);
  expect(told('traces.restored')).toMatchObject([{ level: 'info', lost: 1_024 }]);
});
