// Child processes of the lab: short commands that run to their end, and servers that must not outlive us, however we
// die. Knows nothing about Kafka.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { systemClock } from '../../src/base/clock.ts';
import { PublisherError } from '../../src/base/errors.ts';

/** Whom a process runs as, when we are root and it refuses to be. */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
}

export interface CommandOptions extends User {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/** Whether an HTTP server answers there with success. */
export async function answersAt(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
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
  /** Default: ours. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly user?: User;
  /** What asks it to end; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  readonly onLog?: ((line: string) => void) | undefined;
}

// A JVM on a busy machine takes minutes to start, and says something all the while.
const SILENT_MS = 120_000;
const READY_WITHIN_MS = 600_000;
const STOPPED_WITHIN_MS = 20_000;
const LOG_LINES_KEPT = 2000;

// Reads the server's pid, then waits for the end of its input, which comes with our death of whatever cause.
const WATCHDOG = 'read -r pid && { read -r _; kill -KILL "$pid"; }';

/** Has the child killed when we die, of whatever cause. Rejects when there is no shell. */
export async function dieWithUs(child: ChildProcess): Promise<void> {
  const watchdog = spawn('sh', ['-c', WATCHDOG], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.stdin.on('error', () => {});
  // A pid may be used again once its process is gone, so the watchdog goes first thing after it.
  for (const end of ['exit', 'error']) child.once(end, () => watchdog.kill('SIGKILL'));
  await once(watchdog, 'spawn');
  watchdog.stdin.write(`${child.pid}\n`);
  watchdog.unref();
}

/** A child process that serves until told to stop. It dies with us, even when we are killed with SIGKILL. */
export class Server {
  readonly pid: number;
  /** Rejects with PublisherError `lab.failed` and the end of the log when the server ends although nobody told it to. */
  readonly died: Promise<never>;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;
  readonly #lines: string[] = [];
  readonly #exited: Promise<void>;
  #heardAt = 0;
  #running = true;
  /** Somebody told it to end. */
  #told = false;

  /** Throws PublisherError `lab.failed` when the command cannot be started. */
  static async start(options: ServerOptions): Promise<Server> {
    // Detached, so that Ctrl-C in a terminal reaches us alone and we decide how the server stops.
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      ...options.user,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      await Promise.all([once(child, 'spawn'), dieWithUs(child)]);
    } catch (cause) {
      child.kill('SIGKILL');
      throw new PublisherError('lab.failed', `${options.name} cannot be started: ${(cause as Error).message}`, {
        cause,
      });
    }
    return new Server(options, child);
  }

  private constructor(options: ServerOptions, child: ChildProcess) {
    this.pid = child.pid!;
    this.#name = options.name;
    this.#child = child;
    this.#stopSignal = options.stopSignal ?? 'SIGTERM';
    const logEnd = Promise.all([child.stdout!, child.stderr!].map((stream) => this.#keep(stream, options.onLog)));
    this.#exited = once(child, 'exit').then(async () => {
      this.#running = false;
      await logEnd;
    });
    this.died = this.#exited.then(() => {
      if (this.#told) return new Promise<never>(() => {});
      throw this.#failure('stopped by itself');
    });
    this.died.catch(() => {});
  }

  get running(): boolean {
    return this.#running;
  }

  /** The last `count` lines of its output. */
  logTail(count: number): string[] {
    return this.#lines.slice(-count);
  }

  hasLogged(text: string): boolean {
    return this.#lines.some((line) => line.includes(text));
  }

  /**
   * Resolves once `answers` resolves with true; it is asked again and again. Rejects with PublisherError `lab.failed`
   * and the end of the log when the server exits before, says nothing for two minutes or is not ready in ten; with the
   * signal's reason when that aborts. The process is gone then.
   */
  async ready(answers: (signal: AbortSignal) => Promise<boolean>, signal?: AbortSignal): Promise<void> {
    try {
      await this.#whenReady(answers, signal);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async #whenReady(answers: (signal: AbortSignal) => Promise<boolean>, signal?: AbortSignal): Promise<void> {
    const began = systemClock.monotonic();
    const timeout = AbortSignal.timeout(READY_WITHIN_MS);
    const patience = signal ? AbortSignal.any([timeout, signal]) : timeout;
    while (!(await answers(patience))) {
      signal?.throwIfAborted();
      if (!this.#running) {
        await this.#exited;
        throw this.#failure('stopped before it was ready');
      }
      const now = systemClock.monotonic();
      if (timeout.aborted || now - Math.max(began, this.#heardAt) > SILENT_MS)
        throw this.#failure(`was not ready after ${Math.round((now - began) / 1000)} s`);
      await systemClock.sleep(50, patience);
    }
  }

  /** Asks it to end, then SIGKILL if that does not help; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#told = true;
    this.signal(this.#stopSignal);
    // A paused process sees the signal only once it goes on.
    this.signal('SIGCONT');
    const cancel = systemClock.after(STOPPED_WITHIN_MS, () => this.signal('SIGKILL'));
    await this.#exited;
    cancel();
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#told = true;
    this.signal('SIGKILL');
    await this.#exited;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#running) this.#child.kill(signal);
  }

  async #keep(stream: Readable, onLog: ServerOptions['onLog']): Promise<void> {
    for await (const line of createInterface({ input: stream })) {
      this.#heardAt = systemClock.monotonic();
      this.#lines.push(line);
      if (this.#lines.length > LOG_LINES_KEPT) this.#lines.shift();
      onLog?.(line);
    }
  }

  #failure(what: string): PublisherError {
    return new PublisherError('lab.failed', `${this.#name} ${what}\n${this.logTail(20).join('\n')}`);
  }
}
