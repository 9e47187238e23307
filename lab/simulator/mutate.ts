// Life in the account: one random, believable change at a time. Used by demonstrations, and by storms among worse.
import type { Random } from '../../src/base/clock.ts';
import type { Account } from './model/account.ts';
import { type Change, change, type Mutation } from './mutations/change.ts';
import { CLIENT_CHANGES } from './mutations/clients.ts';
import { DOCUMENT_CHANGES } from './mutations/documents.ts';
import { PROJECT_CHANGES } from './mutations/projects.ts';
import { TRACKING_CHANGES } from './mutations/tracking.ts';
import { Dice } from './random.ts';

/** Everything that people do. The order stays for good: a seed draws from it, and a demonstration's account is made again from one. */
export const LIFE: readonly Change[] = [
  ...TRACKING_CHANGES,
  ...CLIENT_CHANGES,
  ...PROJECT_CHANGES,
  ...DOCUMENT_CHANGES,
];

/** Changes something and tells what. Frequent things (hours) change often, rare things (a project's end) seldom. */
export function mutate(simulator: { readonly data: Account }, random: Random): Mutation {
  return change(simulator.data, LIFE, new Dice(random));
}
