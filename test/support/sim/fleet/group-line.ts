// The way of one member to its coordinator: answers may be late or lost, or the member may be gone before it asks. Gives up on an
// answer after as long as the product does.
import type { Coordinator, Joined } from '../../../../src/cluster/coordinator.ts';
import type { GroupDouble, GroupLink } from '../../group-double.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import type { Mortal } from '../mortal.ts';

export type Asked = 'join' | 'sync' | 'beat' | 'leave';
/** `lost`: it was done, and nobody hears of it. */
export type AnswerFate = 'at once' | 'late' | 'lost';

export interface GroupLineParts {
  readonly group: GroupDouble;
  readonly clock: VirtualClock;
  /** The thread that asks. */
  readonly mortal: Mortal;
  readonly sessionMs: number;
  /** Hears what a leader hands in, when the coordinator has taken it. */
  readonly onLed: (joined: Joined, assignments: ReadonlyMap<string, Buffer>) => void;
}

const LATE_MS = 3_000;
const ROUND_MARGIN_MS = 5_000;

export class GroupLine implements Coordinator {
  /** Decides about each answer to come. */
  fate: (asked: Asked) => AnswerFate = () => 'at once';
  /** The member whose way this is, once it has joined. */
  memberId = '';
  readonly #parts: GroupLineParts;
  readonly #link: GroupLink;
  #giveUp = new AbortController();

  constructor(parts: GroupLineParts) {
    this.#parts = parts;
    this.#link = parts.group.link();
  }

  join(memberId: string, metadata: Buffer, onId: (memberId: string) => void): Promise<Joined> {
    const ms = 2 * this.#parts.sessionMs + ROUND_MARGIN_MS;
    return this.#ask('join', ms, async () => {
      const joined = await this.#link.join(memberId, metadata, onId);
      this.memberId = joined.memberId;
      return joined;
    });
  }

  sync(joined: Joined, assignments: ReadonlyMap<string, Buffer>): Promise<Buffer> {
    const { sessionMs, onLed } = this.#parts;
    return this.#ask('sync', sessionMs + ROUND_MARGIN_MS, async () => {
      const answer = await this.#link.sync(joined, assignments);
      if (assignments.size > 0) onLed(joined, assignments);
      return answer;
    });
  }

  beat(joined: Joined): Promise<void> {
    return this.#ask('beat', this.#parts.sessionMs / 2, () => this.#link.beat(joined));
  }

  leave(memberId: string): Promise<void> {
    return this.#ask('leave', this.#parts.sessionMs / 2, () => this.#link.leave(memberId));
  }

  forget(): void {
    this.#giveUp.abort();
    this.#giveUp = new AbortController();
  }

  /** The process is gone. */
  cut(): void {
    this.#link.cut();
  }

  async #ask<Answer>(asked: Asked, ms: number, request: () => Promise<Answer>): Promise<Answer> {
    const { clock, mortal } = this.#parts;
    const { signal } = this.#giveUp;
    await mortal.pass();
    const fate = this.fate(asked);
    await mortal.pass();
    const answer = await this.#within(ms, fate === 'lost' ? lost(request()) : request(), signal);
    if (fate === 'late') await clock.sleep(LATE_MS, signal);
    await mortal.pass();
    return answer;
  }

  async #within<Answer>(ms: number, work: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    let cancel = () => {};
    const overdue = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`no answer in ${ms} ms`));
      const cancelTimer = this.#parts.clock.after(ms, fail);
      signal.addEventListener('abort', fail);
      cancel = () => {
        cancelTimer();
        signal.removeEventListener('abort', fail);
      };
    });
    work.catch(() => {});
    try {
      return await Promise.race([work, overdue]);
    } finally {
      cancel();
    }
  }
}

function lost<Answer>(work: Promise<Answer>): Promise<Answer> {
  work.catch(() => {});
  return new Promise<never>(() => {});
}
