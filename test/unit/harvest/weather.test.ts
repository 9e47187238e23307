// The real engine and the real client over real sockets, in every weather that a network, a proxy or Harvest itself can
// make: what passes leaves no trace, what stays is told and holds up nobody else.
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Simulator, type SimulatorOptions, serve } from '../../../lab/simulator/index.ts';
import { account, type Bench, benchAccount, falseChanges, named, viewDifferences } from '../../support/account.ts';
import { EPOCH } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { skippingClock } from '../../support/skipping-clock.ts';
import { scripted } from './scripted-harvest.ts';

type Fault = Parameters<Simulator['faults']['add']>[0];
type Action = Fault['do'];

const PAGE_ROWS = 200;
const STREAMS = ['company', 'clients', 'projects', 'invoices', 'invoice_messages', 'time_entries'];

interface Scene {
  readonly simulator: Simulator;
  readonly log: MemoryLog;
  pass(ms: number): void;
  bench(options?: Parameters<typeof benchAccount>[2]): Bench;
  /** Nothing is missing, repeated or older. */
  isWhole(streams?: readonly string[]): Promise<void>;
}

async function scene(options: SimulatorOptions = {}): Promise<Scene> {
  // Two pages of time entries, one of everything else.
  const { simulator, pass } = account({ timeEntries: 230, years: 0.5, ...options });
  const { url, close } = await serve(simulator);
  onTestFinished(close);
  const log = new MemoryLog();
  return {
    simulator,
    log,
    pass,
    bench: (given = {}) => {
      // Only the client's pauses are skipped: were the engine's, everything would always be due again.
      const source = {
        baseUrl: url,
        pageRows: PAGE_ROWS,
        timeouts: { totalMs: 2_000 },
        clock: skippingClock(),
        ...given.source,
      };
      return benchAccount(simulator, log, { streams: STREAMS, ...given, source });
    },
    isWhole: async (streams = STREAMS) => {
      expect(await viewDifferences(simulator, log, streams)).toEqual([]);
      expect(falseChanges(log)).toEqual([]);
    },
  };
}

const throttled = (status: number, retryAfter?: string): Action => ({
  kind: 'status',
  status,
  body: '<html>Slow down</html>',
  ...(retryAfter !== undefined && { headers: { 'retry-after': retryAfter } }),
});
const failing = (status: number): Action => ({ kind: 'status', status });

describe('a fault that passes leaves no trace', () => {
  test.each<[string, Action]>([
    ['429 with seconds', throttled(429, '20')],
    ['429 with a date', throttled(429, new Date(EPOCH + 30_000).toUTCString())],
    ['429 without Retry-After', throttled(429)],
    ['429 with zero', throttled(429, '0')],
    ['429 with nonsense', throttled(429, 'soon, -1; 1e9')],
    ['503 with Retry-After', throttled(503, '7')],
    ['500', failing(500)],
    ['502', failing(502)],
    ['504', failing(504)],
    ['a web page with status 200', { kind: 'status', status: 200, body: '<html>Log in to the hotel</html>' }],
    ['JSON of something else', { kind: 'status', status: 200, body: '{"jobs":[]}' }],
    ['truncated JSON', { kind: 'truncate' }],
    ['bad gzip', { kind: 'bad-gzip' }],
    ['a body that is cut off', { kind: 'cut' }],
    ['a reset', { kind: 'reset' }],
    ['a connection that hangs', { kind: 'hang' }],
    ['a slow drip', { kind: 'drip', ms: 20 }],
    ['a drip that takes too long', { kind: 'drip', ms: 400 }],
    ['a delay', { kind: 'delay', ms: 100 }],
    ['no Date header', { kind: 'drop-header', header: 'date' }],
    ['a page that was sent before', { kind: 'repeat-page' }],
    ['a next link to the page itself', { kind: 'next-link', to: 'self' }],
    ['a next link to the first page', { kind: 'next-link', to: 'first' }],
  ])('%s', async (_, action) => {
    const { simulator, bench, isWhole } = await scene();
    const met = { time_entries: 1, clients: 0, invoice_messages: 2 };
    for (const [stream, after] of Object.entries(met)) {
      simulator.faults.add({ match: { stream, after, times: 1 }, do: action });
    }
    await bench().catchUp();
    await isWhole();
    const asked = simulator.log.all().map(({ stream }) => stream);
    for (const [stream, after] of Object.entries(met)) {
      expect(asked.filter((each) => each === stream).length, stream).toBeGreaterThan(after);
    }
  });

  test('a storm of all kinds at once', async () => {
    const { simulator, bench, isWhole } = await scene();
    const kinds: Action[] = [
      throttled(429, '3'),
      failing(500),
      { kind: 'reset' },
      { kind: 'cut' },
      { kind: 'bad-gzip' },
    ];
    for (const [index, action] of kinds.entries()) {
      for (let round = 0; round < 4; round++) {
        simulator.faults.add({ match: { after: 3 + 2 * index + 11 * round, times: 1 }, do: action });
      }
    }
    const running = bench({ chance: 0.5 });
    await running.catchUp();
    await isWhole();
    expect(named(running.events, 'budget.paused')).toHaveLength(4);
  });
});

