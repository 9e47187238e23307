// A group coordinator in memory, in virtual time: members, generations, sessions and the barrier of a round, as a broker has them.
import type { Coordinator, Joined } from '../../src/cluster/coordinator.ts';
import type { VirtualClock } from './virtual-clock.ts';

interface Seat {
  readonly id: string;
  metadata: Buffer;
  /** Waits for the end of a round. */
  joining: { resolve(joined: Joined): void; reject(error: Error): void } | null;
  /** Waits for the word of the leader. */
  syncing: { resolve(assignment: Buffer): void; reject(error: Error): void } | null;
  assignment: Buffer;
  /** Ends the session unless it is heard of. */
  cancel: () => void;
}

/** One member's way to the coordinator; when it is cut, nothing is answered any more. */
export interface GroupLink extends Coordinator {
  cut(): void;
}

export class GroupDouble {
  readonly #clock: VirtualClock;
  readonly #sessionMs: number;
  #seats = new Map<string, Seat>();
  #state: 'joining' | 'syncing' | 'stable' = 'stable';
  #generation = 0;
  #leader = '';
  #made = 0;
  #isAway = false;
  #cancelRound = () => {};
  /** The last round that was told, as it lies in the broker's own log. */
  #told = { generation: 0, leader: '', seats: new Map<string, Pick<Seat, 'metadata' | 'assignment'>>() };

  constructor(clock: VirtualClock, sessionMs: number) {
    this.#clock = clock;
    this.#sessionMs = sessionMs;
  }

  /** Its broker is down; it remembers its members. */
  goAway(): void {
    this.#isAway = true;
    for (const seat of this.#seats.values()) {
      seat.cancel();
      this.#refuse(seat, unreachable());
    }
    this.#cancelRound();
  }

