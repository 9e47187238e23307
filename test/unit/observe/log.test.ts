import { describe, expect, it } from 'vitest';
import type { PublisherEvent } from '../../../src/engine/events.ts';
import { createEventLog, createLog, lineOf } from '../../../src/observe/log.ts';
import { account, stream } from '../../support/status.ts';

/** The lines that are written at `level`. */
function capture(level: string, pretty = false, color = false) {
  const lines: string[] = [];
  const log = createLog({ level, pretty, color, stream: { write: (line: string) => lines.push(line) } });
  return { log, events: createEventLog(log), lines, records: () => lines.map((line) => JSON.parse(line)) };
}

const committed = (published: number): PublisherEvent => ({
  name: 'page.committed',
  stream: 'clients',
  purpose: 'poll',
  read: 100,
  published: { c: published, u: 0, d: 0, r: 0 },
  unchanged: 100 - published,
  stale: 0,
  deadLetters: 0,
  drift: [],
  commitMs: 12,
});

const completed = (purpose: 'snapshot' | 'poll'): PublisherEvent => ({
  name: 'scan.completed',
  stream: 'clients',
  purpose,
  pages: 1,
  read: 100,
  ms: 40,
  cursor: null,
});

describe('a log line', () => {
  it('is one JSON object with the stable name of the event, the account and the fields', () => {
    const { events, records } = capture('info');
    events.listen('42')({ name: 'topic.refilled', stream: 'clients', reason: 'it was emptied' });
    expect(records()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        event: 'topic.refilled',
        account: '42',
        stream: 'clients',
        reason: 'it was emptied',
        msg: 'the topic is filled again: it was emptied',
      },
    ]);
  });

  it('is not written for pages and for scans that found nothing', () => {
    const { events, records } = capture('info');
    const emit = events.listen('42');
    for (const event of [committed(0), completed('poll'), committed(3), completed('poll'), completed('poll')]) {
      emit(event);
    }
    expect(records().map(({ msg }) => msg)).toEqual(['poll complete: 100 read in 1 page, 3 published']);
    emit(completed('snapshot'));
    expect(records()).toHaveLength(2);
  });

  it('of a failure gets louder with its age, however often it was repeated', () => {
    const failure = { code: 'harvest.server', reason: '502', remedy: 'Wait.', retryInMs: 100 };
    const ages = [0, 1_999, 2_000, 59_999, 60_000];
    for (const attempt of [1, 9]) {
      const retrying = (failingMs: number): PublisherEvent => {
        return { name: 'stream.retrying', stream: 'clients', ...failure, attempt, failingMs };
      };
      const waiting = (failingMs: number): PublisherEvent => {
        return { name: 'account.waiting', ...failure, attempt, failingMs };
      };
      for (const event of [retrying, waiting]) {
        const levels = ages.map((failingMs) => lineOf(event(failingMs)).level);
        expect(levels).toEqual(['info', 'info', 'warn', 'warn', 'error']);
      }
    }
  });

  it('of an opening says what is in memory, and apart from it what had to be read for that', () => {
    const opened = { name: 'account.opened', rows: 5_000, streams: 32, restoreMs: 12 } as const;
    expect(lineOf({ ...opened, restoredRows: 6_100, again: false }).message).toBe(
      'opened 32 streams, 5000 rows; 6100 records read back in 12 ms',
    );
    expect(lineOf({ ...opened, restoredRows: 0, again: true }).message).toBe(
      'reopened 32 streams, 5000 rows in memory; 0 new records read in 12 ms',
    );
  });

  it('of a loop that stands still is an error, that it goes on a warning', () => {
    const stall = { loop: 'budget_general', waiting: 'requests wait for the general budget: 85', forMs: 60_000 };
    expect(lineOf({ name: 'loop.stalled', ...stall, remedy: 'Restart.' })).toEqual({
      level: 'error',
      message:
        'stands still: requests wait for the general budget: 85, and nothing of it moved for 60 s (budget_general)',
    });
    expect(lineOf({ name: 'loop.moved', ...stall })).toEqual({
      level: 'warn',
      message: 'goes on after 60 s (budget_general)',
    });
  });

  it('of a stream that needs a person is a warning, of one that recovered is not', () => {
    const change = (to: 'RUNNING' | 'FORBIDDEN' | 'FEATURE_OFF' | 'BLOCKED'): PublisherEvent => ({
      name: 'stream.changed',
      stream: 'users',
      from: 'RUNNING',
      to,
      reason: '403',
      remedy: 'Give the role.',
      nextProbeAt: null,
    });
    const levels = (['RUNNING', 'FORBIDDEN', 'FEATURE_OFF', 'BLOCKED'] as const).map((to) => lineOf(change(to)).level);
    expect(levels).toEqual(['info', 'warn', 'info', 'warn']);
  });
});

describe('the summary', () => {
  it('counts from one summary to the next, account by account', () => {
    const { events, records } = capture('info');
    events.listen('1234567')(committed(3));
    events.listen('1234567')(committed(0));
    events.listen('2')(committed(50));
    const accounts = [account([stream('clients')])];
    events.summarise(accounts);
    events.summarise(accounts);
    expect(records().map(({ published, unchanged }) => [published, unchanged])).toEqual([
      [3, 197],
      [0, 0],
    ]);
    expect(records()[0].msg).toContain('In step with Harvest');
  });
});

describe('the short form for a terminal', () => {
  it('is one line with time, level, names, message and remedy', () => {
    const { events, lines } = capture('info', true);
    events.listen('42')({ name: 'account.stopped', code: 'harvest.unauthorised', reason: '401', remedy: 'Renew it.' });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d {2}error {2}42 {2}stopped: 401 {2}→ Renew it\.\n$/);
  });

  it('does not hand control characters to the terminal', () => {
    const { events, lines } = capture('info', true);
    events.listen('42')({ name: 'topic.refilled', stream: 'clients', reason: '\u001b[2Jgone\nnew line\u009b' });
    expect(lines[0]!.trimEnd()).not.toMatch(/\p{Cc}/u);
    expect(lines[0]).toContain('gone new line');
  });

  it('is colored when asked', () => {
    const { events, lines } = capture('info', true, true);
    events.listen('42')({ name: 'token.refreshed', expiresInSeconds: null });
    expect(lines[0]).toContain('\u001b[32minfo ');
  });

  it('shows the message of an error that was logged as one', () => {
    const { log, lines } = capture('info', true);
    log.error({ event: 'process.failed', err: new Error('boom') }, 'failed');
    expect(lines[0]).toContain('failed: boom');
  });
});
