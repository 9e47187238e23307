// Prints changes as they come, a line each. First reads come by the thousand: they are counted, and the count is printed when
// they pause.
import type { Clock } from '../base/clock.ts';
import { changes, identity, label, type Row } from './change.ts';
import { type Paint, printable } from './output.ts';

/** A committed record with what its key held before. Rows are as Harvest writes them; text is a value that cannot be read. */
export interface Change {
  readonly account: string;
  readonly stream: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was published, in ms. */
  readonly at: number;
  /** `c`, `u`, `d`, or `r` for the first read of a record that is older than the topic. */
  readonly op: string;
  readonly key: Row | string;
  /** Null when the key was not there. */
  readonly before: Row | string | null;
  /** Null when the record was deleted. */
  readonly after: Row | string | null;
}

export interface PrinterOptions {
  readonly write: (line: string) => void;
  readonly paint: Paint;
  readonly clock: Clock;
  /** Lines are cut here; left out, they are not. */
  readonly width?: number | undefined;
  /** Whether the account stands before the stream. */
  readonly showAccount?: boolean;
  /** First reads are printed like other changes. */
  readonly showFirstReads?: boolean;
}

const SIGNS = { c: ['+', 'green'], u: ['~', 'yellow'], d: ['-', 'red'], r: ['·', 'gray'] } as const;
const COUNT_PAUSE_MS = 500;
const STREAM_WIDTH = 22;
const ID_WIDTH = 12;

export class ChangePrinter {
  readonly #options: PrinterOptions;
  readonly #counts = new Map<string, number>();
  #cancel: (() => void) | null = null;

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  show(change: Change): void {
    const { paint, showAccount, showFirstReads, width } = this.#options;
    const { account, stream, op, key, at } = change;
    if (op === 'r' && !showFirstReads) {
      this.#count(stream);
      return;
    }
    const [sign, color] = SIGNS[op as keyof typeof SIGNS] ?? ['?', 'gray'];
    const names = `${showAccount ? `${account} ` : ''}${stream.padEnd(STREAM_WIDTH)} ${identity(key).padEnd(ID_WIDTH)}`;
    const time = new Date(at).toISOString().slice(11, 19);
    const line = printable(`${sign} ${names} ${told(change)}`.trimEnd());
    const room = width === undefined ? line.length : Math.max(0, width - time.length - 1);
    this.#write(`${paint('gray', time)} ${paint(color, line.slice(0, room))}`);
  }

  /** Prints what is counted so far. */
  close(): void {
    this.#cancel?.();
    this.#flush();
  }

  #count(stream: string): void {
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(COUNT_PAUSE_MS, () => this.#flush());
  }

  #flush(): void {
    if (this.#counts.size === 0) return;
    const { clock, paint } = this.#options;
    const counted = [...this.#counts].map(([stream, count]) => `${stream} ${count}`).join(', ');
    this.#counts.clear();
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    this.#write(paint('gray', `${time} · read for the first time: ${counted}`));
  }

  #write(line: string): void {
    this.#options.write(`${line}\n`);
  }
}

function told({ before, after }: Change): string {
  const row = after ?? before;
  if (row === null) return '';
  if (typeof row === 'string') return row;
  return after !== null && before !== null && typeof before !== 'string' ? changes(before, row) : label(row);
}
