// What every command gets: where to write, how to load the configuration, when to stop.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemClock, systemRandom } from '../base/clock.ts';
import { type ErrorCode, PublisherError } from '../base/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/options.ts';

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
}

export const clock = systemClock;
export const random = systemRandom;
export const uuid: () => string = randomUUID;

export const VERSION: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Throws `config.invalid` with every problem. */
export function configOf(options: CommonOptions): Config {
  return loadConfig({ ...(options.config ? { file: options.config } : {}), overrides: options.set ?? [] });
}

/** A failure for people on stderr, or for programs on stdout. */
export function report(error: PublisherError, json: boolean): void {
  const { code, message, remedy, exitCode } = error;
  if (json) print(JSON.stringify({ error: { code, message, remedy, exit_code: exitCode } }, null, 2));
  else process.stderr.write(`harvest-kafka: ${message}\n${remedy ? `  ${remedy}\n` : ''}`);
}

export function failure(code: ErrorCode, message: string): PublisherError {
  return new PublisherError(code, message);
}

export interface Interruption {
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came, else null. */
  exitCode(): number | null;
}

/** The first Ctrl-C or SIGTERM asks for a clean stop; the second ends the process at once, which is safe. */
export function interruption(onFirst: () => void = () => {}): Interruption {
  const controller = new AbortController();
  let code: number | null = null;
  const stop = (exitCode: number) => () => {
    if (code !== null) {
      process.stderr.write('harvest-kafka: stopped at once; the state is in Kafka and safe\n');
      process.exit(exitCode);
    }
    code = exitCode;
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', stop(130));
  process.on('SIGTERM', stop(143));
  return { signal: controller.signal, exitCode: () => code };
}
