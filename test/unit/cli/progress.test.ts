import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { Screen } from '../../../src/cli/progress.ts';
import { renderBlock, renderLine, showSnapshots } from '../../../src/cli/snapshot-progress.ts';
import type { AccountStatus } from '../../../src/engine/status.ts';
import { account, budget, firstScan, stream } from '../../support/status.ts';

const early = {
  atMs: 0,
  accounts: [account([stream('clients', firstScan(0, 4_000)), stream('users', { rows: 10 })])],
};
const later = {
  atMs: 10_000,
  accounts: [account([stream('clients', firstScan(1_000, 4_000)), stream('users', { rows: 10 })])],
};

describe('the progress line', () => {
  it('tells how much is done, how fast, and about how long it takes', () => {
    expect(renderLine(early, later)).toBe('1 of 2 streams complete, 1010 rows, 100 rows/s, about 30 s left');
  });

  it('knows that the windows of reports wait for their budget', () => {
    const budgets = [budget('reports', { firstScans: { requests: 195, seconds: 1_080, isKnown: true } })];
    const windows = (rows: number) => ({ ...firstScan(rows, 205).scan!, unit: 'windows' as const });
    const at = (atMs: number, rows: number) => ({
      atMs,
      accounts: [account([stream('time_team', firstScan(0, null, { scan: windows(rows) }))], { budgets })],
    });
    // At the pace so far it would be three minutes.
    expect(renderLine(at(0, 0), at(10_000, 10))).toContain('about 18 min left');
  });

  it('tells the end of the last windows by their budget, not by the quarter of an hour in which none was read', () => {
    const budgets = [budget('reports', { firstScans: { requests: 2, seconds: 40, isKnown: true } })];
    const windows = (rows: number) => ({ ...firstScan(rows, 13).scan!, unit: 'windows' as const });
    const at = (atMs: number, rows: number) => ({
      atMs,
      accounts: [account([stream('time_team', firstScan(0, null, { scan: windows(rows) }))], { budgets })],
    });
    expect(renderLine(at(0, 10), at(900_000, 11))).toContain('about 40 s left');
  });

  it('says at least, while the lists that tell what a report needs are not read', () => {
    const budgets = [budget('reports', { firstScans: { requests: 195, seconds: 1_080, isKnown: false } })];
    const now = { atMs: 0, accounts: [account([stream('time_team', firstScan(0, null))], { budgets })] };
    expect(renderLine(now, now)).toContain('at least 18 min left');
  });

  it('promises nothing while no pace is known', () => {
    expect(renderLine(later, later)).toBe('1 of 2 streams complete, 1010 rows');
  });

  it('counts a scan that began anew from its own beginning', () => {
    const again = { purpose: 'snapshot', pages: 1, rows: 500, total: 4_000, unit: 'rows', startedAt: 'later' } as const;
    const now = { atMs: 10_000, accounts: [account([stream('clients', firstScan(500, 4_000, { scan: again }))])] };
    expect(renderLine(later.accounts === now.accounts ? early : { ...later, atMs: 0 }, now)).toContain(
      'about 70 s left',
    );
  });

  it('says what stands still, and that an account is not running', () => {
    const forbidden = stream('users', { state: 'FORBIDDEN', complete: false, rows: 0 });
    const accounts = [account([forbidden]), account([], { accountId: '2', phase: 'waiting', reason: 'no broker' })];
    expect(renderLine({ atMs: 0, accounts }, { atMs: 0, accounts })).toBe(
      'account 2 waiting (no broker), 0 of 1 streams complete, 0 rows, 1 standing still',
    );
  });
});

describe('the progress block', () => {
  it('has a row for each stream under way, and what the budgets still allow', () => {
    expect(renderBlock(early, later)).toEqual([
      '1 of 2 streams complete, 1010 rows, 100 rows/s, about 30 s left',
      'requests left: general 83 of 95 per 15 s, reports 83 of 95 per 15 min',
      '',
      'stream   pages  done',
      'clients      1  1000 / 4000 rows  ██░░░░░░░░  25 %',
    ]);
  });

  it('says when a spent budget frees', () => {
    const budgets = [budget('general'), budget('reports', { used: 95, freeInSeconds: 540 })];
    const now = { atMs: 0, accounts: [account([stream('time_team', firstScan(0, null))], { budgets })] };
    expect(renderBlock(now, now)[1]).toBe('requests left: general 83 of 95 per 15 s, reports 0 of 95 next in 9 min');
  });

  it('stays short when much is under way', () => {
    const accounts = [account(Array.from({ length: 32 }, (_, at) => stream(`stream_${at}`, firstScan(1, 2))))];
    const lines = renderBlock({ atMs: 0, accounts }, { atMs: 0, accounts });
    expect(lines).toHaveLength(17);
    expect(lines.at(-1)).toBe('and 20 more');
  });
});

describe('the screen', () => {
  it('keeps the block below the lines', () => {
    const written: string[] = [];
    const screen = new Screen({ columns: 30, write: (text) => written.push(text) });
    screen.draw(['one', 'x'.repeat(50)]);
    screen.write('a log line\n');
    screen.draw([]);
    screen.draw([]);
    screen.write('last\n');
    const block = `one\n${'x'.repeat(29)}\n`;
    expect(written).toEqual([block, `\u001b[2A\u001b[Ja log line\n${block}`, '\u001b[2A\u001b[J', 'last\n']);
  });
});

describe('showing progress', () => {
  /** A clock whose time passes when told. */
  function handClock(): Clock & { pass(ms: number): void } {
    let now = 0;
    let waiting: { at: number; task: () => void }[] = [];
    return {
      now: () => now,
      monotonic: () => now,
      sleep: () => Promise.resolve(),
      after: (ms, task) => {
        const entry = { at: now + ms, task };
        waiting.push(entry);
        return () => {
          waiting = waiting.filter((other) => other !== entry);
        };
      },
      pass: (ms) => {
        const end = now + ms;
        for (;;) {
          const due = waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
          if (due === undefined) break;
          waiting = waiting.filter((other) => other !== due);
          now = due.at;
          due.task();
        }
        now = end;
      },
    };
  }

  function show(terminal: boolean) {
    const clock = handClock();
    const lines: string[] = [];
    const written: string[] = [];
    let accounts: AccountStatus[] = [account([], { phase: 'opening' })];
    const progress = showSnapshots({
      status: () => accounts,
      clock,
      terminal,
      log: { info: (_fields: unknown, line?: unknown) => void lines.push(String(line)) },
      canvas: new Screen({ write: (text) => written.push(text) }),
    });
    return { clock, lines, written, progress, set: (given: AccountStatus[]) => (accounts = given) };
  }

  it('writes a log line every 15 seconds while snapshots are incomplete, and none before or after', () => {
    const { clock, lines, written, progress, set } = show(false);
    clock.pass(20_000);
    expect(lines).toEqual([]);
    set(later.accounts);
    clock.pass(30_000);
    expect(lines).toHaveLength(2);
    set([account([stream('clients')])]);
    clock.pass(60_000);
    expect(lines).toHaveLength(2);
    progress.close();
    expect(written).toEqual([]);
  });

  it('redraws a block every second on a terminal, and takes it away at the end', () => {
    const { clock, lines, written, progress, set } = show(true);
    set(later.accounts);
    clock.pass(3_000);
    expect(written).toHaveLength(3);
    progress.close();
    expect(written.at(-1)).toBe('\u001b[5A\u001b[J');
    clock.pass(10_000);
    expect(written).toHaveLength(4);
    expect(lines).toEqual([]);
  });
});
