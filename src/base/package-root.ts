// Where the package lies: what ships beside the code (schemas, configuration, poms) is found from here, whether the code
// runs from the sources or compiled, which lie at different depths.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The nearest folder above this file that holds a package.json. */
const ROOT = packageRoot(new URL('.', import.meta.url));

function packageRoot(folder: URL): URL {
  return existsSync(new URL('package.json', folder)) ? folder : packageRoot(new URL('..', folder));
}

/** The address of a file or folder (`avro/`) of the package. */
export function packageUrl(path: string): URL {
  return new URL(path, ROOT);
}

/** The same as a path. */
export function packagePath(path: string): string {
  return fileURLToPath(packageUrl(path));
}
