// The status page: the accounts' status as one HTML document without anything from outside. The server renders it whole; the
// script only puts what is sent anew in place of what is shown, so that there is one rendering, and it is tested.
import { createHash } from 'node:crypto';
import { isoSeconds } from '../base/clock.ts';
import type { AccountStatus } from '../engine/status.ts';
import { type Errand, errands } from './errands.ts';
import type { Moment } from './history.ts';
import { type Html, html, trusted } from './html.ts';
import { badge, renderAccount } from './page-account.ts';
import { SCRIPT, STYLE } from './page-assets.ts';
import { duration } from './readiness.ts';
import { overallStanding } from './standing.ts';

export interface PageFacts {
  readonly version: string;
  readonly now: number;
  readonly uptimeSeconds: number;
  readonly accounts: readonly AccountStatus[];
  /** Until the snapshots of an account are complete, in words; null when nothing is known or left. */
  readonly timeLeft: (account: AccountStatus) => string | null;
  /** The last hour of an account, oldest first. */
  readonly moments: (account: AccountStatus) => readonly Moment[];
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

/** With more accounts than these, the streams of those that are well are folded. */
const ACCOUNTS_OPEN = 3;

export function renderPage(facts: PageFacts): string {
  const { title, main } = renderMain(facts);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLE)}</style>
</head>
<body>
${trusted(main)}
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`.markup;
}

/** What changes from one moment to the next: the title as text, and the markup of `<main>`. */
export function renderMain(facts: PageFacts): { readonly title: string; readonly main: string } {
  const { version, now, uptimeSeconds, accounts } = facts;
  const standing = overallStanding(accounts);
  const open = errands(accounts);
  const { markup } = html`<main>
<header>
<h1>harvest-kafka</h1>
${badge(standing)}
<p class="quiet">version ${version} · up ${duration(uptimeSeconds)} · <time>${isoSeconds(now)}</time></p>
</header>
<p id="lost" role="alert" hidden>This page has lost its connection; what it shows is old.</p>
${open.length === 0 ? null : renderErrands(open, accounts.length > 1)}
${accounts.map((account) => {
  const mine = open.filter((errand) => errand.account === account.accountId);
  return renderAccount(account, {
    ...{ now, timeLeft: facts.timeLeft(account), moments: facts.moments(account) },
    causes: new Map(
      mine.flatMap(({ stream, dependents }) => (stream ? dependents.map((name) => [name, stream] as const) : [])),
    ),
    // What only follows from its account is folded.
    isOpen: account.phase === 'running' && (accounts.length <= ACCOUNTS_OPEN || mine.length > 0),
  });
})}
${accounts.length === 0 ? html`<p>No account is configured.</p>` : null}
<footer class="quiet"><a href="/status">status</a> <a href="/metrics">metrics</a> <a href="/health/ready">readiness</a></footer>
</main>`;
  return { title: `${standing.word} · harvest-kafka`, main: markup };
}

function renderErrands(open: readonly Errand[], severalAccounts: boolean): Html {
  return html`<section class="errands" aria-labelledby="errands">
<h2 id="errands">Needs a person</h2>
<ul>${open.map((errand) => renderErrand(errand, severalAccounts))}</ul>
</section>`;
}

function renderErrand(errand: Errand, severalAccounts: boolean): Html {
  const { account, stream, state, reason, remedy, command, dependents } = errand;
  const where = [severalAccounts || !stream ? `account ${account}` : '', stream ?? ''].filter(Boolean).join(' · ');
  return html`<li id="errand-${account}-${stream ?? state}">
<p><strong>${where}</strong> ${badge({ shade: state === 'waiting' ? 'busy' : 'bad', word: state.toLowerCase() })} ${reason}</p>
${remedy === null ? null : html`<p class="remedy">${remedy}</p>`}
${command === null ? null : html`<p class="command"><code>${command}</code> <button type="button" data-copy="${command}" aria-label="copy ${command}">copy</button></p>`}
${
  dependents.length === 0
    ? null
    : html`<details><summary>${dependents.length === 1 ? '1 stream stands' : `${dependents.length} streams stand`} still with it</summary><p>${dependents.join(', ')}</p></details>`
}
</li>`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
