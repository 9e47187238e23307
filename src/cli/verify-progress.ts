// How a comparison goes on: one line redrawn in place on a terminal, a line on stderr now and then elsewhere.
import type { Clock } from '../base/clock.ts';
import type { BudgetView } from '../engine/ports.ts';
import { duration } from '../observe/readiness.ts';
import type { Requests, Verification } from '../verify/verification.ts';
import { type Screen, screen } from './progress.ts';

/** One account's comparison under way. */
export interface Watched {
  readonly accountId: string;
  readonly expected: Requests;
  readonly verification: Pick<Verification, 'progress'>;
}

const DRAW_INTERVAL_MS = 1_000;
const LINE_INTERVAL_MS = 15_000;

/** Shows progress until `close`. */
export function showVerifying(options: {
  readonly watched: readonly Watched[];
  readonly clock: Clock;
  readonly terminal: boolean;
  readonly line: (text: string) => void;
  readonly canvas?: Screen;
}): { close(): void } {
  const { watched, clock, terminal, line, canvas = screen } = options;
  const everyMs = terminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS;
  let cancel = clock.after(everyMs, function show() {
    const lines = watched.map(renderWatched);
    if (terminal) canvas.draw(lines);
    else for (const text of lines) line(text);
    cancel = clock.after(everyMs, show);
  });
  return {
    close: () => {
      cancel();
      if (terminal) canvas.draw([]);
    },
  };
}

/** `account 1234567: 12 of 32 streams, 40 requests of about 61, 2 streams wait for their second look` */
export function renderWatched({ accountId, expected, verification }: Watched): string {
  const { done, streams, asked, waiting } = verification.progress;
  const second = waiting === 0 ? '' : `, ${waiting} to be looked at again`;
  const all = expected.general + expected.reports;
  return `account ${accountId}: ${done} of ${streams} streams, ${asked} requests of about ${all}${second}`;
}

/** `account 1234567: about 52 general requests at 5 per 15 s, about 9 reports requests at 5 per 15 min: 15 min` */
export function renderExpectation(
  accountId: string,
  expected: Requests,
  budgets: readonly Pick<BudgetView, 'name' | 'requests' | 'windowMs'>[],
): string {
  const needed = budgets.filter(({ name }) => expected[name] > 0);
  const parts = needed.map(({ name, requests, windowMs }) => {
    return `about ${expected[name]} ${name} requests at ${requests} per ${duration(windowMs / 1000)}`;
  });
  // The first window is free; each further one has to pass.
  const waits = needed.map(
    ({ name, requests, windowMs }) => (Math.ceil(expected[name] / requests) - 1) * (windowMs / 1000),
  );
  const seconds = Math.max(0, ...waits);
  return `account ${accountId}: ${parts.join(', ')}${seconds > 0 ? `; at least ${duration(seconds)}` : ''}`;
}
