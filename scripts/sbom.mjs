// The bill of materials that the package is published with: `sbom.cdx.json`, what `npm sbom` makes of the lock file when the
// package is packed (CycloneDX; versions, licences and hashes, without what only development needs).
//
//   node scripts/sbom.mjs write [folder] | remove [folder]
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [action, folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2);
const file = join(folder, 'sbom.cdx.json');

if (action === 'write') writeFileSync(file, `${JSON.stringify(materials(), null, 2)}\n`);
else if (action === 'remove') rmSync(file, { force: true });
else throw new Error('usage: node scripts/sbom.mjs write|remove [folder]');

function materials() {
  const options = ['--sbom-format=cyclonedx', '--sbom-type=application', '--omit=dev', '--package-lock-only'];
  const bom = JSON.parse(execFileSync('npm', ['sbom', ...options], { cwd: folder, encoding: 'utf8' }));
  // npm takes the folder's name for the program's.
  bom.metadata.component.name = decodeURIComponent(/^pkg:npm\/(.+)@/.exec(bom.metadata.component.purl)[1]);
  return bom;
}
