// The configuration a command runs with. Apart from context.ts, which `--help` needs too.
import { loadConfig } from '../config/load.js';
/** Throws `config.invalid` with every problem. */
export function configOf(options) {
    return loadConfig({ ...(options.config ? { file: options.config } : {}), overrides: options.set ?? [] });
}
