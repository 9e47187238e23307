// What one kind of change is: how often it happens and what it does.
import type { Account } from '../model/account.ts';
import type { Row } from '../model/rows.ts';
import type { Dice } from '../random.ts';

export interface Mutation {
  readonly kind: 'create' | 'edit' | 'delete';
  readonly stream: string;
  readonly id: number;
  /** For a person to read: what happened. */
  readonly text: string;
}

/** Null when the account has nothing that could change this way. */
export type Act = (account: Account, dice: Dice) => Mutation | null;
export type Change = readonly [weight: number, act: Act];

export const told = (kind: Mutation['kind'], stream: string, { id }: Row, text: string): Mutation => ({
  kind,
  stream,
  id,
  text: `${text} (${stream} ${id})`,
});

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
