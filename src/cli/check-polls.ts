// The part of `check` that reckons how soon a change is seen, and whether the budget holds the intervals.
import { EXIT } from '../base/errors.ts';
import { counted } from '../base/words.ts';
import type { Config } from '../config/options.ts';
import { MOST_TIMELY_SHARE } from '../engine/pace/allotment.ts';
import { sharedRequests, shareFor } from '../engine/pace/polling.ts';
import { type ExpectedPolls, expectedPolls } from '../intervals.ts';
import type { CheckFinding } from './check-finding.ts';

/** A warning when polls and count checks would take more than they have room for: their intervals do not hold then. */
export function checkPolls(config: Config): CheckFinding {
  const { requests, per_seconds } = config.harvest.budgets.general;
  const { budget_share } = config.polling;
  const { changing, within, pacing } = expectedPolls(config);
  const { asked, room, stretch } = pacing;
  const finding = { about: 'polls', name: 'while the account lives', remedy: '', exit_code: EXIT.clean } as const;
  const soon = within === null ? 'no list is polled' : `a change is seen within ${range(within)} s`;
  if (stretch <= 1) {
    const cost = `${Math.round(asked)} of ${requests} requests in ${per_seconds} s`;
    const most = changing.most > changing.taken ? ` (of ${changing.most} at the most)` : '';
    return {
      ...finding,
      state: 'ok',
      detail: `${soon}: ${cost}, with changes in ${counted(changing.taken, 'list')}${most}`,
    };
  }
  const share = shareFor(asked, requests);
  const given = short(sharedRequests(requests, budget_share));
  const whose = budget_share > MOST_TIMELY_SHARE ? 'that polls get at the most' : 'that polling.budget_share gives';
  const orMore = share === null ? '' : `, or set polling.budget_share to ${share}`;
  return {
    ...finding,
    state: 'warning',
    detail: `polls and count checks would take ${Math.ceil(asked)} of ${requests} requests in ${per_seconds} s and have room for ${short(room)}, nine tenths of the ${given} ${whose}: intervals are ${timesOf(stretch)} times as long, ${soon}`,
    remedy: `Lengthen intervals (polling.*, streams.<name>.poll_interval_seconds, count_interval_seconds)${orMore}.`,
  };
}

function range({ least, most }: NonNullable<ExpectedPolls['within']>): string {
  return least === most ? short(least) : `${short(least)} to ${short(most)}`;
}

/** Above 1 whatever it is. */
function timesOf(stretch: number): number {
  return Math.ceil(stretch * 100) / 100;
}

/** With at most one decimal. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
