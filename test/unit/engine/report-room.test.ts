// A step of a report begins when its budget has room for it. Who decides that must be one place: what waits for room is not due, and
// what asks nothing waits for none.
import { expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import type { Intervals } from '../../../src/engine/pace/polling.ts';
import { Pacemaker } from '../../../src/engine/pacemaker.ts';
import { PRIORITY } from '../../../src/engine/ports.ts';
import type { ReportPosition } from '../../../src/engine/state/position.ts';
import { Budget } from '../../../src/harvest/budget.ts';
import { Connections } from '../../../src/harvest/connections.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { vitality } from '../../../src/observe/readiness.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { inProcess, named, settingsOf, type VirtualBench, virtualBench } from '../../support/account.ts';
import { defaults, MINUTE, SECOND } from '../../support/living-account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const HOUR = 60 * MINUTE;
const BELOW = ['company', 'clients', 'projects', 'tasks', 'users', 'time_entries'];
const REPORTS = catalog.filter(({ budget }) => budget === 'reports').map(({ name }) => name);
/** Reports are what is looked at. */
const SLOW = ({ kind }: StreamDefinition): Intervals => ({
  pollMs: kind === 'report' ? 15 * MINUTE : 5 * MINUTE,
  ...{ countMs: 10 * MINUTE, reconcileMs: 24 * HOUR },
});

interface World {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly log: MemoryLog;
  readonly bench: VirtualBench;
  /** Answers every request from now on with this status, and to come back in half an hour; null as the account does. */
  refuse: (status: (url: string) => number | null) => void;
  readonly end: () => Promise<void>;
}

function running(
  streams: readonly string[] | undefined,
  intervals: (stream: StreamDefinition) => Intervals,
  reportsBudget = 95,
): World {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 100, years: 0.15, now: clock.now });
  const answer = inProcess(simulator);
  let statusOf: (url: string) => number | null = () => null;
  const transport: Transport = async (request, signal) => {
    await clock.sleep(80);
    const said = await answer(request, signal);
    const status = statusOf(request.url);
    const headers = { ...said.headers, ...(status !== 403 && { 'retry-after': '1800' }) };
    return status === null ? said : { ...said, status, headers, body: Buffer.from('{}') };
  };
  const log = new MemoryLog();
  const budgets = {
    general: { requests: 95, perSeconds: 15 },
    reports: { requests: reportsBudget, perSeconds: 900 },
  };
  const source = { budgets, transport };
  const bench = virtualBench(simulator, log, clock, { chance: 0.5, intervals, source, ...(streams && { streams }) });
  const daemon = bench.start();
  const end = async () => {
    daemon.stop();
    await clock.pass(MINUTE);
    await daemon.ended;
  };
  const refuse: World['refuse'] = (status) => {
    statusOf = status;
  };
  return { clock, simulator, log, bench, refuse, end };
}

const isReport = (url: string) => url.includes('/reports/');

test.each([
  { requests: 95, others: 0, each: 2 },
  { requests: 95, others: 3, each: 2 },
  { requests: 3, others: 1, each: 1 },
])(
  'a reading does not begin with the last of $requests requests that $others others, which have asked for nothing yet, are going to make',
  async ({ requests, others, each }) => {
    const clock = new VirtualClock();
    const [general, budget] = (['general', 'reports'] as const).map(
      (name) =>
        new Budget({ name, requests, windowMs: 15 * MINUTE, clock, connections: new Connections(8), onLeaseLow: null }),
    );
    const settings = settingsOf(createSimulator({ now: clock.now }));
    const pacemaker = new Pacemaker(new Map(), settings, [general!, budget!], { outOf: () => others }, () => {});
    pacemaker.look(clock.now(), false);
    const waits = () => pacemaker.waitMs('reports', PRIORITY.poll) > 0;
    const ask = () =>
      budget!.run({ priority: PRIORITY.poll, since: clock.monotonic() }, new AbortController().signal, async () => {});
    const needed = (others + 1) * each;
    for (let asked = 0; asked < requests - needed; asked++) await ask();
    expect(waits()).toBe(false);
    await ask();
    expect(waits()).toBe(true);
  },
);

test('an outage is no standstill of an account that may not read reports', async () => {
  const { clock, bench, refuse, end } = running(undefined, defaults);
  refuse((url) => (isReport(url) ? 403 : null));
  await clock.pass(20 * MINUTE);
  const refused = bench.account.status().streams.filter(({ state }) => state === 'FORBIDDEN');
  expect(refused.length).toBeGreaterThan(5);
  refuse(() => 503);
  for (let minute = 0; minute < 60; minute++) {
    await clock.pass(MINUTE);
    expect(vitality([], [bench.account.status()]).alive, `minute ${minute}`).toBe(true);
  }
  expect(named(bench.events, 'loop.stalled')).toEqual([]);
  await end();
}, 300_000);

test('a report is paused at once while another one waits for half an hour', async () => {
  const reports = ['time_clients', 'time_projects', 'time_team'];
  const intervals = ({ kind, name }: StreamDefinition) => ({
    pollMs: name === 'time_clients' ? 15 * MINUTE : kind === 'report' ? 7 * HOUR : MINUTE,
    ...{ countMs: HOUR, reconcileMs: 24 * HOUR },
  });
  const { clock, log, bench, refuse, end } = running([...BELOW, ...reports], intervals);
  while (!reports.every((name) => log.rows.get(name)?.complete)) await clock.pass(MINUTE);
  refuse((url) => (isReport(url) ? 429 : null));
  while (named(bench.events, 'budget.paused').length === 0) await clock.pass(SECOND);
  await clock.pass(2 * SECOND);
  refuse(() => null);
  const at = new Date(clock.now()).toISOString();
  log.signals.set('1', { id: '1', kind: 'pause', stream: 'time_team', to: null, at, by: 'ann' });
  await clock.pass(10 * SECOND);
  expect(log.rows.get('time_team')?.paused).toMatchObject({ by: 'ann' });
  expect(named(bench.events, 'loop.stalled')).toEqual([]);
  await end();
}, 300_000);

test('refused reports leave the one that is not refused its turn, with as many requests as there are refused ones', async () => {
  const { clock, simulator, refuse, end } = running([...BELOW, 'expenses', 'expense_categories', ...REPORTS], SLOW, 8);
  refuse((url) => (isReport(url) && !url.includes('/time/clients') ? 403 : null));
  await clock.pass(2 * HOUR);
  const readings = () => simulator.log.all().filter(({ target }) => target.includes('/reports/time/clients')).length;
  const before = readings();
  await clock.pass(2 * HOUR);
  expect(readings() - before).toBeGreaterThanOrEqual(7);
  await end();
}, 300_000);

test.each([{ requests: 1 }, { requests: 2 }])(
  'a rename reaches all windows, and rounds go on, with a budget for reports of $requests in a quarter of an hour',
  async ({ requests }) => {
    const { clock, simulator, log, end } = running([...BELOW, 'time_clients'], SLOW, requests);
    const position = () => log.rows.get('time_clients')!.position as ReportPosition;
    while (!log.rows.get('time_clients')?.complete) await clock.pass(MINUTE);
    await clock.pass(HOUR);
    for (const { id } of simulator.data.clients.all()) simulator.data.clients.update(id, { name: `Renamed ${id}` });
    await clock.pass(10 * MINUTE);
    expect(position().touched.length).toBeGreaterThan(1);
    const renamedAt = clock.now();
    await clock.pass(40 * HOUR);
    expect(position().touched).toEqual([]);
    expect(Date.parse(position().round_at ?? '')).toBeGreaterThan(renamedAt);
    await end();
  },
  300_000,
);
