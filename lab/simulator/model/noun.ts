// All nouns share this: ids and timestamps on creation, updated_at on edits, 404 for unknown ids.
// Each noun's own file adds its rules; the account holds them all.

import type { Dice } from '../random.ts';
import { invalid, notFound } from '../refusal.ts';
import type { Company, Row, UserRow } from './rows.ts';
import type { Settings } from './settings.ts';
import { type Draft, Table } from './table.ts';

/** A record that was deleted, by itself or with what it hung on. */
export interface Gone {
  readonly stream: string;
  readonly id: number;
  /** Whole seconds. */
  readonly at: number;
}

/**
 * The account as its nouns see it: what is written here, and every noun, each of which adds itself by declaration
 * merging in its own file. So nouns may use one another without importing in circles.
 */
export interface Nouns {
  readonly id: number;
  readonly settings: Settings;
  readonly company: Company;
  readonly dice: Dice;
  readonly gone: Gone[];
  stamp(): number;
  seconds(): number;
  today(): string;
  me(): UserRow;
}

/** The members that a caller may give; what is left out keeps its value or gets the default. */
export type Fields<R extends Row> = Partial<Draft<R>>;

export abstract class Noun<R extends Row> extends Table<R> {
  readonly stream: string;
  protected readonly account: Nouns;

  constructor(account: Nouns, stream: string, firstId: number) {
    super(firstId);
    this.stream = stream;
    this.account = account;
  }

  /** The row, or Harvest's 404. */
  find(id: number): R {
    const row = this.get(id);
    if (!row) throw notFound();
    return row;
  }

  update(id: number, fields: Fields<R>): R {
    return this.edit(this.find(id), fields);
  }

  /** Deletes as Harvest does: hard, with what hangs on it; returns the row as it was. */
  delete(id: number): R {
    const row = this.find(id);
    this.drop(row);
    return row;
  }

  /** Never back: a write that comes late stands behind what was seen before it. */
  touch(row: R): void {
    row.updated_at = Math.max(row.updated_at, this.account.stamp());
  }

  override drop(row: R): void {
    super.drop(row);
    this.account.gone.push({ stream: this.stream, id: row.id, at: this.account.seconds() });
  }

  protected add(draft: Draft<R>): R {
    const now = this.account.stamp();
    return this.insert({ id: this.takeId(), ...draft, created_at: now, updated_at: now } as unknown as R);
  }

  protected edit(row: R, fields: Fields<R>): R {
    this.assign(row, fields as Partial<R>);
    this.touch(row);
    return row;
  }
}

/** Throws one 422 that names everything missing: `{ Name: undefined }` → "Name can't be blank". */
export function present(values: Readonly<Record<string, unknown>>): void {
  const missing = Object.entries(values).filter(([, value]) => value === undefined || value === null || value === '');
  if (missing.length > 0) throw invalid(...missing.map(([label]) => `${label} can't be blank`));
}

export const money = (amount: number): number => Math.round(amount * 100) / 100;
