// How commands keep out of a daemon's way: it may be at work on the same account, and its budget counts none of our requests.
import { counted } from '../base/words.ts';
import type { AccountConfig, Config } from '../config/options.ts';

/** Requests in a window beside a daemon: what its default of 95 leaves of Harvest's 100. */
const REQUESTS_BESIDE = 5;

/** The configuration with budgets that a daemon does not feel. */
export function beside(config: Config): Config {
  const { general, reports } = config.harvest.budgets;
  const requests = Math.min(REQUESTS_BESIDE, general.requests);
  const budgets = { general: { ...general, requests }, reports: { ...reports, requests: 1 } };
  return { ...config, harvest: { ...config.harvest, budgets } };
}

/** The line that says so. */
export function sharing({ harvest: { budgets } }: Config, { id }: AccountConfig): string {
  const { requests, per_seconds } = budgets.general;
  return `A daemon may be reading account ${id}, so only ${counted(requests, 'request')} in ${per_seconds} s ${requests === 1 ? 'is' : 'are'} made (if none does: --alone).`;
}
