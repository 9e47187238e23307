// One account on the status page: how it is, its budgets and its last hour, its streams with what needs a person first.
import { counted } from '../base/words.ts';
import type { AccountStatus, BudgetStatus, StreamStatus } from '../engine/status.ts';
import { type Curve, renderCurve, renderHour } from './chart.ts';
import { budgetNote } from './estimate.ts';
import { lateAfterSeconds, latest, type Moment } from './history.ts';
import { type Html, html, trusted } from './html.ts';
import { duration, headline } from './readiness.ts';
import { accountStanding, type Standing, standingOf } from './standing.ts';

export interface AccountFacts {
  readonly now: number;
  /** Until the snapshots are complete, in words; null when nothing is known or left. */
  readonly timeLeft: string | null;
  /** The last hour, oldest first. */
  readonly moments: readonly Moment[];
  /** Names of streams that only follow from another's refusal, by name of that other. */
  readonly causes: ReadonlyMap<string, string>;
  /** Whether its streams are shown at once. */
  readonly isOpen: boolean;
}

export function renderAccount(account: AccountStatus, facts: AccountFacts): Html {
  const { now, timeLeft, moments } = facts;
  const { accountId, streams, budgets } = account;
  const enabled = streams.filter(({ state }) => state !== 'FEATURE_OFF');
  const deadLetters = streams.reduce((sum, stream) => sum + stream.deadLetters, 0);
  const curves = [LATENESS, ...budgets.map(({ name }) => budgetCurve(name))];
  return html`<section aria-labelledby="account-${accountId}">
<h2 id="account-${accountId}">Account ${accountId} ${badge(accountStanding(account))}</h2>
<p class="headline">${headline(account)}</p>
${account.remedy === null ? null : html`<p class="remedy">${account.remedy}</p>`}
<dl class="tiles">
${tile('streams complete', `${enabled.filter(({ complete }) => complete).length} / ${enabled.length}`)}
${timeLeft === null ? null : tile('snapshots', timeLeft)}${tile('rows on topics', grouped(streams.reduce((sum, { rows }) => sum + rows, 0)))}
${renderFurthest(latest(account), moments, now)}
${account.freshness === null ? null : renderFreshness(account.freshness)}
${tile('dead letters', grouped(deadLetters))}
${budgets.map((budget) => renderBudget(budget, moments, now))}
</dl>
${renderHour(curves, moments, now)}
${streams.length === 0 ? null : renderStreams(account, facts)}
</section>`;
}

const LATENESS: Curve = { label: 'lag, as a share of late', of: ({ lateness }) => lateness };

function budgetCurve(name: string): Curve {
  return { label: `${name} budget`, of: ({ budgets }) => budgets[name] ?? null };
}

function renderFurthest(stream: StreamStatus | null, moments: readonly Moment[], now: number): Html {
  if (stream === null) return tile('furthest behind', '–');
  const note = `${stream.stream}; late after ${duration(lateAfterSeconds(stream))}`;
  return html`<div class="tile"><dt>furthest behind</dt><dd>${duration(stream.lagSeconds!)}</dd>
<dd>${renderCurve(LATENESS, moments, now)}<small>${note}</small></dd></div>
`;
}

/** Of the last hour. */
function renderFreshness({ p50Ms, p95Ms }: NonNullable<AccountStatus['freshness']>): Html {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return html`<div class="tile"><dt>a change takes</dt><dd>${seconds(p50Ms)}</dd>
<dd><small>95 % within ${seconds(p95Ms)}</small></dd></div>
`;
}

function renderBudget(budget: BudgetStatus, moments: readonly Moment[], now: number): Html {
  const { name, used, requests, waiting, pausedUntil } = budget;
  const paused = pausedUntil === null ? null : `paused, goes on ${until(pausedUntil, now)}`;
  const note = paused ?? [...(waiting > 0 ? [`${waiting} waiting`] : []), budgetNote(budget)].join(', ');
  return html`<div class="tile"><dt>${name} budget</dt><dd>${used} / ${requests}</dd>
<dd>${renderCurve(budgetCurve(name), moments, now)}<small>${note}</small></dd></div>
`;
}

function renderStreams(account: AccountStatus, { now, causes, isOpen }: AccountFacts): Html {
  const rows = account.streams.map((stream) => ({ stream, standing: standingOf(stream, account) }));
  const sorted = rows.sort((a, b) => a.standing.rank - b.standing.rank);
  return html`<details class="streams" id="streams-${account.accountId}"${isOpen ? trusted(' open') : null}><summary>${rows.length} streams</summary>
<table>
<thead><tr><th scope="col">stream</th><th scope="col">state</th><th scope="col" class="number">rows</th><th scope="col" class="number">behind</th><th scope="col">scan</th><th scope="col">last commit</th><th scope="col">next</th><th scope="col">cursor</th></tr></thead>
<tbody>${sorted.map(({ stream, standing }) => renderStream(stream, standing, causes.get(stream.stream) ?? null, now))}</tbody>
</table></details>`;
}

