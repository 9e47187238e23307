// Deletion in bulk, for tests of what a client makes of it: as Harvest deletes, with cascades, refusals obeyed.
import type { Account } from './model/account.ts';
import type { Gone, Noun } from './model/noun.ts';
import type { Row } from './model/rows.ts';
import type { Dice } from './random.ts';
import { Refusal } from './refusal.ts';

/** Which rows: those ids, or so many (or that share) at random. */
export interface Removal {
  readonly stream: string;
  readonly ids?: readonly number[];
  readonly count?: number;
  readonly share?: number;
}

/** Deletes rows and tells all that is gone, cascades included. At random, rows that Harvest keeps are passed over. */
export function removeRows(account: Account, removal: Removal, dice: Dice): readonly Gone[] {
  const { stream, ids, share } = removal;
  const noun = Object.values(account).find((each): each is Noun<Row> => each?.stream === stream);
  if (!noun) throw new Error(`no stream of its own is called ${stream}`);
  const goneBefore = account.gone.length;
  for (const id of ids ?? []) noun.delete(id);
  // The token's owner stays: nobody deletes themselves.
  const owner = account.me().id;
  const left = noun.all().flatMap(({ id }) => (id === owner ? [] : [id]));
  let wanted = ids ? 0 : share === undefined ? (removal.count ?? 1) : Math.round(left.length * share);
  while (wanted > 0 && left.length > 0) {
    const [id] = left.splice(dice.below(left.length), 1) as [number];
    if (deleted(noun, id)) wanted -= 1;
  }
  return account.gone.slice(goneBefore);
}

function deleted(noun: Noun<Row>, id: number): boolean {
  try {
    noun.delete(id);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
