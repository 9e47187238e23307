// The part of `check` that reckons how soon a change is seen, and whether the budget holds the intervals.
import { EXIT } from '../base/errors.ts';
import { counted } from '../base/words.ts';
import type { Config } from '../config/options.ts';
import { MOST_TIMELY_SHARE } from '../engine/pace/allotment.ts';
import { roomOf } from '../engine/pace/polling.ts';
import { type ExpectedPolls, expectedPolls } from '../intervals.ts';
import type { CheckFinding } from './check-finding.ts';

/** A warning when polls and count checks would take more than their share: their intervals do not hold then. */
export function checkPolls(config: Config): CheckFinding {
  const { changing, within, requests, stretch } = expectedPolls(config);
  const { requests: budget, per_seconds } = config.harvest.budgets.general;
  const finding = { about: 'polls', name: 'while the account lives', remedy: '', exit_code: EXIT.clean } as const;
  const soon = within === null ? 'no list is polled' : `a change is seen within ${range(within)} s`;
  if (stretch <= 1) {
    const cost = `${Math.ceil(requests.expected)} of ${budget} requests in ${per_seconds} s`;
    return { ...finding, state: 'ok', detail: `${soon}: ${cost}, with ${counted(changing, 'list')} changing` };
  }
  return {
    ...finding,
    state: 'warning',
    detail: `polls and count checks would take ${Math.ceil(requests.asked)} requests in ${per_seconds} s, polling.budget_share leaves them ${short(requests.room)} of ${budget}, with a tenth of it kept free: intervals are ${short(stretch)} times as long, ${soon}`,
    remedy: remedyOf(requests.asked / roomOf(budget)),
  };
}

function remedyOf(needed: number): string {
  const share = Math.ceil(needed * 100) / 100;
  const orMore = share <= MOST_TIMELY_SHARE ? `, or set polling.budget_share to ${share}` : '';
  return `Lengthen intervals (polling.*, streams.<name>.poll_interval_seconds, count_interval_seconds)${orMore}.`;
}

function range({ least, most }: NonNullable<ExpectedPolls['within']>): string {
  return least === most ? short(least) : `${short(least)} to ${short(most)}`;
}

/** With at most one decimal. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
