// Two programs spend the requests of one account, as the runbook "the budget is shared" has it: Harvest counts them together.
import { expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import { falseChanges, named, viewDifferences, virtualBench } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const STREAMS = ['company', 'clients', 'invoices', 'invoice_messages', 'invoice_payments'];
const REPORTS = { requests: 95, perSeconds: 900 };
const WINDOW_MS = 15_000;

/** What another program takes of Harvest's 100 in each window. */
const OTHERS = 50;

/** A first run of a few hundred requests beside the other program. */
async function firstRun(requests: number) {
  const clock = new VirtualClock();
  const simulator = createSimulator({ timeEntries: 20, years: 1, counts: { invoices: 120 }, now: clock.now });
  const log = new MemoryLog();
  const source = { budgets: { general: { requests, perSeconds: WINDOW_MS / 1000 }, reports: REPORTS } };
  /** How much of our own budget was used when Harvest asked us to pause. */
  const usedAtPause: number[] = [];
  const bench = virtualBench(simulator, log, clock, {
    streams: STREAMS,
    source,
    listen: ({ name }) => name === 'budget.paused' && usedAtPause.push(bench.source.budgets[0]!.used()),
  });
  const { stop, ended } = bench.start();
  while (bench.account.status().streams.some(({ complete }) => !complete)) {
    for (let sent = 0; sent < OTHERS; sent++) foreignRequest(simulator);
    await clock.pass(WINDOW_MS);
    expect(clock.monotonic(), 'the first run ends').toBeLessThan(3_600_000);
  }
  stop();
  await clock.pass(WINDOW_MS);
  await ended;
  return { bench, log, simulator, usedAtPause };
}

function foreignRequest(simulator: Simulator): void {
  const headers = {
    authorization: `Bearer ${simulator.token}`,
    'harvest-account-id': String(simulator.accountId),
    'user-agent': 'a spreadsheet (https://example.com)',
  };
  simulator.handle({ method: 'GET', url: 'http://harvest.test/v2/users/me', headers });
}

test('every 429 pauses us for as long as Harvest says, our use at that moment tells what the other takes, and nothing is lost [P1 P6]', async () => {
  const { bench, log, simulator, usedAtPause } = await firstRun(95);
  const pauses = named(bench.events, 'budget.paused');
  expect(pauses.length).toBeGreaterThan(1);
  expect(pauses.filter(({ status }) => status !== 429)).toEqual([]);
  expect(Math.max(...usedAtPause)).toBeLessThan(70);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  expect(falseChanges(log)).toEqual([]);
});

test('with harvest.budgets divided, as the runbook says, Harvest asks for no pause any more', async () => {
  const { bench, log, simulator } = await firstRun(50);
  expect(named(bench.events, 'budget.paused')).toEqual([]);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});
