// The rows on a stream's topic: row id -> (content hash, updated_at, group, day). It suppresses unchanged rows (P2), stops older
// versions (P3) and tells creates from updates. Rebuilt from the topic at start, moved only after a known commit.
import type { RowId } from '../ports.ts';

export interface IndexedRow {
  readonly hash: number;
  /** ms; whole seconds survive. */
  readonly updatedAt: number | null;
  /** Id of the record whose deletion takes this one along, see Encoded.group. */
  readonly group: number | null;
  /** Days since 1970, see Encoded.day. */
  readonly day: number | null;
}

export interface RowIndex {
  readonly size: number;
  get(id: RowId): IndexedRow | undefined;
  set(id: RowId, row: IndexedRow): void;
  delete(id: RowId): void;
  clear(): void;
  ids(): Iterable<RowId>;
  /** Ids of the rows with that group. */
  idsIn(group: number): RowId[];
  /** Ids of the rows with any of those groups, in one look at all rows. */
  idsInAny(groups: ReadonlySet<number>): RowId[];
  /** Ids of the rows dated within those days, both included. */
  idsDated(from: number, to: number): RowId[];
  /** Rows per day, and how many have none (under null). */
  dayCounts(): Map<number | null, number>;
  /** Days that rows have, and of report rows the first days of their windows; each with the number of its rows. */
  readonly days: ReadonlyMap<number, number>;
  /** Another number whenever a day gets its first row or loses its last: what was made of the days holds until then. */
  readonly daysVersion: number;
}

/** `numeric` rows live in typed arrays (20 to 32 bytes a slot), those with a key of several parts, far fewer, in a Map. */
export function createRowIndex(numeric: boolean): RowIndex {
  return numeric ? new IdIndex() : new TextIndex();
}

const SMALLEST = 64;
const FULLEST = 0.7;
const NONE = Number.NaN;
const NO_DAY = -(2 ** 31);

/** Open addressing with linear probing; deletion shifts back, so there are no graves to scan. */
class IdIndex implements RowIndex {
  #ids = new Float64Array(SMALLEST).fill(NONE);
  #hashes = new Float64Array(SMALLEST);
  #seconds = new Uint32Array(SMALLEST);
  // Many streams have no groups or no days: the arrays are made when the first one arrives.
  #groups: Float64Array | null = null;
  #days: Int32Array | null = null;
  #size = 0;
  readonly #perDay = new DayCounts();

  get size(): number {
    return this.#size;
  }
  get days(): ReadonlyMap<number, number> {
    return this.#perDay.counts;
  }
  get daysVersion(): number {
    return this.#perDay.version;
  }

