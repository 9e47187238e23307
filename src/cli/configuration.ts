// The configuration a command runs with. Apart from context.ts, which `--help` needs too.
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/options.ts';
import type { Environment } from '../config/substitute.ts';
import type { CommonOptions } from './context.ts';

/** Throws `config.invalid` with every problem. */
export function configOf(options: CommonOptions, around: Partial<Environment> = {}): Config {
  return loadConfig({ ...(options.config ? { file: options.config } : {}), overrides: options.set ?? [], ...around });
}
