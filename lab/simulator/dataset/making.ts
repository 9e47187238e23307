// The parts of the generation share the plan and the way in which a row of the past is put in.
import { addDays, dayOfDate, midnightOf } from '../calendar.ts';
import type { Account } from '../model/account.ts';
import type { Row } from '../model/rows.ts';
import type { Draft, Table } from '../model/table.ts';
import type { Dice } from '../random.ts';

export interface Counts {
  readonly users: number;
  readonly clients: number;
  readonly projects: number;
  readonly tasks: number;
  readonly expenses: number;
  readonly invoices: number;
  readonly estimates: number;
}

/** The parts of the generation share this. */
export interface Making {
  readonly account: Account;
  readonly dice: Dice;
  readonly counts: Counts;
  readonly timeEntries: number;
  /** First and last date of the history; the last is today. */
  readonly start: string;
  readonly today: string;
}

/** A second within working hours of that day. */
export const workingSecond = (dice: Dice, date: string): number => midnightOf(date) + dice.between(8 * 3600, 18 * 3600);

/** Puts a row of the past in: created then, changed some time later in a third of the cases, never in the future. */
export function insertPast<R extends Row>(
  { account, dice }: Making,
  table: Table<R>,
  createdAt: number,
  draft: Draft<R>,
): R {
  const latest = account.seconds() - 60;
  const created_at = Math.min(createdAt, latest);
  const edited = dice.chance(0.3) ? created_at + dice.between(60, 30 * 86_400) : created_at;
  const row = { id: table.takeId(), ...draft, created_at, updated_at: Math.min(edited, latest) };
  return table.insert(row as unknown as R);
}

/** `count` dates from start to end, ascending, spread evenly with some chance. */
export function spread(dice: Dice, count: number, start: string, end: string): string[] {
  const days = dayOfDate(end) - dayOfDate(start);
  const offsets = Array.from({ length: count }, (_, at) => Math.floor(((at + dice.random()) / count) * (days + 1)));
  return offsets.map((offset) => addDays(start, Math.min(offset, days)));
}

/**
 * Chooses what was worked on at a date: among what had begun by then, the newer the likelier. `items` are in the order
 * they began; ask with ascending dates.
 */
export function underWay<T>(dice: Dice, items: readonly T[], projectOf: (item: T) => Row): (date: string) => T {
  let begun = 0;
  return (date) => {
    const evening = midnightOf(date) + 86_400;
    while (begun < items.length && projectOf(items[begun] as T).created_at < evening) begun += 1;
    const choices = Math.max(1, begun);
    return items[choices - 1 - Math.floor(dice.random() ** 2 * choices)] as T;
  };
}
