// How a comparison goes on: a line for each account, on stderr where no person looks on.
import { type Clock, isoSeconds } from '../base/clock.ts';
import { counted } from '../base/words.ts';
import type { BudgetView } from '../engine/ports.ts';
import { duration } from '../observe/readiness.ts';
import type { Requests, Verification } from '../verify/verification.ts';
import { showProgress } from './progress.ts';

/** One account's comparison under way. */
export interface Watched {
  readonly accountId: string;
  readonly expected: Requests;
  readonly verification: Pick<Verification, 'progress'>;
  readonly budgets: readonly Pick<BudgetView, 'name' | 'waiting' | 'freeInMs'>[];
}

/** Shows progress until `close`. */
export function showVerifying(watched: readonly Watched[], clock: Clock, terminal: boolean): { close(): void } {
  const block = () => watched.map((each) => renderWatched(each, clock.now()));
  const tell = () =>
    void process.stderr.write(
      block()
        .map((line) => `${line}\n`)
        .join(''),
    );
  return showProgress({ clock, terminal, block, tell });
}

/** Waits shorter than this are not worth a word. */
const SOON_MS = 2_000;

/** `account 1234567: 12 of 32 streams, 40 of about 61 requests, 2 to be looked at again from 06:31:05Z, next reports request at 06:40:10Z` */
export function renderWatched({ accountId, expected, verification, budgets }: Watched, now: number): string {
  const { done, streams, asked, waiting, againInMs } = verification.progress;
  const all = Math.max(asked, expected.general + expected.reports);
  const parts = [`${done} of ${counted(streams, 'stream')}`, `${asked} of about ${counted(all, 'request')}`];
  if (againInMs !== null) parts.push(`${waiting} to be looked at again from ${timeOfDay(now + againInMs)}`);
  for (const { name, freeInMs } of waitingBudgets(budgets)) {
    parts.push(`next ${name} request at ${timeOfDay(now + freeInMs)}`);
  }
  return `account ${accountId}: ${parts.join(', ')}`;
}

function waitingBudgets(budgets: Watched['budgets']) {
  return budgets
    .filter((budget) => budget.waiting() > 0)
    .map((budget) => ({ name: budget.name, freeInMs: budget.freeInMs(1) }))
    .filter(({ freeInMs }) => freeInMs > SOON_MS);
}

function timeOfDay(ms: number): string {
  return isoSeconds(ms).slice(11);
}

/** `account 1234567: about 52 general requests at 5 per 15 s, about 9 reports requests at 5 per 15 min: 15 min` */
export function renderExpectation(
  accountId: string,
  expected: Requests,
  budgets: readonly Pick<BudgetView, 'name' | 'requests' | 'windowMs'>[],
  now: number,
): string {
  const needed = budgets.filter(({ name }) => expected[name] > 0);
  const parts = needed.map(({ name, requests, windowMs }) => {
    return `about ${counted(expected[name], `${name} request`)} at ${requests} per ${duration(windowMs / 1000)}`;
  });
  // The first window is free; each further one has to pass.
  const waits = needed.map(
    ({ name, requests, windowMs }) => (Math.ceil(expected[name] / requests) - 1) * (windowMs / 1000),
  );
  const seconds = Math.max(0, ...waits);
  return `account ${accountId}: ${parts.join(', ')}${seconds > 0 ? `; at least ${duration(seconds)}, until ${timeOfDay(now + seconds * 1000)}` : ''}`;
}
