// Life in the account: one random, believable change at a time. Used by demonstrations and storms.
import type { Random } from '../../base/clock.ts';
import type { Account } from './model/account.ts';
import type { Change, Mutation } from './mutations/change.ts';
import { CLIENT_CHANGES } from './mutations/clients.ts';
import { DOCUMENT_CHANGES } from './mutations/documents.ts';
import { PROJECT_CHANGES } from './mutations/projects.ts';
import { TRACKING_CHANGES } from './mutations/tracking.ts';
import { Dice } from './random.ts';
import { Refusal } from './refusal.ts';

const CHANGES: readonly Change[] = [...TRACKING_CHANGES, ...CLIENT_CHANGES, ...PROJECT_CHANGES, ...DOCUMENT_CHANGES];

/** Changes something and tells what. Frequent things (hours) change often, rare things (a project's end) seldom. */
export function mutate(simulator: { readonly data: Account }, random: Random): Mutation {
  const dice = new Dice(random);
  for (;;) {
    const act = dice.weighted(CHANGES);
    try {
      const mutation = act(simulator.data, dice);
      if (mutation) return mutation;
    } catch (error) {
      // The account does not allow this one (a client with invoices cannot go): people then do something else.
      if (!(error instanceof Refusal)) throw error;
    }
  }
}
