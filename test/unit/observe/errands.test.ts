import { describe, expect, test } from 'vitest';
import { errands } from '../../../src/observe/errands.ts';
import { account, budget, firstScan, stream } from '../../support/status.ts';

const refused = (rest = {}) =>
  ({ state: 'FORBIDDEN', reason: '403 to /invoices', remedy: 'Give the role.', ...rest }) as const;

describe('what needs a person', () => {
  test('is nothing while streams are in step, read for the first time, repeated, paused or switched off', () => {
    const retrying = { since: '2026-11-21T06:00:00Z', attempt: 3, reason: '503', remedy: 'Wait.' };
    const streams = [
      stream('clients'),
      stream('users', firstScan(1, 2)),
      stream('tasks', { retrying }),
      stream('expenses', { state: 'FEATURE_OFF', reason: 'module off' }),
      stream('roles', { state: 'PAUSED', reason: 'paused by ada' }),
    ];
    expect(errands([account(streams), account([], { phase: 'opening' })])).toEqual([]);
  });

  test('names a refused stream once, with the streams below it, and the command that tells the role', () => {
    const below = refused({ reason: 'its parents cannot be read: 403 to /invoices' });
    const streams = [
      stream('invoices', refused()),
      stream('invoice_messages', below),
      stream('invoice_payments', below),
      stream('cost_rates', refused({ reason: '403 to /users/1/cost_rates' })),
      stream('users'),
    ];
    expect(errands([account(streams)])).toMatchObject([
      { stream: 'invoices', command: 'harvest-kafka check', dependents: ['invoice_messages', 'invoice_payments'] },
      { stream: 'cost_rates', command: 'harvest-kafka check', dependents: [] },
    ]);
  });

  test('gives each hold the command that releases it, those of children too', () => {
    const held = { state: 'HELD', reason: '212 of 640 are missing' } as const;
    expect(errands([account([stream('users', held), stream('cost_rates', held)], { accountId: '7' })])).toMatchObject([
      { stream: 'users', command: 'harvest-kafka release users --account 7', dependents: [] },
      { stream: 'cost_rates', command: 'harvest-kafka release cost_rates --account 7', dependents: [] },
    ]);
  });

  test('folds the streams of an account that stands still into one line', () => {
    const streams = [stream('clients'), stream('users'), stream('invoices', refused())];
    const away = account(streams, { phase: 'waiting', reason: 'no broker answers', remedy: 'Start the broker.' });
    expect(errands([away])).toMatchObject([
      {
        state: 'waiting',
        reason: 'no broker answers',
        command: 'harvest-kafka check',
        dependents: ['clients', 'users'],
      },
      { stream: 'invoices' },
    ]);
  });

  test('tells a stall, and a pause of more than an hour, which stops no stream by itself', () => {
    const stalls = [{ loop: 'schedule', waiting: 'clients is due', seconds: 61 }];
    const paused = budget('general', { isPausedForLong: true, pausedUntil: '2026-11-21T09:00:00Z' });
    expect(errands([account([stream('clients')], { stalls, budgets: [paused] })])).toMatchObject([
      { state: 'STALLED', command: null, dependents: ['clients'] },
      { state: 'PAUSED', command: null, dependents: [] },
    ]);
  });

  test('is told apart by account', () => {
    const streams = [stream('invoices', refused()), stream('invoice_payments', refused())];
    expect(
      errands([account([stream('clients')], { accountId: '1' }), account(streams, { accountId: '2' })]),
    ).toMatchObject([{ account: '2', stream: 'invoices', dependents: ['invoice_payments'] }]);
  });
});
