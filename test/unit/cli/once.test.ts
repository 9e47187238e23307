// `run --once` may call only some endings a success.
import { describe, expect, test } from 'vitest';
import { judgeOnce, leftOutLine } from '../../../src/cli/once.ts';
import { account, stream } from '../../support/status.ts';

const blocked = stream('tasks', { state: 'BLOCKED', reason: 'answered 422', remedy: 'Report it.' });
const forbidden = stream('contacts', { state: 'FORBIDDEN', reason: 'answered 403', remedy: 'Give it the role.' });
const unread = stream('users', { complete: false, reason: 'waits for roles' });
const off = stream('expenses', { state: 'FEATURE_OFF', reason: 'the module is off' });
const held = stream('projects', { state: 'HELD', reason: '60 of 100 are missing' });
const paused = stream('invoices', { state: 'PAUSED', complete: false, reason: 'paused by ann@ops-1' });
const good = stream('clients');

const judged = (streams: Parameters<typeof account>[0], only: string[] | null = null) => {
  try {
    return judgeOnce([account(streams)], only === null ? null : new Set(only));
  } catch (thrown) {
    return thrown;
  }
};

describe('run --once ends [P9]', () => {
  test('with 0 when every stream was read completely', () => {
    expect(judged([good, stream('users')])).toEqual([]);
  });

  test.each([
    ['a stream that is blocked', [good, blocked]],
    ['a stream that was not read to its end', [good, unread]],
    ['a stream that is held before it was read to its end', [good, { ...held, complete: false }]],
    ['a blocked one beside a forbidden one', [forbidden, blocked, good]],
  ])('with 75 for %s, and names it with its reason', (_, streams) => {
    expect(judged(streams)).toMatchObject({ code: 'harvest.incomplete', exitCode: 75 });
    const last = streams.find(({ state, complete }) => state === 'BLOCKED' || !complete)!;
    expect((judged(streams) as Error).message).toContain(
      `${last.stream} of account 1234567 (${last.state}): ${last.reason}`,
    );
  });

  test('with 77 when all but forbidden ones were read, with the remedy of the one there is', () => {
    expect(judged([good, forbidden])).toMatchObject({
      code: 'harvest.partly_readable',
      exitCode: 77,
      message: expect.stringContaining(
        '1 of 2 streams was not read completely:\ncontacts of account 1234567 (FORBIDDEN)',
      ),
      remedy: 'Give it the role.',
    });
  });

  test('with 77 and another remedy when none can be read', () => {
    expect(judged([forbidden, stream('roles', { state: 'FORBIDDEN', reason: 'answered 404' })])).toMatchObject({
      code: 'harvest.nothing_readable',
      exitCode: 77,
      remedy: expect.stringContaining('Check harvest.base_url'),
    });
  });

  test('with 0 and a line for what is switched off, held or paused', () => {
    const leftOut = judged([good, off, held, paused]) as ReturnType<typeof judgeOnce>;
    expect(leftOut.map((each) => `${each.stream}: ${leftOutLine(each)}`)).toEqual([
      'expenses: not read: the module is off',
      'projects: read completely, but its deletions are held: 60 of 100 are missing',
      'invoices: not read: paused by ann@ops-1',
    ]);
  });

  test('by the named streams alone with --only', () => {
    expect(judged([good, blocked, forbidden, unread], ['clients'])).toEqual([]);
    expect(judged([good, blocked, forbidden], ['contacts'])).toMatchObject({ exitCode: 77 });
    expect(judged([good, blocked], ['clients', 'tasks'])).toMatchObject({ exitCode: 75 });
  });
});
