// How a command goes on: a block redrawn in place on a terminal, a line now and then elsewhere.

import { type Clock, repeat } from '../base/clock.ts';
import type { Output } from './output.ts';
import { standardOutput } from './standard-output.ts';

const DRAW_INTERVAL_MS = 1_000;
const LINE_INTERVAL_MS = 15_000;

/** A terminal with a block that stays below the lines written to it. */
export class Screen {
  readonly #output: Output;
  #block: readonly string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  /** A line above the block: log lines come through here, so that neither destroys the other. */
  write(line: string): void {
    this.#output.write(this.#erasure() + line + this.#text());
  }

  /** Draws `block` where the block before it stood; an empty one takes it away. */
  draw(block: readonly string[]): void {
    const erasure = this.#erasure();
    // A line that the terminal would break in two would spoil the count of lines to go back.
    const width = Math.max(20, (this.#output.columns ?? 80) - 1);
    this.#block = block.map((line) => line.slice(0, width));
    if (erasure !== '' || block.length > 0) this.#output.write(erasure + this.#text());
  }

  #text(): string {
    return this.#block.map((line) => `${line}\n`).join('');
  }

  /** Up over the block, and everything below erased. */
  #erasure(): string {
    return this.#block.length > 0 ? `\x1b[${this.#block.length}A\x1b[J` : '';
  }
}

/** The screen of this process: the log of a terminal writes through it too. */
export const screen = new Screen(standardOutput);

/** Shows how far something is, until `close`. */
export function showProgress(options: {
  readonly clock: Clock;
  /** Whether a person looks on: `block` is drawn on `canvas`, instead of a call of `tell` now and then. */
  readonly terminal: boolean;
  readonly block: () => readonly string[];
  readonly tell: () => void;
  readonly canvas?: Screen;
}): { close(): void } {
  const { clock, terminal, block, tell, canvas = screen } = options;
  const everyMs = terminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS;
  const cancel = repeat(clock, everyMs, () => (terminal ? canvas.draw(block()) : tell()));
  return {
    close: () => {
      cancel();
      if (terminal) canvas.draw([]);
    },
  };
}
