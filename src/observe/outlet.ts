// Lines for a reader that may stall: a log driver that hangs, a terminal stopped with Ctrl-S, a pager nobody scrolls. They are
// handed over and never waited for; what has no room is dropped and counted, so that a reader of the log cannot stop the work.
import { atMost, type Clock } from '../base/clock.ts';

/** The part of a stream such as `process.stdout` that an outlet needs. */
export interface LineReader {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string, done: (failure?: Error | null) => void): unknown;
}

/** Characters kept for a reader that is behind: some thousand lines. */
const ROOM = 1_000_000;

export class Outlet {
  readonly #reader: LineReader;
  /** Characters handed over and not yet taken. */
  #pending = 0;
  #dropped = 0;
  #untold = 0;
  #used = false;
  #onFlow: (lines: number) => void = () => {};
  #onTaken: () => void = () => {};

  constructor(reader: LineReader) {
    this.#reader = reader;
    if (reader.isTTY) letGoOn(reader);
  }

  get columns(): number | undefined {
    return this.#reader.columns;
  }

  get isTTY(): boolean {
    return this.#reader.isTTY === true;
  }

  get isUsed(): boolean {
    return this.#used;
  }

  /** Whether something was written that the reader has not taken. */
  get isBehind(): boolean {
    return this.#pending > 0;
  }

  /** Lines dropped so far, for want of room or because the reader is gone. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `tell` is called when lines flow again after some were dropped, with their number. */
  whenItFlows(tell: (lines: number) => void): void {
    this.#onFlow = tell;
  }

  write(line: string): void {
    this.#used = true;
    if (this.#pending > 0 && this.#pending + line.length > ROOM) {
      this.#dropped += 1;
      this.#untold += 1;
      return;
    }
    this.#pending += line.length;
    this.#reader.write(line, (failure) => {
      this.#pending -= line.length;
      if (failure) this.#dropped += 1;
      if (this.#pending === 0) this.#taken();
    });
  }

  /** Waits until all was taken, at most `ms`. */
  async flushed(clock: Clock, ms: number): Promise<void> {
    if (!this.isBehind) return;
    const taken = new Promise<void>((resolve) => {
      this.#onTaken = resolve;
    });
    await atMost(clock, ms, taken);
  }

  #taken(): void {
    const lines = this.#untold;
    this.#untold = 0;
    if (lines > 0) this.#onFlow(lines);
    if (this.#pending === 0) this.#onTaken();
  }
}

/** Node has writes to a terminal block; pipes it does not. */
function letGoOn(reader: LineReader): void {
  const { _handle: handle } = reader as { _handle?: { setBlocking?: (blocking: boolean) => void } };
  handle?.setBlocking?.(false);
}