  comeBack(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    for (const seat of this.#seats.values()) this.#touch(seat);
    if (this.#state === 'joining') this.#awaitMembers();
  }

  /** Another broker takes over: it knows the last round that was told, and what was being joined is begun again. */
  move(): void {
    if (this.#isAway) return;
    this.#cancelRound();
    for (const seat of this.#seats.values()) this.#refuse(seat, unreachable());
    const told = this.#told;
    for (const { id, cancel } of [...this.#seats.values()]) {
      if (told.seats.has(id)) continue;
      cancel();
      this.#seats.delete(id);
    }
    for (const [id, words] of told.seats) {
      const seat = this.#seats.get(id) ?? this.#newSeat(id);
      Object.assign(seat, words);
      this.#touch(seat);
    }
    this.#generation = told.generation;
    this.#leader = told.leader;
    this.#state = 'stable';
  }

  /** It does not know this member any more. */
  evict(id: string): void {
    const seat = this.#seats.get(id);
    if (!seat) return;
    seat.cancel();
    this.#refuse(seat, answer('UNKNOWN_MEMBER_ID'));
    this.#seats.delete(id);
    this.#prepare();
  }

  /** It forgets everything, as of a group that was empty for a week. */
  forget(): void {
    for (const id of [...this.#seats.keys()]) this.evict(id);
    this.#generation = 0;
    this.#note();
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** A round is under way: whoever dies in it is waited for as if it were there. */
  get isInRound(): boolean {
    return this.#state !== 'stable';
  }

  leads(memberId: string): boolean {
    return this.#leader === memberId;
  }

  link(): GroupLink {
    let isCut = false;
    let sever = () => {};
    const severed = () =>
      new Promise<never>((_, reject) => {
        sever = () => reject(unreachable());
      });
    let end = severed();
    end.catch(() => {});
    const reach = async <T>(work: () => T | Promise<T>): Promise<T> => {
      if (isCut) return new Promise<never>(() => {});
      if (this.#isAway) throw unreachable();
      const result = await Promise.race([work(), end]);
      return isCut ? new Promise<never>(() => {}) : result;
    };
    return {
      join: async (id, metadata, onId) => {
        const own = id === '' ? await reach(() => this.#expect()) : id;
        if (id === '') onId(own);
        return reach(() => this.#join(own, metadata, id === ''));
      },
      sync: (joined, assignments) => reach(() => this.#sync(joined, assignments)),
      beat: (joined) => reach(() => this.#touch(this.#seat(joined))),
      leave: (id) => reach(() => this.evict(id)),
      forget: () => {
        sever();
        end = severed();
        end.catch(() => {});
      },
      cut: () => {
        isCut = true;
      },
    };
  }

  /** Gives a new member its id, and waits for it from then on. */
  #expect(): string {
    const seat = this.#newSeat();
    this.#touch(seat);
    return seat.id;
  }

  #join(id: string, metadata: Buffer, isNew: boolean): Promise<Joined> {
    const seat = this.#seats.get(id);
    if (!seat) throw answer('UNKNOWN_MEMBER_ID');
    const isNews = isNew || id === this.#leader || !metadata.equals(seat.metadata);
    seat.metadata = metadata;
    // A follower that says what it said before is told the round in force.
    if (this.#state === 'stable' && !isNews) return Promise.resolve(this.#joined(seat));
    const joined = new Promise<Joined>((resolve, reject) => {
      seat.joining = { resolve, reject };
    });
    seat.cancel();
    this.#prepare();
    return joined;
  }

  #newSeat(id = `m${++this.#made}`): Seat {
    const none = { metadata: Buffer.alloc(0), assignment: Buffer.alloc(0) };
    const seat: Seat = { id, ...none, joining: null, syncing: null, cancel: () => {} };
    this.#seats.set(id, seat);
    return seat;
  }

  #prepare(): void {
    if (this.#state !== 'joining') {
      this.#state = 'joining';
      for (const { syncing } of this.#seats.values()) syncing?.reject(answer('REBALANCE_IN_PROGRESS'));
      this.#awaitMembers();
    }
    if ([...this.#seats.values()].every(({ joining }) => joining !== null)) this.#complete();
  }

  /** Whoever has not joined by then is none any more. */
  #awaitMembers(): void {
    this.#cancelRound();
    this.#cancelRound = this.#clock.after(this.#sessionMs, () => {
      for (const { id, joining } of [...this.#seats.values()]) if (joining === null) this.evict(id);
    });
  }

  #complete(): void {
    this.#cancelRound();
    this.#generation++;
    this.#state = 'syncing';
    if (!this.#seats.has(this.#leader)) this.#leader = [...this.#seats.keys()][0] ?? '';
    for (const seat of this.#seats.values()) {
      seat.assignment = Buffer.alloc(0);
      seat.joining!.resolve(this.#joined(seat));
      seat.joining = null;
      this.#touch(seat);
    }
  }

  #joined({ id }: Seat): Joined {
    const said = [...this.#seats.values()].map((seat) => [seat.id, seat.metadata] as const);
    const members = id === this.#leader ? new Map(said) : new Map<string, Buffer>();
    return { memberId: id, generation: this.#generation, leaderId: this.#leader, members };
  }

  #sync(joined: Joined, assignments: ReadonlyMap<string, Buffer>): Buffer | Promise<Buffer> {
    const seat = this.#seat(joined);
    this.#touch(seat);
    if (this.#state === 'stable') return seat.assignment;
    if (seat.id === this.#leader) {
      this.#state = 'stable';
      for (const each of this.#seats.values()) {
        each.assignment = assignments.get(each.id) ?? Buffer.alloc(0);
        each.syncing?.resolve(each.assignment);
        each.syncing = null;
      }
      this.#note();
      return seat.assignment;
    }
    return new Promise((resolve, reject) => {
      seat.syncing = { resolve, reject };
    });
  }

  #note(): void {
    const words = [...this.#seats.values()].map(
      ({ id, metadata, assignment }) => [id, { metadata, assignment }] as const,
    );
    this.#told = { generation: this.#generation, leader: this.#leader, seats: new Map(words) };
  }

  #seat({ memberId, generation }: Joined): Seat {
    const seat = this.#seats.get(memberId);
    if (!seat) throw answer('UNKNOWN_MEMBER_ID');
    if (this.#state === 'joining') throw answer('REBALANCE_IN_PROGRESS');
    if (generation !== this.#generation) throw answer('ILLEGAL_GENERATION');
    return seat;
  }

  #touch(seat: Seat): void {
    seat.cancel();
    seat.cancel = this.#clock.after(this.#sessionMs, () => this.evict(seat.id));
  }

  #refuse(seat: Seat, error: Error): void {
    seat.joining?.reject(error);
    seat.syncing?.reject(error);
    seat.joining = null;
    seat.syncing = null;
  }
}

function answer(type: string): Error {
  return Object.assign(new Error(type), { type });
}

function unreachable(): Error {
  return Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
}
