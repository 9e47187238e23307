// `npm run costs`: what it costs that topics follow Harvest where Harvest tells nothing: deletions, late edits, rows that vanish by
// the hundred, many accounts. Prints Markdown; how to read it is in README.md.
import { parseArgs } from 'node:util';
import { calm, Dice, removeRows, seededRandom } from '../dist/lab/simulator/index.js';
import { PER_PAGE } from '../dist/src/engine/ports.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { isCaughtUp, until } from './account.mjs';
import { manyAccounts } from './accounts.mjs';
import { Rig, UNBOUNDED } from './rig.mjs';
import { note, Table, whole } from './told.mjs';

const PARTS = { deletions, undated, late, holds, accounts };
const TIME_REPORTS = ['time_clients', 'time_projects', 'time_tasks', 'time_team', 'uninvoiced'];
/** Few documents and people, so that a first sync within Harvest's budget takes minutes and not an hour. */
const FEW_PARENTS = { users: 60, clients: 80, projects: 300, tasks: 25, expenses: 2000, invoices: 60, estimates: 20 };
const SMALL = { timeEntries: 2000, years: 3.2 };
const PATIENCE_SECONDS = 1200;

const { values } = parseArgs({
  options: {
    'time-entries': { type: 'string', default: '100000' },
    clients: { type: 'string', default: '10000' },
    'idle-minutes': { type: 'string', default: '5' },
    accounts: { type: 'string', default: '1,10,50' },
    'slow-registry': { type: 'string', default: '50' },
    only: { type: 'string', default: Object.keys(PARTS).join() },
    write: { type: 'boolean' },
  },
});
const [timeEntries, clients, idleMinutes] = ['time-entries', 'clients', 'idle-minutes'].map((name) => {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number above 0`);
  return number;
});
const parts = values.only.split(',');
const strange = parts.filter((part) => !Object.hasOwn(PARTS, part));
if (strange.length > 0) throw new Error(`--only knows ${Object.keys(PARTS).join(', ')}, not ${strange.join(', ')}`);

const NO_REPORT_LIMIT = UNBOUNDED.filter((setting) => setting.includes('.reports.'));
const NO_REPORTS = catalog
  .filter(({ budget }) => budget === 'reports')
  .map(({ name }) => `streams.${name}.enabled=false`);

const table = new Table('costs');
const rig = await Rig.start();
try {
  table.head();
  for (const part of parts) {
    for await (const [what, value] of PARTS[part]()) table.row(part, what, value);
    if (values.write) table.write();
  }
} finally {
  await rig.stop();
}

/** Time entries deleted at random. */
function deletions() {
  return deleted('time_entries', { timeEntries, counts: FEW_PARENTS }, [1, 10, 100]);
}

/** The same of clients, which have no day by which a list could be halved. */
function undated() {
  return deleted('clients', { timeEntries: 2000, counts: { ...FEW_PARENTS, clients } }, [1, 10]);
}

/** Rows of a list deleted at random: what is asked for and how long it takes until their tombstones. Harvest's own budgets. */
async function* deleted(stream, options, amounts) {
  const account = await rig.live(options);
  const { simulator } = account;
  const rows = simulator.data[stream];
  const seen = () => account.seen(stream);
  const begun = performance.now();
  note('a first run');
  await account.run(NO_REPORTS);
  await caughtUp(account);
  yield [`first sync, ${whole(rows.all().length)} rows of ${stream}`, since(begun)];
  yield ['… requests', whole(simulator.log.all().length)];
  await account.watch();
  // Somebody works: an account in which nothing has changed for an hour counts its lists every five minutes.
  const { id } = rows.all()[0];
  const editedAt = performance.now();
  rows.update(id, { [stream === 'clients' ? 'address' : 'notes']: 'edited' });
  await until('the edit', () => lastOf(seen().keys) > editedAt, PATIENCE_SECONDS);
  for (const count of amounts) {
    const [before, requests, tombstones] = [rows.all().length, simulator.log.all().length, seen().tombstones.size];
    const deletedAt = performance.now();
    removeRows(simulator.data, { stream, count }, new Dice(seededRandom(count)));
    await until('tombstones', () => seen().tombstones.size === tombstones + count, PATIENCE_SECONDS);
    const asked = simulator.log
      .all()
      .slice(requests)
      .filter((request) => request.stream === stream)
      .map((request) => ({ at: request.at, why: whyOf(request) }));
    const times = (why) => asked.filter((request) => request.why === why).length;
    const [counts, pages, confirmations] = [times('count') + times('halving'), times('page'), times('confirmation')];
    const search = counts + pages + confirmations;
    const walk = Math.ceil(before / PER_PAGE) + count;
    // By its purpose, or there was none and they were found by a reconciliation.
    const countedAt = asked.find(({ why }) => why === 'count')?.at ?? Number.NaN;
    const tombstonesAt = lastOf(seen().tombstones);
    yield [
      `${count} deleted: until the last tombstone, with the time until the count check`,
      between(deletedAt, tombstonesAt),
    ];
    yield [`${count} deleted: … from the count check on`, between(countedAt - performance.timeOrigin, tombstonesAt)];
    yield [`${count} deleted: requests, count check to last tombstone`, whole(search)];
    yield [`${count} deleted: … counts, pages, confirmations`, [counts, pages, confirmations].join(', ')];
    yield [`${count} deleted: **a walk of the list (${walk} requests) / these**`, `**${(walk / search).toFixed(1)}**`];
    await caughtUp(account);
  }
  yield ['most requests in any 15 s', whole(simulator.maxInAnyWindow('general'))];
  await account.close();
}

/** An hour more on an entry of three years ago, until the report rows of its month are right. */
async function* late() {
  // The first sync has spent the budget of a quarter of an hour, which would be all that is measured.
  const account = await synced(['key.format=string', ...NO_REPORT_LIMIT]);
  const { simulator } = account;
  const [entry] = simulator.data.time_entries
    .all()
    .filter((each) => each.billable && each.billable_rate !== null && each.invoice_id === null)
    .filter((each) => each.timer_started_at === null)
    .toSorted((a, b) => (a.spent_date < b.spent_date ? -1 : 1));
  const month = entry.spent_date.slice(0, 7);
  const rowsOf = (name) => [...account.seen(name).keys].filter(([key]) => key.startsWith(`${month}-01|`));
  const requests = simulator.log.all().length;
  const editedAt = performance.now();
  simulator.data.time_entries.update(entry.id, { hours: entry.hours + 1 });
  const isThere = () => TIME_REPORTS.every((name) => lastOf(rowsOf(name)) > editedAt);
  await until('all five reports', isThere, PATIENCE_SECONDS);
  const asked = simulator.log.all().slice(requests);
  const arrivedAt = Math.max(...TIME_REPORTS.map((name) => lastOf(rowsOf(name))));
  const polledAt = asked.find(({ stream }) => stream === 'time_entries').at - performance.timeOrigin;
  const reports = asked.filter(({ budget }) => budget === 'reports');
  const ofMonth = reports.filter(({ target }) => target.includes(`from=${month.replace('-', '')}01`));
  yield [`entry of ${entry.spent_date} edited: until its rows on five report topics`, between(editedAt, arrivedAt)];
  yield ['… from the poll that brought the entry', between(polledAt, arrivedAt)];
  yield ['requests for windows of its month', whole(ofMonth.length)];
  yield ['other requests for reports meanwhile', whole(reports.length - ofMonth.length)];
  yield ['`verify` of the five streams, exit code', await verified(account, TIME_REPORTS, ['key.format=string'])];
  await account.close();
}

/** Many accounts in one process, and their start with a registry that answers in 100 ms. */
async function* accounts() {
  for (const count of values.accounts.split(',').map(Number)) {
    for await (const [what, value] of manyAccounts(rig.where(), count, { idleMinutes }))
      yield [`${count} in one process: ${what}`, value];
  }
  const slow = Number(values['slow-registry']);
  if (slow === 0) return;
  for await (const [what, value] of manyAccounts(rig.where(), slow, { idleMinutes: 0, registryMs: 100 }))
    yield [`${slow}, registry of 100 ms: ${what}`, value];
}

/** Rows that vanish by the hundred: held and released; hidden and back again. */
async function* holds() {
  // Hundreds of deletions concern every month of all reports, whose own budget takes the better part of an hour for that.
  const account = await synced(NO_REPORT_LIMIT);
  const { simulator } = account;
  const { time_entries } = simulator.data;
  const isIn = (state, name) => async () => (await account.streams()).get(name).state === state;
  const untilIn = (state, name) => until(`${name} ${state}`, isIn(state, name), PATIENCE_SECONDS);

  const rows = time_entries.all().length;
  let [at, tombstones] = [performance.now(), account.tombstones()];
  const gone = removeRows(simulator.data, { stream: 'time_entries', share: 0.3 }, new Dice(seededRandom(30)));
  await untilIn('HELD', 'time_entries');
  yield [`${gone.length} of ${whole(rows)} time entries deleted: until HELD`, since(at)];
  yield ['… tombstones by then', whole(account.tombstones() - tombstones)];
  at = performance.now();
  const released = await account.command('release time_entries');
  if (released.code !== 0) throw new Error(`release ended with ${released.code}:\n${released.output}`);
  const { tombstones: present } = account.seen('time_entries');
  await until('all tombstones', () => present.size === gone.length, PATIENCE_SECONDS);
  yield ['… `release` until the last tombstone', since(at)];
  await caughtUp(account);

  const me = simulator.data.me().id;
  const hidden = time_entries.all().filter(({ user_id }) => user_id !== me).length / time_entries.all().length;
  [at, tombstones] = [performance.now(), account.tombstones()];
  simulator.settings.role = 'member';
  await untilIn('HELD', 'time_entries');
  yield [`role shrunk, ${Math.round(hidden * 100)} % of the time entries hidden: until HELD`, since(at)];
  await untilIn('FORBIDDEN', 'clients');
  at = performance.now();
  simulator.settings.role = 'administrator';
  await untilIn('RUNNING', 'time_entries');
  yield ['… role back: until time entries are RUNNING', since(at)];
  // A FORBIDDEN stream is asked for once an hour, and at every start.
  await account.stop();
  at = performance.now();
  await account.run(reports);
  const isRunning = async () => [...(await account.streams()).values()].every(({ state }) => state === 'RUNNING');
  await caughtUp(account);
  await until('all streams RUNNING', isRunning, PATIENCE_SECONDS);
  yield ['… restarted: until all 32 streams are RUNNING and caught up', since(at)];
  yield ['… tombstones in all of this', whole(account.tombstones() - tombstones)];
  yield ['… `verify` of all streams, exit code', await verified(account, [])];
  await account.close();
}

/** A small account past its first sync, which no budget slowed; then the daemon with its own budgets. */
async function synced(settings = []) {
  const account = await rig.live({ ...SMALL, budgets: { general: null, reports: null } });
  // Hours that grow by themselves would be changes, and differences.
  calm(account.simulator);
  const { code, output } = await account.command('run --once', [...UNBOUNDED, ...settings]);
  if (code !== 0) throw new Error(`the first sync ended with ${code}:\n${output}`);
  await account.watch();
  await account.run(settings);
  await caughtUp(account);
  return account;
}

/** Waits until nothing is left to be read, asked for or counted. */
function caughtUp(account) {
  return until('caught up', async () => isCaughtUp(await account.streams()), PATIENCE_SECONDS);
}

async function verified(account, streams, settings = []) {
  const { code, output } = await account.command(['verify', ...streams, '--alone'].join(' '), [
    ...UNBOUNDED,
    ...settings,
  ]);
  if (code !== 0) note(output);
  return whole(code);
}

/** The purpose of a request for rows of a list. */
function whyOf({ target }) {
  const { pathname, searchParams: query } = new URL(target, 'http://localhost');
  if (/\/\d+$/.test(pathname)) return 'confirmation';
  if (query.has('updated_since')) return 'poll';
  if (query.get('per_page') === '1') return query.has('from') || query.has('to') ? 'halving' : 'count';
  return 'page';
}

/** Of times by key. */
function lastOf(entries) {
  let last = Number.NEGATIVE_INFINITY;
  for (const [, at] of entries) last = Math.max(last, at);
  return last;
}

function since(at) {
  return between(at, performance.now());
}

/** Two monotonic times. */
function between(from, to) {
  return `${((to - from) / 1000).toFixed(1)} s`;
}
