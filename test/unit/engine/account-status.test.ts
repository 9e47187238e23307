// The status of an account while the clock moves.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { isoSeconds } from '../../../src/base/clock.ts';
import { accountStatus } from '../../../src/engine/account-status.ts';
import { settingsOf } from '../../support/account.ts';
import { AT_ONCE, streamsOf } from '../../support/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { open } from '../harvest/opened-budget.ts';

const NEITHER = { stalls: [], freshness: null, pollStretch: 1 };

test('a pause that ends while it is looked at is shown to end soon or not at all, never in 1970', () => {
  const clock = new VirtualClock(undefined, () => 1);
  const settings = settingsOf(createSimulator({ timeEntries: 10, now: clock.now }));
  const view = { ...AT_ONCE, streams: new Map(), settings };
  for (let ms = 0; ms < 20; ms++) {
    const budget = open({ requests: 5, clock });
    budget.pause(ms);
    const now = clock.now();
    const phase = { name: 'running', reason: null, remedy: null } as const;
    const parts = { accountId: '1', phase, startedAt: now, view, budgets: [budget], ...NEITHER, pageRows: 2000, now };
    const { budgets } = accountStatus(parts);
    const until = Date.parse(budgets[0]!.pausedUntil ?? new Date(now).toISOString());
    expect(Math.abs(until - now)).toBeLessThanOrEqual(1_000);
  }
});

test('records that may not be asked for, and are to be asked for now, are shown so, never in 1970', () => {
  const clock = new VirtualClock();
  const settings = settingsOf(createSimulator({ timeEntries: 10, now: clock.now }));
  const streams = streamsOf(['tasks']);
  const tasks = streams.get('tasks')!;
  const hold = { kind: 'refused', reason: '', since: '2026-11-21T06:30:00Z', released: false } as const;
  tasks.row = { ...tasks.row, complete: true, candidates: [1], hold };
  const now = clock.now();
  const phase = { name: 'running', reason: null, remedy: null } as const;
  const view = { ...AT_ONCE, streams, settings };
  const parts = { accountId: '1', phase, startedAt: now, view, budgets: [], ...NEITHER, pageRows: 2000, now };
  expect(accountStatus(parts).streams[0]).toMatchObject({ state: 'HELD', nextProbeAt: isoSeconds(now) });
});
