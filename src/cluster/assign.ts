// Gives each account to one member. Pure: the same members and memory give the same answer on every machine. An account moves only when its
// owner is gone, leaves or no longer has it, or for balance, and then a few at a time.
import type { Metadata } from './protocol.ts';

/** Things that a leader remembers of the rounds before. */
export interface Memory {
  /** The zone of whoever ran an account last. */
  readonly zones: ReadonlyMap<string, string>;
  /** How heavy accounts were found, for those whose owner vanished. */
  readonly weights: ReadonlyMap<string, number>;
}

export const NOTHING_KNOWN: Memory = { zones: new Map(), weights: new Map() };

/** Member ids by account: where people want it. */
export type Wishes = ReadonlyMap<string, string>;

export interface Share {
  /** Lightest first; the member whose release is to be waited for, null when the account has no owner. */
  readonly accounts: readonly { readonly account: string; readonly from: string | null }[];
}

export interface Assigned {
  /** By member id. */
  readonly shares: ReadonlyMap<string, Share>;
  readonly unassigned: readonly { readonly account: string; readonly why: string }[];
  /** Accounts that two members claimed under one term, which no healthy group lets happen. */
  readonly disputed: readonly string[];
  /** Moving some accounts would make the loads more even. */
  readonly isUneven: boolean;
}

const LIGHTEST = 1;

/**
 * `members` by id. With `moves` accounts move for balance, so many at the most, as long as none is without an owner; 0 leaves
 * each where it is.
 */
export function assign(
  members: ReadonlyMap<string, Metadata>,
  moves: number,
  memory: Memory = NOTHING_KNOWN,
  wishes: Wishes = new Map(),
): Assigned {
  const board = new Board(members, memory);
  const orphans = board.accounts.filter((account) => !board.keep(account));
  for (const account of orphans) board.place(account);
  for (const [account, to] of wishes) board.move(account, to);
  for (let left = orphans.length === 0 ? moves : 0; left > 0 && board.even(); left--);
  return { ...board.result(), isUneven: board.unevenness() !== null };
}

interface Move {
  readonly account: string;
  readonly to: string;
}

class Board {
  readonly accounts: readonly string[];
  readonly #members: ReadonlyMap<string, Metadata>;
  readonly #memory: Memory;
  readonly #weights: ReadonlyMap<string, number>;
  /** Ids of members that take accounts. */
  readonly #staying: readonly string[];
  readonly #capable: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #claims = new Map<string, { readonly id: string; readonly term: number }[]>();
  readonly #owners = new Map<string, string>();
  readonly #from = new Map<string, string>();
  /** For balance, in this round. */
  readonly #moved = new Set<string>();
  readonly #loads = new Map<string, number>();
  readonly #unassigned: string[] = [];
  readonly #disputed: string[] = [];

