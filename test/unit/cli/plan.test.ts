// `plan` says beforehand what a first run on the simulated Harvest then does.
import { describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import { render } from '../../../src/cli/plan.ts';
import { type Plan, type PlanSettings, planOf, secondsFor } from '../../../src/cli/plan-estimate.ts';
import { factsOf } from '../../../src/cli/plan-facts.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { weekStartIn } from '../../../src/streams/windows.ts';
import { account, benchAccount, simulatedSource } from '../../support/account.ts';
import { dayAt } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const BUDGETS = {
  general: { requests: 95, perSeconds: 15, room: 51 },
  reports: { requests: 95, perSeconds: 900, room: 65 },
};
const forever = new AbortController().signal;

async function planned(simulator: Simulator, rest: Partial<PlanSettings> = {}): Promise<Plan> {
  const source = simulatedSource(simulator);
  const { startDate = null } = rest;
  const { streams, settings } = await factsOf(source, catalog, startDate, forever);
  const today = new Date(simulator.now()).toISOString().slice(0, 10);
  const span = { grain: 'month', startDate: null, endDate: null, today } as const;
  return planOf(streams, { ...span, weekStart: weekStartIn(settings), budgets: BUDGETS, ...rest });
}

/** Requests by stream since the simulator's log was so long. */
function asked({ log }: Simulator, from: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { stream } of log.all().slice(from)) {
    if (stream !== null) counts.set(stream, (counts.get(stream) ?? 0) + 1);
  }
  return counts;
}

test.each([{}, { startDate: dayAt(-159) }])('a first run asks what the plan says, with %j', async (rest) => {
  const { simulator } = account({ timeEntries: 4_500, years: 2 });
  const plan = await planned(simulator, rest);
  const before = simulator.log.all().length;
  expect(before).toBeLessThan(25);
  const log = new MemoryLog();
  await benchAccount(simulator, log, { settings: rest }).catchUp();
  const real = asked(simulator, before);
  for (const { stream, rows, requests, isAtMost, note } of plan.streams) {
    const count = real.get(stream) ?? 0;
    const what = `${stream} (${note})`;
    if (isAtMost) expect([what, count <= requests! && count >= 1]).toEqual([what, true]);
    else expect([what, count]).toEqual([what, requests]);
    if (rows !== null) expect([what, log.rows.get(stream)!.rows]).toEqual([what, rows]);
  }
  // Tracked in every month of two years, so that the bound is close.
  const reports = plan.streams.filter(({ isAtMost }) => isAtMost);
  const all = reports.reduce((sum, { stream }) => sum + real.get(stream)!, 0);
  expect(all).toBeGreaterThanOrEqual(0.8 * reports.reduce((sum, { requests }) => sum + requests!, 0));
  const known = new Set(plan.streams.filter(({ rows }) => rows !== null).map(({ stream }) => stream));
  const bytes = [...log.topics]
    .filter(([stream]) => known.has(stream))
    .flatMap(([, messages]) => messages)
    .reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0) + 50, 0);
  expect(plan.topicBytes / bytes).toBeGreaterThan(0.6);
  expect(plan.topicBytes / bytes).toBeLessThan(1.6);
});

test('what is refused or switched off costs nothing, with its children, and says so', async () => {
  const { simulator } = account({ timeEntries: 50, years: 0.5 });
  simulator.data.company.expense_feature = false;
  simulator.faults.add({ match: { path: '/invoices' }, do: { kind: 'status', status: 403 } });
  const { streams } = await planned(simulator);
  const of = (name: string) => streams.find(({ stream }) => stream === name);
  expect(of('invoices')).toMatchObject({ requests: 0, note: expect.stringMatching(/^FORBIDDEN: .*403/) });
  expect(of('invoice_messages')).toMatchObject({ requests: 0, note: 'waits for invoices, which is not read' });
  expect(of('expenses')).toMatchObject({ requests: 0, note: 'FEATURE_OFF: its module is switched off' });
  expect(of('expenses_team')).toMatchObject({ requests: 0 });
});

test('a list without total_entries is told as not known, and nothing is made up for it', async () => {
  const { simulator } = account({ timeEntries: 50, years: 0.5, settings: { totals: 'absent' } });
  const { streams, unknown } = await planned(simulator);
  expect(streams.find(({ stream }) => stream === 'clients')).toMatchObject({ rows: null, requests: null });
  expect(unknown.join()).toMatch(/how many requests .*clients.* need/);
  expect(unknown.join()).toContain('how far time_entries and expenses reach back');
});

describe('the time of a budget', () => {
  test.each([
    [0, 0],
    [1, 0],
    [65, 0],
    [66, 900],
    [1_089, 14_400],
  ])('%i requests at 65 in a quarter of an hour take %i s', (requests, seconds) => {
    expect(secondsFor(requests, BUDGETS.reports)).toBe(seconds);
  });
});

test('the plan reads as a table and a few sentences', async () => {
  const simulator = createSimulator({ timeEntries: 300, years: 11, now: () => Date.UTC(2026, 10, 24) });
  const text = render('1234567', await planned(simulator), { budgets: BUDGETS });
  expect(text).toMatch(/^A first run of account 1234567:\nstream +rows +requests +for\n/);
  expect(text).toMatch(/^time_entries +\d+ +2 +pages of 2000, and one count$/m);
  expect(text).toMatch(/^time_team +≤ 13\d +one for each month since 2015-\d\d-01$/m);
  expect(text).toMatch(/^reports: at most 1,\d{3} requests, about \d h \(65 of 95 in 900 s\)$/m);
  expect(text).toMatch(/^Not known: /m);
  expect(text).toMatch(/\nNothing was written\.$/);
});
