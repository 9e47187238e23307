// `npm run calendars [-- name…]`: the whole unit shelf once on each awkward day of test/support/epoch.ts, on a machine in the
// zone of that day. What vitest is to run otherwise comes after a second `--`.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const epoch = readFileSync(new URL('../test/support/epoch.ts', import.meta.url), 'utf8');
const calendars = [...epoch.matchAll(/name: '([^']+)'.*zone: '([^']+)'/g)].map(([, name, zone]) => ({ name, zone }));

const given = process.argv.slice(2);
const end = given.indexOf('--');
const names = end < 0 ? given : given.slice(0, end);
const files = end < 0 ? [] : given.slice(end + 1);
const unknown = names.filter((name) => !calendars.some((calendar) => calendar.name === name));
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')}: none of ${calendars.map(({ name }) => name).join(', ')}`);
  process.exit(64);
}

const red = [];
for (const { name, zone } of calendars.filter((calendar) => names.length === 0 || names.includes(calendar.name))) {
  console.log(`\n${name} (${zone})`);
  const env = { ...process.env, TEST_CALENDAR: name, TZ: zone };
  const given = ['vitest', 'run', '--project', 'unit', ...files];
  const { status } = spawnSync('npx', given, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) red.push(name);
}
console.log(red.length === 0 ? '\nno test depends on the calendar' : `\nred: ${red.join(', ')}`);
process.exitCode = red.length === 0 ? 0 : 1;
