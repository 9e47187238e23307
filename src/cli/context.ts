// Common to all commands: where to write, when to stop.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemClock, systemRandom } from '../base/clock.ts';
import type { PublisherError } from '../base/errors.ts';
import { packageUrl } from '../base/package-root.ts';
import { indented } from './output.ts';

/** Options of every command. */
export interface CommonOptions {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export interface DemoOptions extends CommonOptions {
  readonly data?: string;
  readonly timeEntries: number;
  readonly every: number;
  /** With the topics in SQL tables. */
  readonly sink?: boolean;
  /** With more than one account or instance, instances that share them. */
  readonly accounts: number;
  readonly instances: number;
}

export const clock = systemClock;
export const random = systemRandom;
export const uuid: () => string = randomUUID;

export const VERSION: string = JSON.parse(readFileSync(packageUrl('package.json'), 'utf8')).version;

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** A failure for people on stderr, or for programs on stdout. */
export function report(error: PublisherError, json: boolean): void {
  const { code, message, remedy, exitCode } = error;
  if (json) print(JSON.stringify({ error: { code, message, remedy, exit_code: exitCode } }, null, 2));
  else process.stderr.write(`harvest-kafka: ${message}\n${remedy ? `${indented(remedy)}\n` : ''}`);
}

export interface Interruption {
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came, else null. */
  exitCode(): number | null;
}

/** One Ctrl-C reaches us twice when npm stands in between: from the terminal, and forwarded by npm. */
const ECHO_MS = 250;

/**
 * The first Ctrl-C or SIGTERM asks for a clean stop; the second ends the process at once, which is safe, and so does the
 * end of `patienceMs`: whoever stops containers kills after ten seconds.
 */
export function interruption(onFirst: () => void = () => {}, patienceMs = Number.POSITIVE_INFINITY): Interruption {
  const controller = new AbortController();
  let code: number | null = null;
  let stoppedAt = 0;
  const endAtOnce = (exitCode: number) => {
    process.stderr.write('harvest-kafka: stopped at once; the state is in Kafka and safe\n');
    process.exit(exitCode);
  };
  const stop = (exitCode: number) => () => {
    if (code !== null) {
      if (clock.monotonic() - stoppedAt < ECHO_MS) return;
      return endAtOnce(exitCode);
    }
    code = exitCode;
    stoppedAt = clock.monotonic();
    onFirst();
    controller.abort();
    if (Number.isFinite(patienceMs)) clock.after(patienceMs, () => endAtOnce(exitCode));
  };
  process.on('SIGINT', stop(130));
  process.on('SIGTERM', stop(143));
  return { signal: controller.signal, exitCode: () => code };
}
