// The share of its machine that a process takes, as the machine tells it: memory and open files, sampled; and whether they grow.
import { readdir, readFile, readlink } from 'node:fs/promises';

/** The lowest cost in one stretch of time: memory that is about to be collected, and files about to be closed, are no leak. */
export interface Vitals {
  readonly rssMb: number;
  /** Of V8's heap, as /metrics tells it. */
  readonly heapMb: number;
  /** Rows on the topics, for which there is memory to be had. */
  readonly topicRows: number;
  readonly sockets: number;
  /** Open files that are no sockets. */
  readonly files: number;
}

export class VitalSigns {
  readonly rows: Vitals[] = [];
  readonly #pid: number;
  readonly #address: string;
  #samples: Vitals[] = [];

  /** Of the daemon `pid` whose HTTP door is at `address`. */
  constructor(pid: number, address: string) {
    this.#pid = pid;
    this.#address = address;
  }

  async sample(): Promise<void> {
    const [rssMb, told, open] = await Promise.all([memoryOf(this.#pid, 'VmRSS'), this.#told(), openFiles(this.#pid)]);
    this.#samples.push({ rssMb, ...told, ...open });
  }

  /** Ends a stretch, and tells it. */
  row(): Vitals {
    const samples = this.#samples;
    this.#samples = [];
    const lowest = (name: keyof Vitals) => Math.min(...samples.map((sample) => sample[name]));
    const row = {
      rssMb: lowest('rssMb'),
      heapMb: lowest('heapMb'),
      topicRows: lowest('topicRows'),
      sockets: lowest('sockets'),
      files: lowest('files'),
    };
    this.rows.push(row);
    return row;
  }

  /** The most memory that the process ever had resident, MB. */
  peakMb(): Promise<number> {
    return memoryOf(this.#pid, 'VmHWM');
  }

  async #told(): Promise<Pick<Vitals, 'heapMb' | 'topicRows'>> {
    const text = await (await fetch(`${this.#address}/metrics`)).text();
    const sum = (name: RegExp) => [...text.matchAll(name)].reduce((all, [, value]) => all + Number(value), 0);
    return {
      heapMb: sum(/^nodejs_heap_size_used_bytes (\S+)$/gm) / 2 ** 20,
      topicRows: sum(/^harvest_kafka_stream_rows\{.*\} (\S+)$/gm),
    };
  }
}

/** The medians of the second and of the last quarter: the first is for warming up. */
export function quarters(
  rows: readonly Vitals[],
  pick: keyof Vitals,
): { readonly early: number; readonly late: number } {
  const numbers = rows.map((row) => row[pick]);
  const quarter = (nth: number) =>
    median(numbers.slice(Math.floor((numbers.length * nth) / 4), Math.floor((numbers.length * (nth + 1)) / 4)));
  return { early: quarter(1), late: quarter(3) };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function openFiles(pid: number): Promise<Pick<Vitals, 'sockets' | 'files'>> {
  const names = await readdir(`/proc/${pid}/fd`);
  // One that is closed meanwhile is none.
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => null)));
  const open = targets.filter((target) => target !== null);
  const sockets = open.filter((target) => target.startsWith('socket:')).length;
  return { sockets, files: open.length - sockets };
}

/** A line of the process's status, MB. */
export async function memoryOf(pid: number, line: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) / 1024;
}