function renderStream(stream: StreamStatus, standing: Standing, cause: string | null, now: number): Html {
  const standstill = stream.state === 'RUNNING' ? null : (cause && `with ${cause}`) || stream.reason;
  const why = stream.retrying ? `Attempt ${stream.retrying.attempt}: ${stream.retrying.reason}` : standstill;
  const probe = stream.nextProbeAt === null ? '' : ` Looked at again ${until(stream.nextProbeAt, now)}.`;
  const dead = stream.deadLetters > 0 ? grouped(counted(stream.deadLetters, 'dead letter')) : null;
  const notes = [why, dead].filter((note) => note !== null).join(' · ');
  const remedy = cause === null ? stream.remedy : null;
  const spoken = notes !== '' || remedy !== null;
  return html`<tr${spoken ? trusted(' class="spoken"') : null}>
<th scope="row">${stream.stream}</th>
<td>${badge(standing)}</td>
<td class="number" data-label="rows">${grouped(stream.rows)}</td>
<td class="number" data-label="behind">${renderLag(stream)}</td>
${renderScan(stream)}
<td data-label="last commit">${stream.lastCommitAt === null ? '–' : ago(stream.lastCommitAt, now)}</td>
<td data-label="next">${stream.nextDueAt === null ? '–' : until(stream.nextDueAt, now)}</td>
<td class="quiet" data-label="cursor">${stream.cursor ?? '–'}</td>
</tr>
${
  spoken
    ? html`<tr class="note"><td colspan="8">${notes} ${remedy === null ? null : html`<span class="remedy">${remedy}${probe}</span>`}</td></tr>
`
    : null
}`;
}

/** Beside its interval, since a minute is much for one stream and nothing for another. */
function renderLag({ lagSeconds, pollIntervalSeconds }: StreamStatus): Html {
  if (lagSeconds === null) return html`–`;
  return html`${duration(lagSeconds)} <small>of ${duration(pollIntervalSeconds)}</small>`;
}

/** What is still to be done, besides the scan under way. */
function backlogNote({ reconciliation, ...left }: StreamStatus['backlog']): string {
  const counts = [
    [left.pendingParents, 'changed parent'],
    [left.dirtyWindows, 'changed window'],
    [left.touchedWindows, 'window to look at', 'windows to look at'],
    [left.candidates, 'missing record'],
    [left.confirmed, 'deleted record'],
  ] as const;
  const waiting = counts.filter(([count]) => count > 0).map(([count, one, many]) => counted(count, one, many));
  const looking = reconciliation && `reconciliation: ${reconciliation.read} read, ${reconciliation.found} missing`;
  return grouped([looking, ...waiting].filter(Boolean).join(', '));
}

function renderScan({ scan, state, reason, backlog }: StreamStatus): Html {
  const waiting = backlogNote(backlog);
  if (scan === null && waiting !== '') return html`<td data-label="scan"><small>${waiting}</small></td>`;
  if (scan === null && state === 'RUNNING' && reason) return html`<td data-label="scan"><small>${reason}</small></td>`;
  if (scan === null) return html`<td class="idle">–</td>`;
  const { purpose, rows, total, unit } = scan;
  if (!total) return html`<td data-label="scan"><small>${purpose} ${grouped(rows)} ${unit}</small></td>`;
  return html`<td data-label="scan"><progress value="${Math.min(rows, total)}" max="${total}" aria-label="${purpose} scan"></progress><small>${purpose} ${grouped(rows)} / ${grouped(total)} ${unit}</small></td>`;
}

export function badge({ shade, word }: Pick<Standing, 'shade' | 'word'>): Html {
  return html`<span class="badge ${shade}">${word}</span>`;
}

function tile(label: string, value: string): Html {
  return html`<div class="tile"><dt>${label}</dt><dd>${value}</dd></div>
`;
}

function ago(time: string, now: number): Html {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  return html`<time datetime="${time}" title="${time}">${duration(seconds)} ago</time>`;
}

function until(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  return seconds <= 0 ? 'now' : `in ${duration(seconds)}`;
}

/** 1234567 as `1 234 567`, with thin spaces that do not break; the same of each number in a text. */
function grouped(numbers: number | string): string {
  return String(numbers).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}