describe('a token', () => {
  test('that cannot be renewed stops the account; the next start goes on at its page', async () => {
    const { simulator, log, bench, isWhole } = await scene();
    const stop = simulator.faults.add({ match: { stream: 'time_entries', after: 1 }, do: { kind: 'revoke-tokens' } });
    await expect(bench().catchUp()).rejects.toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });
    const before = log.topics.get('time_entries')!.length;
    expect(before).toBeGreaterThan(0);
    stop();
    simulator.tokens.accept(simulator.token);
    await bench().catchUp();
    await isWhole();
    expect(log.topics.get('time_entries')!.length).toBe(simulator.truth('time_entries').length);
  });
});

describe('a refusal', () => {
  test('of 403 that appears in mid-scan and goes deletes nothing, and the rest arrives [P8]', async () => {
    const { simulator, log, bench, isWhole } = await scene();
    simulator.faults.add({ match: { stream: 'time_entries', after: 1, times: 3 }, do: failing(403) });
    const refused = bench();
    await refused.catchUp();
    const status = refused.account.status().streams.find(({ stream }) => stream === 'time_entries');
    expect(status).toMatchObject({
      state: 'FORBIDDEN',
      remedy: expect.stringContaining('streams.time_entries.enabled'),
    });
    await isWhole(STREAMS.filter((name) => name !== 'time_entries'));
    await bench().catchUp();
    await isWhole();
    expect(log.history.filter(({ value }) => value === null)).toEqual([]);
  });

  test('of 404 for the children of parents that are there deletes nothing and stops nothing [P8]', async () => {
    const { simulator, log, bench, isWhole } = await scene();
    const [parent] = simulator.parentIds('invoice_messages');
    simulator.faults.add({ match: { path: `/invoices/${parent}/messages` }, do: failing(404) });
    await bench().catchUp();
    await isWhole(STREAMS.filter((name) => name !== 'invoice_messages'));
    expect(log.history.filter(({ value }) => value === null)).toEqual([]);
  });
});

describe('a next link', () => {
  test('to another host blocks its stream, and that host hears nothing', async () => {
    const foreign = await scripted((response) => response.end('{"time_entries":[],"links":{"next":null}}'));
    for (const to of [
      new URL(`${foreign.url}/v2/time_entries?page=2`),
      new URL(foreign.url.replace('127.0.0.1', 'localhost')),
    ]) {
      const { simulator, bench, isWhole } = await scene();
      simulator.faults.add({ match: { stream: 'time_entries' }, do: { kind: 'next-link', to } });
      const running = bench();
      await running.catchUp();
      expect(running.account.status().streams.find(({ stream }) => stream === 'time_entries')).toMatchObject({
        state: 'BLOCKED',
        reason: expect.stringContaining(to.origin),
      });
      await isWhole(STREAMS.filter((name) => name !== 'time_entries'));
    }
    expect(foreign.seen).toEqual([]);
  });
});
