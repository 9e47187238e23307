// The configuration a command runs with. Apart from context.ts, which `--help` needs too.
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/options.ts';
import type { Surroundings } from '../config/substitute.ts';
import type { CommonOptions } from './context.ts';

/** Throws `config.invalid` with every problem. */
export function configOf(options: CommonOptions, around: Partial<Surroundings> = {}): Config {
  return loadConfig({ ...(options.config ? { file: options.config } : {}), overrides: options.set ?? [], ...around });
}
