// Child processes of the lab: short commands that run to their end, and servers that must not outlive us, however we
// die. Knows nothing about Kafka.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PublisherError } from '../base/errors.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a command to its end. Resolves with exit code and output, stdout and stderr together; rejects when it cannot be started. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code: code ?? 1, output };
}

export interface ServerOptions {
  /** As it appears in errors: `Kafka broker`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly onLog?: ((line: string) => void) | undefined;
}

const LOG_LINES_KEPT = 2000;

// Reads the server's pid, then waits for the end of its input, which comes with our death of whatever cause.
const WATCHDOG = 'read -r pid && { read -r _; kill -KILL "$pid"; }';

/** A child process that serves until told to stop. It dies with us, even when we are killed with SIGKILL. */
export class Server {
  readonly pid: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exit: Promise<void>;
  readonly #logEnd: Promise<unknown>;
  readonly #listeners = new Set<(line: string) => void>();
  #running = true;

  /** Throws PublisherError `lab.failed` when the command cannot be started. */
  static async start(options: ServerOptions): Promise<Server> {
    const watchdog = spawn('sh', ['-c', WATCHDOG], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    // Detached, so that Ctrl-C in a terminal reaches us alone and we decide how the server stops.
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      await Promise.all([once(child, 'spawn'), once(watchdog, 'spawn')]);
    } catch (cause) {
      watchdog.kill('SIGKILL');
      child.kill('SIGKILL');
      throw new PublisherError('lab.failed', `${options.name} cannot be started: ${(cause as Error).message}`, {
        cause,
      });
    }
    watchdog.stdin.write(`${child.pid}\n`);
    // A pid may be used again once its process is gone, so the watchdog goes first thing after it.
    child.once('exit', () => watchdog.kill('SIGKILL'));
    watchdog.stdin.on('error', () => {});
    watchdog.unref();
    return new Server(options, child);
  }

  private constructor(options: ServerOptions, child: ChildProcess) {
    this.pid = child.pid!;
    this.#name = options.name;
    this.#child = child;
    if (options.onLog) this.#listeners.add(options.onLog);
    this.#exit = once(child, 'exit').then(() => {
      this.#running = false;
    });
    this.#logEnd = Promise.all([child.stdout!, child.stderr!].map((stream) => this.#read(stream)));
  }

  get running(): boolean {
    return this.#running;
  }

  /** The last `count` lines of its output. */
  logTail(count: number): string[] {
    return this.#lines.slice(-count);
  }

  /**
   * Resolves with what `probe` resolves with. Rejects with PublisherError `lab.failed`, the end of the log in its
   * message, when the server exits before or `timeoutMs` go by; with the signal's reason when that aborts.
   * The probe's signal aborts as soon as nobody waits for it.
   */
  async ready<T>(probe: (signal: AbortSignal) => Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T> {
    const over = new AbortController();
    const timeout = AbortSignal.timeout(timeoutMs);
    const interrupts = AbortSignal.any([timeout, over.signal, ...(signal ? [signal] : [])]);
    try {
      return await Promise.race([
        probe(interrupts),
        this.#exit.then(() => this.#fail('stopped before it was ready')),
        new Promise<never>((_, reject) => {
          interrupts.addEventListener('abort', () => reject(interrupts.reason), { once: true });
        }),
      ]);
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) return await this.#fail(`was not ready after ${timeoutMs / 1000} s`);
      throw error;
    } finally {
      over.abort();
    }
  }

  /** Resolves with the first line, past or future, that contains `text`. */
  line(text: string): Promise<string> {
    const past = this.#lines.find((line) => line.includes(text));
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve) => {
      const listener = (line: string) => {
        if (!line.includes(text)) return;
        this.#listeners.delete(listener);
        resolve(line);
      };
      this.#listeners.add(listener);
    });
  }

  /** SIGTERM, then SIGKILL after `graceMs`; resolves when the process is gone. */
  async stop(graceMs = 20_000): Promise<void> {
    this.signal('SIGTERM');
    // A paused process sees SIGTERM only once it goes on.
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.#exit;
    clearTimeout(timer);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exit;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#running) this.#child.kill(signal);
  }

  async #read(stream: NodeJS.ReadableStream): Promise<void> {
    for await (const line of createInterface({ input: stream })) {
      this.#lines.push(line);
      if (this.#lines.length > LOG_LINES_KEPT) this.#lines.shift();
      for (const listener of this.#listeners) listener(line);
    }
  }

  async #fail(what: string): Promise<never> {
    if (!this.#running) await this.#logEnd;
    throw new PublisherError('lab.failed', `${this.#name} ${what}\n${this.logTail(20).join('\n')}`);
  }
}
