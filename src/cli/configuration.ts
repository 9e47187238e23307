// The configuration a command runs with. Apart from context.ts, which `--help` needs too.
import { readOrdinaryFile } from '../config/files.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/options.ts';
import type { Environment } from '../config/substitute.ts';
import type { CommonOptions } from './context.ts';

/** Throws `config.invalid` with every problem. */
export function configOf(options: CommonOptions, around: Partial<Environment> = {}): Config {
  return loadConfig({ ...(options.config ? { file: options.config } : {}), overrides: options.set ?? [], ...around });
}

/** The id of the account while none is given. */
export const NO_ACCOUNT = '0';

/** For commands that ask nothing of Harvest, so that they work before there is a token. */
export function withoutAccount(): Environment {
  return {
    env: { HARVEST_ACCOUNT_ID: NO_ACCOUNT, HARVEST_ACCESS_TOKEN: 'none', ...process.env },
    readFile: (path) => {
      try {
        return readOrdinaryFile(path);
      } catch {
        return Buffer.from('none');
      }
    },
  };
}
