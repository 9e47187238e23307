// The versions that the command is published with: `npm-shrinkwrap.json`, made of the lock file when the package is packed, so
// that `npx harvest-kafka` runs what the tests ran. It lies in the folder only while npm packs, because npm would take it for
// the lock file of the repository.
//
//   node scripts/shrinkwrap.mjs write [folder] | remove [folder]
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [action, folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2);
const file = join(folder, 'npm-shrinkwrap.json');

if (action === 'write') writeFileSync(file, `${JSON.stringify(published(), null, 2)}\n`);
else if (action === 'remove') rmSync(file, { force: true });
else throw new Error('usage: node scripts/shrinkwrap.mjs write|remove [folder]');

/** The lock file without what only development needs. */
function published() {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages)
    .filter(([, { dev }]) => !dev)
    .map(([path, { devDependencies, ...entry }]) => [path, entry]);
  return { ...lock, packages: Object.fromEntries(packages) };
}