  constructor(members: ReadonlyMap<string, Metadata>, memory: Memory) {
    this.#members = new Map([...members].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#memory = memory;
    const all = [...this.#members.values()];
    this.accounts = [...new Set(all.flatMap(({ accounts }) => accounts))].sort();
    this.#staying = [...this.#members].filter(([, { leaving }]) => !leaving).map(([id]) => id);
    this.#capable = new Map([...this.#members].map(([id, { accounts }]) => [id, new Set(accounts)]));
    this.#weights = new Map(all.flatMap(({ weight }) => Object.entries(weight)));
    for (const id of this.#staying) this.#loads.set(id, 0);
    for (const [id, { claims }] of this.#members) {
      for (const [account, term] of claims) {
        this.#claims.set(account, [...(this.#claims.get(account) ?? []), { id, term }]);
      }
    }
  }

  /** Leaves an account with whoever claims it under the greatest term, if that member goes on running it. */
  keep(account: string): boolean {
    const claims = this.#claims.get(account) ?? [];
    const greatest = Math.max(...claims.map(({ term }) => term));
    const [claimant, ...equals] = claims.filter(({ term }) => term === greatest);
    if (claimant === undefined) return false;
    if (equals.length > 0) this.#disputed.push(account);
    if (!this.#runs(claimant.id, account)) {
      this.#from.set(account, claimant.id);
      return false;
    }
    this.#give(account, claimant.id);
    return true;
  }

  /** Gives an account without an owner to the member with the least load; of equals, to one of another zone than the last owner's. */
  place(account: string): void {
    const lastOwner = this.#from.get(account);
    const zone = lastOwner === undefined ? this.#memory.zones.get(account) : this.#members.get(lastOwner)!.zone;
    const isElsewhere = (id: string) => zone === undefined || this.#members.get(id)!.zone !== zone;
    const candidates = this.#staying.filter((id) => this.#runs(id, account));
    const least = Math.min(...candidates.map((id) => this.#loads.get(id)!));
    const lightest = candidates.filter((id) => this.#loads.get(id) === least);
    const chosen = lightest.find(isElsewhere) ?? lightest[0];
    if (chosen === undefined) this.#unassigned.push(account);
    else this.#give(account, chosen);
  }

  /** Moves an account to where a person wants it, if that member can run it. */
  move(account: string, to: string): void {
    const owner = this.#owners.get(account);
    if (owner === undefined || owner === to || !this.#members.has(to) || !this.#runs(to, account)) return;
    // Whoever has to release it stays the one who has it now.
    if (!this.#from.has(account)) this.#from.set(account, owner);
    this.#moved.add(account);
    this.#loads.set(owner, this.#loads.get(owner)! - this.#weight(account));
    this.#give(account, to);
  }

  /** Moves one account to where it makes the loads more even; false when none does. */
  even(): boolean {
    const move = this.unevenness();
    if (move === null) return false;
    const owner = this.#owners.get(move.account)!;
    this.#from.set(move.account, owner);
    this.#moved.add(move.account);
    this.#loads.set(owner, this.#loads.get(owner)! - this.#weight(move.account));
    this.#give(move.account, move.to);
    return true;
  }

  /** The move that evens most, null when the loads are even enough: a difference of one account or a tenth is. */
  unevenness(): Move | null {
    let best: (Move & { readonly gain: number }) | null = null;
    for (const [account, owner] of this.#owners) {
      if (this.#moved.has(account)) continue;
      const weight = this.#weight(account);
      const load = this.#loads.get(owner)!;
      for (const to of this.#staying) {
        const gain = load - this.#loads.get(to)! - weight;
        if (gain <= 0 || load - this.#loads.get(to)! <= load / 10 || !this.#runs(to, account)) continue;
        if (best === null || gain > best.gain) best = { account, to, gain };
      }
    }
    return best;
  }

  result(): Omit<Assigned, 'isUneven'> {
    const shares = new Map<string, Share>();
    for (const id of this.#members.keys()) {
      const own = [...this.#owners].filter(([, owner]) => owner === id).map(([account]) => account);
      own.sort((a, b) => this.#weight(a) - this.#weight(b) || (a < b ? -1 : 1));
      const accounts = own.map((account) => ({ account, from: this.#from.get(account) ?? null }));
      shares.set(id, { accounts });
    }
    const unassigned = this.#unassigned.map((account) => ({ account, why: 'no member that stays has it' }));
    return { shares, unassigned, disputed: this.#disputed };
  }

  #runs(id: string, account: string): boolean {
    return !this.#members.get(id)!.leaving && this.#capable.get(id)!.has(account);
  }

  #give(account: string, id: string): void {
    this.#owners.set(account, id);
    this.#loads.set(id, this.#loads.get(id)! + this.#weight(account));
  }

  #weight(account: string): number {
    return Math.max(LIGHTEST, this.#weights.get(account) ?? this.#memory.weights.get(account) ?? LIGHTEST);
  }
}
