// The hand of fate on a process, or on one thread of it: it can die at a named point, and be stopped and woken. Whoever is dead
// does nothing any more, not even finally: what it waited for never comes.
import type { Clock } from '../../../src/base/clock.ts';

/** Where a process can die. */
export const POINTS = [
  'before a request',
  'after an answer',
  'before a commit',
  'after a commit',
  'while opening',
  'while restoring',
] as const;
export type Point = (typeof POINTS)[number];

/** Nothing ever comes of it. */
const NEVER = new Promise<never>(() => {});

export class Mortal {
  #isDead = false;
  #doom: { readonly point: Point; left: number } | null = null;
  #frozen: { readonly thawed: Promise<void>; readonly thaw: () => void } | null = null;

  get isDead(): boolean {
    return this.#isDead;
  }

  get isFrozen(): boolean {
    return this.#frozen !== null;
  }

  /** SIGKILL. */
  kill(): void {
    this.#isDead = true;
  }

  /** Dies when it passes that point for the `nth` time from now. */
  doom(point: Point, nth: number): void {
    this.#doom = { point, left: nth };
  }

  /** SIGSTOP, until `thaw`. */
  freeze(): void {
    if (this.#frozen) return;
    let thaw = () => {};
    const thawed = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    this.#frozen = { thawed, thaw };
  }

  thaw(): void {
    this.#frozen?.thaw();
    this.#frozen = null;
  }

  /** Every way into the world leads through here. */
  async pass(point: Point | null = null): Promise<void> {
    while (this.#frozen) await this.#frozen.thawed;
    if (this.#doom && this.#doom.point === point && --this.#doom.left <= 0) this.#isDead = true;
    if (this.#isDead) await NEVER;
  }

  /** Does it when it can: now, when it is thawed, or never. */
  awake(task: () => void): void {
    if (this.#isDead) return;
    if (this.#frozen) void this.#frozen.thawed.then(() => this.awake(task));
    else task();
  }

  /** The clock as it sees it. */
  on(machine: Clock): Clock {
    return {
      now: () => machine.now(),
      monotonic: () => machine.monotonic(),
      sleep: (ms, signal) => new Promise((resolve) => void machine.sleep(ms, signal).then(() => this.awake(resolve))),
      after: (ms, task) => machine.after(ms, () => this.awake(task)),
    };
  }
}
