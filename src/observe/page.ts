// The status page: the accounts' status as one HTML document without anything from outside. The server renders it
// whole; the script only fetches it again and swaps the inside, so that there is one rendering, and it is tested.
import { createHash } from 'node:crypto';
import { isoSeconds } from '../base/clock.ts';
import { counted } from '../base/words.ts';
import type { AccountStatus, BudgetStatus, StreamStatus } from '../engine/status.ts';
import { type Html, html, trusted } from './html.ts';
import { SCRIPT, STYLE } from './page-assets.ts';
import { duration, headline, readiness } from './readiness.ts';

export interface PageFacts {
  readonly version: string;
  readonly now: number;
  readonly uptimeSeconds: number;
  readonly accounts: readonly AccountStatus[];
  /** Until the snapshots of an account are complete; null when nothing is known or left. */
  readonly secondsLeft: (account: AccountStatus) => number | null;
}

/** Only our own two inline pieces run, known by their hashes; nothing is loaded and nobody may frame the page. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(SCRIPT)}'`,
  `style-src '${hashOf(STYLE)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function renderPage(facts: PageFacts): string {
  const { ready } = readiness(facts.accounts);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${ready ? 'ready' : 'not ready'} · harvest-kafka</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>harvest-kafka</h1>
${ready ? badge('good', 'ready') : badge('bad', 'not ready')}
<p class="quiet">version ${facts.version} · up ${duration(facts.uptimeSeconds)} · <time>${isoSeconds(facts.now)}</time></p>
</header>
<p id="lost" hidden>This page has lost its connection; what it shows is old.</p>
${facts.accounts.map((account) => renderAccount(account, facts))}
${facts.accounts.length === 0 ? html`<p>No account is configured.</p>` : null}
<footer class="quiet"><a href="/status">status</a> <a href="/metrics">metrics</a> <a href="/health/ready">readiness</a></footer>
</main>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`.markup;
}

function renderAccount(account: AccountStatus, { now, secondsLeft }: PageFacts): Html {
  const { streams, budgets, phase, stalls } = account;
  const enabled = streams.filter(({ state }) => state !== 'FEATURE_OFF');
  const lags = enabled.flatMap(({ lagSeconds }) => lagSeconds ?? []);
  const deadLetters = streams.reduce((sum, stream) => sum + stream.deadLetters, 0);
  const left = secondsLeft(account);
  return html`<section>
<h2>Account ${account.accountId} ${stalls.length > 0 ? badge('bad', 'stands still') : badge(SHADES[phase], phase)}</h2>
<p class="headline">${headline(account)}</p>
${account.remedy === null ? null : html`<p class="remedy">${account.remedy}</p>`}
<dl class="tiles">
${tile('streams complete', `${enabled.filter(({ complete }) => complete).length} / ${enabled.length}`)}
${left === null ? null : tile('snapshots', `about ${duration(left)} left`)}${tile('rows on topics', grouped(streams.reduce((sum, { rows }) => sum + rows, 0)))}
${tile('furthest behind', lags.length === 0 ? '–' : duration(Math.max(...lags)))}
${tile('dead letters', grouped(deadLetters))}
${budgets.map((budget) => renderBudget(budget, now))}
</dl>
${streams.length === 0 ? null : renderStreams(account, now)}
</section>`;
}

function renderStreams(account: AccountStatus, now: number): Html {
  const rows = account.streams.map((stream) => ({ stream, standing: standing(stream, account) }));
  return html`<table>
<thead><tr><th>stream</th><th>state</th><th class="number">rows</th><th class="number">behind</th><th>scan</th><th>last commit</th><th>next</th><th>cursor</th></tr></thead>
<tbody>${rows.sort(byUrgency).map((row) => renderStream(row, now))}</tbody>
</table>`;
}

function renderBudget(budget: BudgetStatus, now: number): Html {
  const { name, used, requests, perSeconds, waiting, pausedUntil } = budget;
  const paused = pausedUntil === null ? null : `paused, goes on ${until(pausedUntil, now)}`;
  const note = paused ?? (waiting > 0 ? `${waiting} waiting` : `per ${duration(perSeconds)}`);
  return html`<div class="tile"><dt>${name} budget</dt><dd>${used} / ${requests}</dd>
<dd><progress value="${used}" max="${requests}" aria-label="${name} budget"></progress><small>${note}</small></dd></div>
`;
}

function renderStream({ stream, standing: { shade, word } }: PageRow, now: number): Html {
  const standstill = stream.state === 'RUNNING' ? null : stream.reason;
  const why = stream.retrying ? `Attempt ${stream.retrying.attempt}: ${stream.retrying.reason}` : standstill;
  const probe = stream.nextProbeAt === null ? '' : ` Looked at again ${until(stream.nextProbeAt, now)}.`;
  const dead = stream.deadLetters > 0 ? grouped(counted(stream.deadLetters, 'dead letter')) : null;
  const notes = [why, dead].filter((note) => note !== null).join(' · ');
  const spoken = notes !== '' || stream.remedy !== null;
  return html`<tr${spoken ? trusted(' class="spoken"') : null}>
<th scope="row">${stream.stream}</th>
<td>${badge(shade, word)}</td>
<td class="number" data-label="rows">${grouped(stream.rows)}</td>
<td class="number" data-label="behind">${stream.lagSeconds === null ? '–' : duration(stream.lagSeconds)}</td>
${renderScan(stream)}
<td data-label="last commit">${stream.lastCommitAt === null ? '–' : ago(stream.lastCommitAt, now)}</td>
<td data-label="next">${stream.nextDueAt === null ? '–' : until(stream.nextDueAt, now)}</td>
<td class="quiet" data-label="cursor">${stream.cursor ?? '–'}</td>
</tr>
${
  spoken
    ? html`<tr class="note"><td colspan="8">${notes} ${stream.remedy === null ? null : html`<span class="remedy">${stream.remedy}${probe}</span>`}</td></tr>
`
    : null
}`;
}

/** The work that is left, besides the scan under way. */
function backlogNote(backlog: StreamStatus['backlog']): string {
  const { pendingParents, dirtyWindows, touchedWindows, candidates, confirmed, reconciliation } = backlog;
  const scan = reconciliation && `reconciliation: ${reconciliation.read} read, ${reconciliation.found} missing`;
  const parts = [
    pendingParents > 0 && counted(pendingParents, 'changed parent'),
    dirtyWindows > 0 && counted(dirtyWindows, 'changed window'),
    touchedWindows > 0 && counted(touchedWindows, 'window to look at', 'windows to look at'),
    scan,
    candidates > 0 && counted(candidates, 'missing record'),
    confirmed > 0 && counted(confirmed, 'deleted record'),
  ];
  return grouped(parts.filter(Boolean).join(', '));
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

type Shade = 'good' | 'busy' | 'bad' | 'off';

const SHADES: Readonly<Record<AccountStatus['phase'], Shade>> = {
  ...{ running: 'good', opening: 'busy', waiting: 'busy', stopped: 'bad', taken: 'bad' },
};

interface Standing {
  readonly shade: Shade;
  readonly word: string;
}

interface PageRow {
  readonly stream: StreamStatus;
  readonly standing: Standing;
}

/** The state in a word that needs no manual. A stream is as well as its account: nobody reads it while that stands still. */
function standing({ state, complete, retrying, scan }: StreamStatus, { phase, stalls }: AccountStatus): Standing {
  if (state === 'FORBIDDEN') return { shade: 'bad', word: 'forbidden' };
  if (state === 'BLOCKED') return { shade: 'bad', word: 'blocked' };
  if (state === 'HELD') return { shade: 'bad', word: 'held' };
  if (state === 'PAUSED') return { shade: 'off', word: 'paused' };
  if (state === 'FEATURE_OFF') return { shade: 'off', word: 'module off' };
  if (stalls.length > 0) return { shade: 'bad', word: 'stands still' };
  if (phase !== 'running') return { shade: SHADES[phase], word: phase };
  if (retrying) return { shade: 'busy', word: 'retrying' };
  if (complete) return { shade: 'good', word: 'in step' };
  return { shade: 'busy', word: scan === null ? 'queued' : 'snapshot' };
}

const URGENCY: readonly string[] = [
  'forbidden',
  'blocked',
  'held',
  'paused',
  'stands still',
  'stopped',
  'waiting',
  'opening',
  'retrying',
  'snapshot',
  'queued',
  'in step',
  'module off',
];

/** Streams that need a person come first; within that the order of the catalog. */
function byUrgency(a: PageRow, b: PageRow): number {
  return URGENCY.indexOf(a.standing.word) - URGENCY.indexOf(b.standing.word);
}

function badge(shade: Shade, word: string): Html {
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

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
