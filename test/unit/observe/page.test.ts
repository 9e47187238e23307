import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PAGE_POLICY, renderPage } from '../../../src/observe/page.ts';
import { account, budget, firstScan, NO_BACKLOG, NOW, stream } from '../../support/status.ts';

const page = (...accounts: Parameters<typeof renderPage>[0]['accounts']) =>
  renderPage({ version: '1.2.3', now: NOW, uptimeSeconds: 90, accounts, timeLeft: () => null, moments: () => [] });

/** The text of the page, as a reader sees it. */
function visible(markup: string): string {
  return markup
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

describe('the status page', () => {
  it('says for each account what it does, and for each stream where it stands', () => {
    const text = visible(
      page(account([stream('clients', firstScan(500, 2_000)), stream('users', { lagSeconds: 600, deadLetters: 2 })])),
    );
    expect(text).toContain('harvest-kafka snapshot 62 % version 1.2.3 · up 90 s');
    expect(text).toContain('Account 1234567 snapshot 62 %');
    expect(text).toContain('Reading everything for the first time: 1 of 2 streams are complete.');
    expect(text).toMatch(/clients snapshot 25 % 500 – snapshot 500 \/ 2 000 rows 42 s ago in 30 s –/);
    expect(text).toMatch(/users in step 1 234 10 min of 60 s – 42 s ago/);
    expect(text).toContain('2 dead letters');
  });

  it('says how long the changes of the last hour took, once there were any', () => {
    const freshness = { p50Ms: 2_217, p95Ms: 3_960, changes: 120 };
    expect(visible(page(account([stream('clients')], { freshness })))).toContain(
      'a change takes 2.2 s 95 % within 4.0 s',
    );
    expect(visible(page(account([stream('clients')])))).not.toContain('a change takes');
  });

  it('shows what a queued stream waits for in its row, not below it', () => {
    const text = page(account([stream('invoices', { complete: false, cursor: null, reason: 'waits for company' })]));
    expect(visible(text)).toMatch(/invoices queued .* waits for company 42 s ago/);
    expect(text).not.toContain('class="spoken"');
  });

  it('puts first what needs a person, with reason, remedy and when it is looked at again [P9]', () => {
    const blocked = {
      state: 'BLOCKED',
      reason: '422: no',
      remedy: 'Ask.',
      nextProbeAt: '2026-11-21T07:30:00Z',
    } as const;
    const text = visible(page(account([stream('clients'), stream('users', blocked)])));
    expect(text.indexOf('users blocked')).toBeLessThan(text.indexOf('clients in step'));
    expect(text).toContain('422: no Ask. Looked at again in 60 min.');
  });

  it('shows who paused a stream, and the command that resumes it, before those in step [P9]', () => {
    const remedy = 'harvest-kafka resume users --account 1234567';
    const paused = { state: 'PAUSED', reason: 'paused by ann@ops-1', remedy, nextDueAt: null } as const;
    const text = visible(page(account([stream('clients'), stream('users', paused)])));
    expect(text).toContain('harvest-kafka ready');
    expect(text).toContain('1 stream is complete, at most 30 s behind; users is paused.');
    expect(text.indexOf('users paused')).toBeLessThan(text.indexOf('clients in step'));
    expect(text).toContain(`paused by ann@ops-1 ${remedy}`);
  });

  it('shows why an account stands still [P9]', () => {
    const stopped = { phase: 'stopped', reason: 'the token is refused', remedy: 'Renew it.' } as const;
    const text = visible(page(account([], stopped)));
    expect(text).toContain('Stopped: the token is refused. Renew it.');
    expect(text).not.toContain('last commit');
  });

  it('says about how long the snapshots still take, while anybody knows', () => {
    const facts = {
      ...{ version: '1.2.3', now: NOW, uptimeSeconds: 90, accounts: [account([stream('clients')])] },
      moments: () => [],
    };
    expect(visible(renderPage({ ...facts, timeLeft: () => 'about 14 min left' }))).toContain(
      'snapshots about 14 min left',
    );
    expect(visible(renderPage({ ...facts, timeLeft: () => null }))).not.toContain('snapshots');
  });

  it('says of a spent budget when it frees, of another in which time its requests come back', () => {
    const budgets = [budget('general', { used: 95, waiting: 4, freeInSeconds: 8 }), budget('reports')];
    const text = visible(page(account([stream('clients')], { budgets })));
    expect(text).toContain('general budget 95 / 95 4 waiting, next in 8 s');
    expect(text).toContain('reports budget 12 / 95 per 15 min');
  });

  it('counts one as one and several as several', () => {
    const notes = (touchedWindows: number, deadLetters: number) =>
      visible(page(account([stream('time_team', { deadLetters, backlog: { ...NO_BACKLOG, touchedWindows } })])));
    expect(notes(6, 1)).toMatch(/6 windows to look at.* 1 dead letter(?!s)/);
    expect(notes(1, 2)).toMatch(/1 window to look at.* 2 dead letters/);
  });

  it.each<[string, Parameters<typeof account>[1], string]>([
    ['the account waits for the broker', { phase: 'waiting', reason: 'no broker' }, 'waiting'],
    ['the account is being opened', { phase: 'opening' }, 'opening'],
    ['the account has stopped', { phase: 'stopped', reason: '401' }, 'stopped'],
    ['a loop stands still', { stalls: [{ loop: 'schedule', waiting: 'clients is due', seconds: 61 }] }, 'stands still'],
  ])('calls no stream in step, and nothing ready, while %s [P9]', (_, rest, word) => {
    const refused = { state: 'FORBIDDEN', reason: '403 to /users' } as const;
    const markup = page(account([stream('clients'), stream('users', refused), stream('tasks', firstScan(1, 2))], rest));
    const text = visible(markup);
    expect(text).not.toContain('in step');
    expect(markup).not.toContain('badge good');
    expect(markup).toContain('<title>not ready');
    expect(text).toContain(`clients ${word}`);
    expect(text).toContain(`tasks ${word}`);
    expect(text).toContain('users forbidden');
  });

  it.each<[string, Parameters<typeof account>, string]>([
    ['well', [[stream('clients')]], 'good">ready'],
    ['read for the first time', [[stream('clients', firstScan(3, 4)), stream('users')]], 'busy">snapshot 87 %'],
    ['being opened', [[], { phase: 'opening' }], 'busy">not ready'],
    ['waiting for its broker', [[stream('clients')], { phase: 'waiting', reason: 'no broker' }], 'bad">not ready'],
    [
      'read for the first time but for a stream that is refused',
      [[stream('clients', firstScan(3, 4)), stream('users', { state: 'FORBIDDEN', reason: '403' })]],
      'bad">not ready',
    ],
  ])('is amber for what goes by itself and red for what does not: an account that is %s', (_, given, badge) => {
    expect(page(account(...given))).toMatch(new RegExp(`<h1>harvest-kafka</h1>\\s*<span class="badge ${badge}<`));
  });

  it('shows the budgets', () => {
    const budgets = [
      budget('general', { used: 90, waiting: 3 }),
      budget('reports', { pausedUntil: '2026-11-21T06:30:40Z' }),
    ];
    const text = visible(page(account([stream('clients')], { budgets })));
    expect(text).toContain('general budget 90 / 95 3 waiting');
    expect(text).toContain('paused, goes on in 40 s');
  });

  it('escapes every text that comes from outside', () => {
    const evil = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&`;
    const retrying = { since: evil, attempt: 1, reason: evil, remedy: evil };
    const markup = page(
      account([stream(evil, { reason: evil, remedy: evil, cursor: evil, lastCommitAt: evil, retrying })], {
        accountId: evil,
        remedy: evil,
      }),
      account([], { phase: 'stopped', reason: evil }),
    );
    expect(markup.match(/<script/g)).toHaveLength(1);
    expect(markup).not.toContain('<img');
    expect(markup).not.toContain(`"">`);
    expect(markup).toContain('&#60;script&#62;alert(1)');
  });

  it('allows exactly its own script and style', () => {
    const markup = page(account([stream('clients')]));
    for (const element of ['script', 'style']) {
      const inside = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(markup)![1]!;
      const hash = createHash('sha256').update(inside).digest('base64');
      expect(PAGE_POLICY).toContain(`${element}-src 'sha256-${hash}'`);
    }
    expect(markup).not.toMatch(/ (style|on\w+)=/);
    expect(markup).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});
