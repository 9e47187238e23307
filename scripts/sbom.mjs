// The bill of materials that the package is published with: `sbom.cdx.json`, what `npm sbom` makes of npm-shrinkwrap.json when the
// package is packed (CycloneDX; versions, licences and hashes of exactly what is installed with it).
//
//   node scripts/sbom.mjs write [folder] | remove [folder]      after scripts/shrinkwrap.mjs
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [action, folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2);
const file = join(folder, 'sbom.cdx.json');

if (action === 'write') writeFileSync(file, `${JSON.stringify(materials(), null, 2)}\n`);
else if (action === 'remove') rmSync(file, { force: true });
else throw new Error('usage: node scripts/sbom.mjs write|remove [folder]');

/** Asked for in a folder that knows nothing of development: `--omit=dev` leaves out what development needs as well. */
function materials() {
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const place = mkdtempSync(join(tmpdir(), 'harvest-kafka-sbom-'));
  try {
    writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
    copyFileSync(join(folder, 'npm-shrinkwrap.json'), join(place, 'package-lock.json'));
    const options = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
    const bom = JSON.parse(execFileSync('npm', ['sbom', ...options], { cwd: place, encoding: 'utf8' }));
    // npm takes the folder's name for the program's.
    bom.metadata.component.name = manifest.name;
    return bom;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
