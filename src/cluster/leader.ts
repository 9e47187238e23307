// The work of a leader in a round: it hears all members and tells each what it runs. Remembers from round to round what
// balance needs; a leader that is new knows less, and only waits a little longer with it.
import type { Clock } from '../base/clock.ts';
import { assign, type Memory, type Wishes } from './assign.ts';
import { type Assignment, type FleetMember, type Metadata, SHAPE } from './protocol.ts';
import { nextTerm } from './term.ts';

export interface LeaderSettings {
  /** How long the members must have been the same before accounts move for balance. */
  readonly balanceAfterMs: number;
  readonly movesAtOnce: number;
  /** From one round of moves to the next: the accounts of the one before are open by then. */
  readonly pauseMs: number;
}

export interface Led {
  /** By member id. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  readonly disputed: readonly string[];
}

/** A member that this version cannot read; it is in the fleet, and gets nothing. */
const UNREADABLE: Metadata = {
  ...{ v: SHAPE, name: 'unreadable', zone: '', version: '', url: '', leaving: false, term: 0 },
  ...{ accounts: [], claims: [], weight: {} },
};

export class Leader {
  readonly #settings: LeaderSettings;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #zones = new Map<string, string>();
  readonly #weights = new Map<string, number>();
  #members = '';
  /** Monotonic; since when the members are the same, and when accounts were last moved for balance. */
  #sameSince = 0;
  #movedAt = Number.NEGATIVE_INFINITY;
  #balanceAt: number | null = null;

  constructor(settings: LeaderSettings, clock: Pick<Clock, 'monotonic'>) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Monotonic; when another round would move accounts for balance. Null when the loads are even. */
  get balanceAt(): number | null {
    return this.#balanceAt;
  }

  /** Takes note of an assignment, whoever made it. */
  learn({ fleet }: Pick<Assignment, 'fleet'>): void {
    for (const { zone, accounts } of fleet) for (const account of accounts) this.#zones.set(account, zone);
    this.#balanceAt = null;
  }

  /** `said` by member id; null where it could not be read. */
  lead(said: ReadonlyMap<string, Metadata | null>, ownId: string): Led {
    const members = new Map([...said].map(([id, metadata]) => [id, metadata ?? UNREADABLE]));
    const now = this.#clock.monotonic();
    this.#note(members, now);
    const calmAt = Math.max(this.#sameSince + this.#settings.balanceAfterMs, this.#movedAt + this.#settings.pauseMs);
    const moves = now >= calmAt ? this.#settings.movesAtOnce : 0;
    const memory: Memory = { zones: this.#zones, weights: this.#weights };
    const names = distinctNames(members);
    const { shares, unassigned, disputed, isUneven } = assign(members, moves, memory, wishesOf(members, names));
    const fleet = [...members].map(([id, { zone, url, version }]): FleetMember => {
      const accounts = shares.get(id)!.accounts.map(({ account }) => account);
      return { name: names.get(id)!, zone, url, version, accounts };
    });
    const term = nextTerm([...members.values()].map((metadata) => metadata.term));
    const common = { v: SHAPE, term, leader: names.get(ownId)!, fleet, unassigned };
    const assignments = new Map<string, Assignment>();
    let hasMoved = false;
    for (const [id, { accounts }] of shares) {
      const told = accounts.map(({ account, from }) => [account, from === null ? null : names.get(from)!] as const);
      hasMoved ||= accounts.some(({ from }) => from !== null);
      assignments.set(id, { ...common, name: names.get(id)!, accounts: told });
    }
    if (hasMoved) this.#movedAt = now;
    this.learn(common);
    this.#balanceAt = isUneven ? Math.max(calmAt, this.#movedAt + this.#settings.pauseMs) : null;
    return { assignments, disputed };
  }

  #note(members: ReadonlyMap<string, Metadata>, now: number): void {
    for (const { weight } of members.values()) {
      for (const [account, heavy] of Object.entries(weight)) this.#weights.set(account, heavy);
    }
    const staying = [...members].filter(([, { leaving }]) => !leaving).map(([id]) => id);
    const key = staying.sort().join();
    if (key !== this.#members) this.#sameSince = now;
    this.#members = key;
  }
}

/** The accounts that people want moved, with the ids of the members that they named. */
function wishesOf(members: ReadonlyMap<string, Metadata>, names: ReadonlyMap<string, string>): Wishes {
  const ids = new Map([...names].map(([id, name]) => [name, id]));
  return new Map(
    [...members.values()].flatMap(({ moves = [] }) =>
      moves.flatMap(([account, to]) => {
        const id = ids.get(to);
        return id === undefined ? [] : [[account, id] as const];
      }),
    ),
  );
}

/** By member id: the names that members gave themselves, with a number where several have the same. */
function distinctNames(members: ReadonlyMap<string, Metadata>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const [id, { name }] of [...members].sort(([a], [b]) => (a < b ? -1 : 1))) {
    let own = name;
    for (let count = 2; taken.has(own); count++) own = `${name}-${count}`;
    taken.add(own);
    names.set(id, own);
  }
  return names;
}