  get(id: RowId): IndexedRow | undefined {
    const slot = this.#find(id as number);
    if (Number.isNaN(this.#ids[slot])) return undefined;
    const seconds = this.#seconds[slot]!;
    const group = this.#groups?.[slot] ?? NONE;
    return {
      hash: this.#hashes[slot]!,
      updatedAt: seconds === 0 ? null : seconds * 1000,
      group: Number.isNaN(group) ? null : group,
      day: this.#dayAt(slot),
    };
  }

  set(id: RowId, row: IndexedRow): void {
    if (this.#size >= this.#ids.length * FULLEST) this.#resize(this.#ids.length * 2);
    const slot = this.#find(id as number);
    if (Number.isNaN(this.#ids[slot])) this.#size++;
    else this.#perDay.lose(this.#dayAt(slot));
    this.#write(slot, id as number, row);
    this.#perDay.gain(row.day);
  }

  delete(id: RowId): void {
    let hole = this.#find(id as number);
    if (Number.isNaN(this.#ids[hole])) return;
    this.#size--;
    this.#perDay.lose(this.#dayAt(hole));
    const mask = this.#ids.length - 1;
    for (let slot = (hole + 1) & mask; !Number.isNaN(this.#ids[slot]); slot = (slot + 1) & mask) {
      const home = this.#home(this.#ids[slot]!);
      // The entry may move into the hole only if that does not put it before its home slot.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#ids[hole] = this.#ids[slot]!;
      this.#hashes[hole] = this.#hashes[slot]!;
      this.#seconds[hole] = this.#seconds[slot]!;
      if (this.#groups) this.#groups[hole] = this.#groups[slot]!;
      if (this.#days) this.#days[hole] = this.#days[slot]!;
      hole = slot;
    }
    this.#ids[hole] = NONE;
  }

  clear(): void {
    this.#allocate(SMALLEST);
    this.#groups = null;
    this.#days = null;
    this.#size = 0;
    this.#perDay.clear();
  }

  *ids(): Iterable<number> {
    for (const id of this.#ids) if (!Number.isNaN(id)) yield id;
  }

  idsIn(group: number): number[] {
    const groups = this.#groups;
    return groups === null ? [] : this.#slots((slot) => groups[slot] === group);
  }

  idsInAny(wanted: ReadonlySet<number>): number[] {
    const groups = this.#groups;
    return groups === null || wanted.size === 0 ? [] : this.#slots((slot) => wanted.has(groups[slot]!));
  }

  idsDated(from: number, to: number): number[] {
    const days = this.#days;
    return days === null
      ? []
      : this.#slots((slot) => days[slot]! >= from && days[slot]! <= to && days[slot] !== NO_DAY);
  }

  dayCounts(): Map<number | null, number> {
    const counts = new Map<number | null, number>(this.#perDay.counts);
    const undated = this.#size - this.#perDay.total;
    return undated > 0 ? counts.set(null, undated) : counts;
  }

  #dayAt(slot: number): number | null {
    const day = this.#days?.[slot] ?? NO_DAY;
    return day === NO_DAY ? null : day;
  }

  #slots(test: (slot: number) => boolean): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.#ids.length; slot++) {
      if (!Number.isNaN(this.#ids[slot]) && test(slot)) found.push(this.#ids[slot]!);
    }
    return found;
  }

  #home(id: number): number {
    return homeOf(id, this.#ids.length);
  }

  #find(id: number): number {
    const mask = this.#ids.length - 1;
    let slot = this.#home(id);
    while (!Number.isNaN(this.#ids[slot]) && this.#ids[slot] !== id) slot = (slot + 1) & mask;
    return slot;
  }

  #write(slot: number, id: number, row: IndexedRow): void {
    this.#ids[slot] = id;
    this.#hashes[slot] = row.hash;
    this.#seconds[slot] = row.updatedAt === null ? 0 : Math.floor(row.updatedAt / 1000);
    if (row.group !== null) this.#groups ??= new Float64Array(this.#ids.length).fill(NONE);
    if (this.#groups) this.#groups[slot] = row.group ?? NONE;
    if (row.day !== null) this.#days ??= new Int32Array(this.#ids.length).fill(NO_DAY);
    if (this.#days) this.#days[slot] = row.day ?? NO_DAY;
  }

  #resize(length: number): void {
    const [ids, hashes, seconds] = [this.#ids, this.#hashes, this.#seconds];
    const [groups, days] = [this.#groups, this.#days];
    this.#allocate(length);
    if (groups) this.#groups = new Float64Array(length).fill(NONE);
    if (days) this.#days = new Int32Array(length).fill(NO_DAY);
    for (let old = 0; old < ids.length; old++) {
      if (Number.isNaN(ids[old])) continue;
      const slot = this.#find(ids[old]!);
      this.#ids[slot] = ids[old]!;
      this.#hashes[slot] = hashes[old]!;
      this.#seconds[slot] = seconds[old]!;
      if (groups) this.#groups![slot] = groups[old]!;
      if (days) this.#days![slot] = days[old]!;
    }
  }

  #allocate(length: number): void {
    this.#ids = new Float64Array(length).fill(NONE);
    this.#hashes = new Float64Array(length);
    this.#seconds = new Uint32Array(length);
  }
}

/** The slot that `id` belongs to in a table of `length` slots, which is a power of two. */
export function homeOf(id: number, length: number): number {
  // Ids come in runs: the multiplication spreads them over its upper bits, the high bits of large ids are folded in first.
  const folded = (id % 0x1_0000_0000) ^ (id / 0x1_0000_0000);
  return Math.imul(folded, 0x9e3779b1) >>> (Math.clz32(length) + 1);
}

class TextIndex implements RowIndex {
  readonly #rows = new Map<RowId, IndexedRow>();
  readonly #perDay = new DayCounts();

  get size(): number {
    return this.#rows.size;
  }
  get days(): ReadonlyMap<number, number> {
    return this.#perDay.counts;
  }
  get daysVersion(): number {
    return this.#perDay.version;
  }
  get(id: RowId): IndexedRow | undefined {
    return this.#rows.get(id);
  }
  set(id: RowId, row: IndexedRow): void {
    if (!this.#rows.has(id)) this.#perDay.gain(windowStart(id));
    this.#rows.set(id, row);
  }
  delete(id: RowId): void {
    if (this.#rows.delete(id)) this.#perDay.lose(windowStart(id));
  }
  clear(): void {
    this.#rows.clear();
    this.#perDay.clear();
  }
  ids(): Iterable<RowId> {
    return this.#rows.keys();
  }
  idsIn(group: number): RowId[] {
    return this.idsInAny(new Set([group]));
  }
  idsInAny(groups: ReadonlySet<number>): RowId[] {
    if (groups.size === 0) return [];
    return [...this.#rows].flatMap(([id, { group }]) => (group !== null && groups.has(group) ? [id] : []));
  }
  // Report rows have no day: their window is in their id.
  idsDated(): RowId[] {
    return [];
  }
  dayCounts(): Map<number | null, number> {
    return new Map([[null, this.#rows.size]]);
  }
}

/** The first day of the window that a report row is of: its id begins with it. Null for other ids of several parts. */
function windowStart(id: RowId): number | null {
  const [day] = /^\d{4}-\d\d-\d\d/.exec(id as string) ?? [];
  return day === undefined ? null : Date.parse(day) / 86_400_000;
}

/** How many rows each day has. */
class DayCounts {
  readonly counts = new Map<number, number>();
  total = 0;
  version = 0;

  gain(day: number | null): void {
    if (day === null) return;
    const before = this.counts.get(day);
    this.counts.set(day, (before ?? 0) + 1);
    this.total++;
    if (before === undefined) this.version++;
  }

  lose(day: number | null): void {
    if (day === null) return;
    const left = this.counts.get(day)! - 1;
    if (left > 0) this.counts.set(day, left);
    else if (this.counts.delete(day)) this.version++;
    this.total--;
  }

  clear(): void {
    this.counts.clear();
    this.total = 0;
    this.version++;
  }
}
