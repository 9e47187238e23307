import { describe, expect, it } from 'vitest';
import type { AccountStatus } from '../../../src/engine/status.ts';
import { duration, headline, readiness } from '../../../src/observe/readiness.ts';
import { account, firstScan, stream } from '../../support/status.ts';

const FORBIDDEN = { state: 'FORBIDDEN', complete: false, reason: '403 to /users', remedy: 'Give the role.' } as const;
const RETRYING = {
  retrying: { since: '2026-11-21T06:29:00Z', attempt: 3, reason: '502 to /clients', remedy: 'Wait.' },
};

describe('readiness [P9]', () => {
  it.each<[string, AccountStatus[], boolean, string[], string[]]>([
    ['every stream is complete', [account([stream('clients'), stream('users')])], true, [], []],
    ['no account is known', [], false, [], []],
    ['an account opens', [account([], { phase: 'opening' })], false, ['1234567 opening'], []],
    ['an account waits', [account([], { phase: 'waiting', reason: 'no broker' })], false, ['1234567 waiting'], []],
    ['an account has stopped', [account([stream('clients')], { phase: 'stopped' })], false, ['1234567 stopped'], []],
    [
      'a snapshot is under way',
      [account([stream('clients', firstScan(10, 20)), stream('users')])],
      false,
      ['clients INCOMPLETE'],
      [],
    ],
    ['a stream is forbidden', [account([stream('users', FORBIDDEN)])], false, ['users FORBIDDEN'], []],
    [
      'a complete stream became blocked',
      [account([stream('users', { state: 'BLOCKED', reason: '422' })])],
      false,
      ['users BLOCKED'],
      [],
    ],
    [
      'a module is off',
      [account([stream('estimates', { state: 'FEATURE_OFF', complete: false })])],
      true,
      [],
      ['estimates FEATURE_OFF'],
    ],
    ['requests are repeated', [account([stream('clients', RETRYING)])], true, [], ['clients RETRYING']],
    [
      'a loop stands still',
      [account([stream('clients')], { stalls: [{ loop: 'commits', waiting: 'a commit is under way', seconds: 61 }] })],
      false,
      ['1234567 STALLED'],
      [],
    ],
    [
      'one account of two has stopped',
      [account([stream('clients')]), account([], { accountId: '2', phase: 'stopped' })],
      false,
      ['2 stopped'],
      [],
    ],
  ])('when %s', (_, accounts, ready, reasons, notes) => {
    const shown = (findings: ReturnType<typeof readiness>['reasons']) =>
      findings.map(({ account, stream, state }) => `${stream ?? account} ${state}`);
    const answer = readiness(accounts);
    expect(answer.ready).toBe(ready);
    expect(shown(answer.reasons)).toEqual(reasons);
    expect(shown(answer.notes)).toEqual(notes);
  });

  it('hands on the reason and the remedy', () => {
    expect(readiness([account([stream('users', FORBIDDEN)])]).reasons).toEqual([
      { account: '1234567', stream: 'users', state: 'FORBIDDEN', reason: '403 to /users', remedy: 'Give the role.' },
    ]);
  });

  it('says why a snapshot does not come to an end', () => {
    expect(readiness([account([stream('users', { ...firstScan(10, 20), ...RETRYING })])]).reasons).toEqual([
      { account: '1234567', stream: 'users', state: 'INCOMPLETE', reason: '502 to /clients', remedy: 'Wait.' },
    ]);
  });
});

describe('the headline [P9]', () => {
  it.each<[AccountStatus, string]>([
    [
      account([stream('clients'), stream('users', { state: 'HELD', reason: '60 of 90 rows are missing' })]),
      'In step with Harvest: 1 stream is complete, at most 30 s behind; deletions of users are held.',
    ],
    [account([], { phase: 'opening' }), 'Opening: fencing older instances and reading the topics back.'],
    [account([], { phase: 'waiting', reason: 'no broker' }), 'Waiting, and trying again by itself: no broker.'],
    [account([], { phase: 'stopped', reason: 'Told to.' }), 'Stopped: Told to.'],
    [
      account([stream('a')], { stalls: [{ loop: 'schedule', waiting: 'a is due (read)', seconds: 840 }] }),
      'Stands still: a is due (read), and nothing of it moved for 14 min (schedule). This is a defect; please report it with the log lines before it. State and topics are safe: restart goes on.',
    ],
    [
      account([stream('a', { lagSeconds: 300 }), stream('b')]),
      'In step with Harvest: all 2 streams are complete, at most 5 min behind.',
    ],
    [
      account([stream('a', firstScan(1, 2)), stream('b'), stream('c', { state: 'FEATURE_OFF', complete: false })]),
      'Reading everything for the first time: 1 of 2 streams are complete.',
    ],
    [
      account([stream('a', RETRYING), ...['b', 'c', 'd', 'e', 'f'].map((name) => stream(name, FORBIDDEN))]),
      'In step with Harvest: 1 stream is complete, at most 30 s behind; b, c, d and 2 more stand still; requests for a fail and are repeated.',
    ],
    [account([stream('users', FORBIDDEN)]), 'No stream is read; users stands still.'],
  ])('is one plain sentence', (status, sentence) => {
    expect(headline(status)).toBe(sentence);
  });
});

it.each([
  [0, '0 s'],
  [119, '119 s'],
  [120, '2 min'],
  [7_200, '2 h'],
  [200_000, '2 d'],
])('%d seconds are %s [P9]', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
