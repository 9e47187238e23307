// Rows of one noun by id, with secondary indexes kept exact on every change. Knows no rules of Harvest.
import type { Row } from './rows.ts';

/** A new row without id and timestamps. */
export type Draft<R extends Row> = Omit<R, 'id' | 'created_at' | 'updated_at'>;

/** Rows grouped by one of their values; every group is ordered by id. */
export class Index<R extends Row, K> {
  protected readonly groups = new Map<K, R[]>();
  readonly keyOf: (row: R) => K;

  constructor(keyOf: (row: R) => K) {
    this.keyOf = keyOf;
  }

  of(key: K): readonly R[] {
    return this.groups.get(key) ?? [];
  }

  add(row: R, key: K): void {
    const group = this.groups.get(key);
    if (group) insertById(group, row);
    else this.groups.set(key, [row]);
  }

  remove(row: R, key: K): void {
    const group = this.groups.get(key);
    if (!group) return;
    group.splice(positionOf(group, row.id), 1);
    if (group.length === 0) this.groups.delete(key);
  }
}

/** Rows by date, for the lists that are sorted by one. A row without date comes last. */
export class DateIndex<R extends Row> extends Index<R, string> {
  // Remembered until a row comes, goes or moves: a walk of many pages orders a large table once.
  #datesDescending: string[] | null = null;
  #newestFirst: R[] | null = null;

  constructor(dateOf: (row: R) => string | null) {
    super((row) => dateOf(row) ?? '');
  }

  oldest(): string | undefined {
    return this.#dates().findLast((date) => date !== '');
  }

  newest(): string | undefined {
    return this.#dates()[0] || undefined;
  }

  /** The dates that rows have, newest first. */
  days(): readonly string[] {
    return this.#dates().filter((date) => date !== '');
  }

  /** Newest date first, then newest id; both bounds are inclusive and leave rows without date out. */
  newestFirst(from?: string, to?: string): readonly R[] {
    if (from !== undefined || to !== undefined) return this.#collect(from, to);
    this.#newestFirst ??= this.#collect();
    return this.#newestFirst;
  }

  override add(row: R, date: string): void {
    if (!this.groups.has(date)) this.#datesDescending = null;
    this.#newestFirst = null;
    super.add(row, date);
  }

  override remove(row: R, date: string): void {
    this.#newestFirst = null;
    super.remove(row, date);
    if (!this.groups.has(date)) this.#datesDescending = null;
  }

  #dates(): readonly string[] {
    this.#datesDescending ??= [...this.groups.keys()].sort().reverse();
    return this.#datesDescending;
  }

  #collect(from?: string, to?: string): R[] {
    const rows: R[] = [];
    for (const date of this.#dates()) {
      if (from !== undefined && date < from) break;
      if (to !== undefined && (date > to || date === '')) continue;
      const group = this.of(date);
      for (let at = group.length - 1; at >= 0; at--) rows.push(group[at] as R);
    }
    return rows;
  }
}

export class Table<R extends Row> {
  readonly #byId = new Map<number, R>();
  readonly #ascending: R[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: indexes of one table have keys of different types.
  readonly #indexes: Index<R, any>[] = [];
  #nextId: number;

  constructor(firstId: number) {
    this.#nextId = firstId;
  }

  get size(): number {
    return this.#ascending.length;
  }

  get(id: number | null): R | undefined {
    return id === null ? undefined : this.#byId.get(id);
  }

  /** For ids that another row holds: such a reference is never left dangling. */
  expect(id: number): R {
    const row = this.#byId.get(id);
    if (!row) throw new Error(`no row ${id}: a reference was left dangling`);
    return row;
  }

  /** Ascending by id. The live array: copy it before changing the table while walking. */
  all(): readonly R[] {
    return this.#ascending;
  }

  newestFirst(): R[] {
    return this.#ascending.toReversed();
  }

  /** Ids grow with time, with gaps as in a shared database. */
  takeId(): number {
    const id = this.#nextId;
    this.#nextId += 1 + ((id * 7) % 5);
    return id;
  }

  insert(row: R): R {
    this.#byId.set(row.id, row);
    insertById(this.#ascending, row);
    for (const index of this.#indexes) index.add(row, index.keyOf(row));
    return row;
  }

  /** Assigns the given members and keeps the indexes exact. Does not touch updated_at. */
  assign(row: R, changes: Partial<R>): void {
    const before = this.#indexes.map((index) => index.keyOf(row));
    for (const [name, value] of Object.entries(changes)) {
      if (value !== undefined) (row as Record<string, unknown>)[name] = value;
    }
    this.#indexes.forEach((index, at) => {
      const key = index.keyOf(row);
      if (key === before[at]) return;
      index.remove(row, before[at]);
      index.add(row, key);
    });
  }

  drop(row: R): void {
    if (!this.#byId.delete(row.id)) return;
    this.#ascending.splice(positionOf(this.#ascending, row.id), 1);
    for (const index of this.#indexes) index.remove(row, index.keyOf(row));
  }

  protected index<K, I extends Index<R, K>>(index: I): I {
    this.#indexes.push(index);
    return index;
  }
}

function insertById<R extends Row>(rows: R[], row: R): void {
  const position = positionOf(rows, row.id);
  if (position === rows.length) rows.push(row);
  else rows.splice(position, 0, row);
}

/** Where the row with that id is, or belongs, in rows ascending by id. New rows belong at the end: looked at first. */
function positionOf(rows: readonly Row[], id: number): number {
  const last = rows.at(-1);
  if (!last || last.id < id) return rows.length;
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as Row).id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
