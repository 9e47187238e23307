// One kind of change: how often it happens and what it does.
import type { Account } from '../model/account.ts';
import type { Gone } from '../model/noun.ts';
import type { Row } from '../model/rows.ts';
import type { Dice } from '../random.ts';
import { Refusal } from '../refusal.ts';

export interface Told {
  readonly kind: 'create' | 'edit' | 'delete';
  readonly stream: string;
  readonly id: number;
  /** For a person to read: what happened. */
  readonly text: string;
}

export interface Mutation extends Told {
  /** Which change it was: `<stream>.<verb>`. */
  readonly name: string;
  /** Every record that is gone since, cascades included. */
  readonly removed: readonly Gone[];
}

/** Null when the account has nothing that could change this way. */
export type Act = (account: Account, dice: Dice) => Told | null;
export type Change = readonly [name: string, weight: number, act: Act];

export const told = (kind: Told['kind'], stream: string, { id }: { readonly id: number }, text: string): Told => ({
  kind,
  stream,
  id,
  text: `${text} (${stream} ${id})`,
});

const PATIENCE = 10_000;

/** Draws changes by their weights until the account allows one, makes it and tells it. */
export function change(account: Account, changes: readonly Change[], dice: Dice): Mutation {
  const weighted = changes.map((each) => [each[1], each] as const);
  const goneBefore = account.gone.length;
  for (let attempt = 0; attempt < PATIENCE; attempt++) {
    const [name, , act] = dice.weighted(weighted);
    try {
      const happened = act(account, dice);
      if (happened) return { ...happened, name, removed: account.gone.slice(goneBefore) };
    } catch (error) {
      // The account does not allow this one (a client with invoices cannot go): people then do something else.
      if (!(error instanceof Refusal)) throw error;
    }
  }
  throw new Error('the account allows none of these changes');
}

interface Listed<R> {
  all(): readonly R[];
}

/** Any row of the table, or undefined when it is empty. */
export function anyOf<R extends Row>(table: Listed<R>, dice: Dice): R | undefined {
  const rows = table.all();
  return rows.length === 0 ? undefined : dice.pick(rows);
}

/** One of the newest rows: people mostly work on what is fresh. */
export function freshOf<R extends Row>(table: Listed<R>, dice: Dice): R | undefined {
  const rows = table.all();
  return rows.length === 0 ? undefined : rows[Math.max(0, rows.length - 1 - dice.below(200))];
}
