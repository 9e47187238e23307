// A comparison as a person sees it: what it will cost, how far it is, what it found.
import { expect, test } from 'vitest';
import { renderExpectation, renderWatched } from '../../../src/cli/verify-progress.ts';
import { renderFindings } from '../../../src/cli/verify-report.ts';
import { findingOf as findingIn } from '../../../src/verify/finding.ts';
import { NOW } from '../../support/status.ts';

const BUDGETS = [
  { name: 'general', requests: 5, windowMs: 15_000 },
  { name: 'reports', requests: 5, windowMs: 900_000 },
] as const;
const findingOf = (stream: string, row: Parameters<typeof findingIn>[1]) => findingIn(stream, row, 1234567);
const RUNNING = { state: 'RUNNING', complete: true };

test('the cost is told at the start, with the time that the budgets make of it', () => {
  expect(renderExpectation('7', { general: 52, reports: 9 }, BUDGETS, NOW)).toBe(
    'account 7: about 52 general requests at 5 per 15 s, about 9 reports requests at 5 per 15 min; at least 15 min, until 06:45:00Z',
  );
  expect(renderExpectation('7', { general: 5, reports: 0 }, BUDGETS, NOW)).toBe(
    'account 7: about 5 general requests at 5 per 15 s',
  );
});

test('the progress tells of streams that wait for their second look, and until when; and of budgets that are spent', () => {
  const at = (waiting: number, againInMs: number | null) => ({
    progress: { asked: 40, done: 12, streams: 32, waiting, againInMs },
  });
  const budget = (waiting: number) => ({ name: 'reports' as const, waiting: () => waiting, freeInMs: () => 610_000 });
  const watched = { accountId: '7', expected: { general: 52, reports: 9 }, budgets: [budget(0)] };
  expect(renderWatched({ ...watched, verification: at(0, null) }, NOW)).toBe(
    'account 7: 12 of 32 streams, 40 of about 61 requests',
  );
  expect(renderWatched({ ...watched, verification: at(2, 65_000) }, NOW)).toMatch(
    /, 2 to be looked at again from 06:31:05Z$/,
  );
  expect(renderWatched({ ...watched, budgets: [budget(3)], verification: at(0, null) }, NOW)).toMatch(
    /, next reports request at 06:40:10Z$/,
  );
});

test('a single stream and a single request are not plural', () => {
  const progress = { asked: 0, done: 0, streams: 1, waiting: 0, againInMs: null };
  const watched = { accountId: '7', expected: { general: 1, reports: 0 }, budgets: [], verification: { progress } };
  expect(renderWatched(watched, NOW)).toBe('account 7: 0 of 1 stream, 0 of about 1 request');
});

test('ids are bounded, fields are named, and what the daemon says stands beside', () => {
  const streams = [
    { ...findingOf('clients', RUNNING), compared: 9, missing: [1, 2, 3] },
    {
      ...findingOf('users', RUNNING),
      compared: 4,
      stale: [
        { id: 5, fields: ['email'] },
        { id: 6, fields: null },
      ],
    },
    {
      ...findingOf('tasks', { ...RUNNING, state: 'HELD', reason: 'half is gone', remedy: 'Release it.' }),
      compared: 2,
    },
    findingOf('roles', { ...RUNNING, complete: false }),
    { ...findingOf('expenses', RUNNING), compared: 2, count: { harvest: 7, topic: 8 } },
  ];
  expect(renderFindings([{ account_id: '7', streams }], { ids: 2 })).toBe(
    [
      'stream    compared  missing  extra  stale  moving  refused  note',
      'clients          9        3      0      0       0        0',
      'users            4        0      0      2       0        0',
      'tasks            2        0      0      0       0        0  the daemon says HELD',
      'roles            0        0      0      0       0        0  snapshot not finished',
      'expenses         2        0      0      0       0        0  7 in Harvest, 8 on the topic',
      '',
      'tasks: HELD',
      '  half is gone',
      '  Release it.',
      '',
      'clients: missing on the topic',
      '  1',
      '  2',
      '  and 1 more (--ids, --json)',
      'users: stale on the topic',
      '  5 (email)',
      '  6',
      'expenses: Harvest counts 7 rows, the topic 8',
      '',
      '3 of 5 streams differ.',
    ].join('\n'),
  );
});

test('a verify that was stopped never claims to be all', () => {
  const reason = 'not looked at again';
  const streams = [
    { ...findingOf('clients', RUNNING), compared: 9, missing: [1] },
    { ...findingOf('users', RUNNING), state: 'unfinished' as const, compared: 4, extra: [7], reason },
    { ...findingOf('tasks', RUNNING), state: 'unfinished' as const },
  ];
  const shown = renderFindings([{ account_id: '7', streams }], { ids: 2 });
  expect(shown).toMatch(/^tasks +0 .*unfinished, not compared$/m);
  expect(shown).toMatch(/^users +4 .*unfinished, looked at once$/m);
  expect(shown).toContain('users: extra on the topic\n  7\n');
  expect(shown).toContain(`users: unfinished\n  ${reason}\n`);
  expect(shown).toMatch(/Stopped: 1 of 3 streams was compared, 1 of them differs\.$/);
});

test('a sample never claims to be all', () => {
  const streams = [findingOf('clients', RUNNING)];
  expect(renderFindings([{ account_id: '7', streams }], { ids: 2, sample: 20 })).toMatch(
    /1 stream: no difference\. This was a sample of at most 20 rows a stream, not all of them\.$/,
  );
});
