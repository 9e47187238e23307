// How soon what happens in an account is on its topics, by the default configuration and within Harvest's own budgets: one change a
// second over five lists, and a deletion every twenty. Times are of one clock, from the change in the simulator to a consumer that
// reads committed records.
import { setTimeout as sleep } from 'node:timers/promises';
import { Dice, removeRows, seededRandom } from '../dist/lab/simulator/index.js';
import { PER_PAGE } from '../dist/src/engine/ports.js';
import { isRead, until } from './account.mjs';
import { note, seconds as secondsOf, whole } from './told.mjs';

/** Harvest's budget of 100 in 15 s, of which the default configuration takes 95. */
const BUDGET = { requests: 95, seconds: 15 };
const WARM_UP_SECONDS = 60;
const DELETION_EVERY = 20;
const PATIENCE_SECONDS = 1_200;
/** Few documents and people, so that a first run takes minutes; few months, because reports have a hundred requests in 15 minutes. */
const FEW = {
  counts: { users: 60, clients: 200, projects: 300, tasks: 25, expenses: 2000, invoices: 120, estimates: 20 },
  years: 0.25,
};
/** Keys that the consumer can read without a registry. */
const SETTINGS = ['key.format=string'];
const REPORTS = ['time_clients', 'time_projects', 'time_tasks', 'time_team'];

/** What is edited in a row of each list; `n` makes it another text each time. */
const EDITS = {
  time_entries: ({ hours }) => ({ hours: hours > 12 ? 1 : hours + 0.25 }),
  expenses: (_, n) => ({ notes: `note ${n}` }),
  clients: (_, n) => ({ address: `address ${n}` }),
  projects: (_, n) => ({ notes: `note ${n}` }),
  invoices: (_, n) => ({ notes: `note ${n}` }),
  tasks: ({ default_hourly_rate }) => ({ default_hourly_rate: (default_hourly_rate ?? 0) + 1 }),
};
const LISTS = ['time_entries', 'expenses', 'clients', 'projects', 'invoices'];

/** Nothing beside it. Report rows are waited for, which takes longer than a short run is worth. */
export async function* freshness(rig, { minutes }) {
  const account = await synced(rig, { ...FEW, timeEntries: 2000 });
  yield* follow(account, { lists: LISTS, minutes, reports: minutes >= 10 });
  await account.close();
}

/** Time entries are read from their beginning again and again, and all children for the first time. */
export async function* snapshot(rig, { timeEntries, minutes }) {
  note('a first run');
  const account = await rig.live({ timeEntries });
  await account.run(SETTINGS);
  const lists = ['expenses', 'clients', 'projects', 'invoices', 'tasks'];
  const areRead = async () => {
    const streams = await account.streams();
    return [...lists, 'time_entries'].every((name) => streams.get(name)?.complete);
  };
  await until('lists read', areRead, PATIENCE_SECONDS);
  await account.watch();
  // Their pages are a poll's, from the beginning on; a reset that has not begun is not done.
  const isAnew = ({ target }) => /\/time_entries\?/.test(target) && !/updated_since=|per_page=1(&|$)/.test(target);
  const pages = () => account.simulator.log.all().filter(isAnew).length;
  let end = 0;
  const isDone = (streams) => {
    if (streams.get('time_entries').scan !== null || pages() < end) return false;
    end = pages() + Math.ceil(timeEntries / PER_PAGE);
    return true;
  };
  yield* beside(account, 'state reset time_entries', isDone, { lists, minutes, reports: false, anew: pages });
  await account.close();
}

/** Time entries are read whole and compared, again and again. */
export async function* reconciliation(rig, { timeEntries, minutes }) {
  const account = await synced(rig, { ...FEW, timeEntries });
  const isDone = (streams) => streams.get('time_entries').backlog.reconciliation === null;
  yield* beside(account, 'reconcile time_entries', isDone, { lists: LISTS, minutes, reports: false });
  await account.close();
}

/** An account in which nothing has changed for more than an hour. */
export async function* night(rig, { minutes }) {
  // All of it is made as if it were two hours ago.
  let agoMs = 7_200_000;
  const born = rig.live({ ...FEW, timeEntries: 2000, now: () => Date.now() - agoMs });
  agoMs = 0;
  const account = await born;
  note('a first run: its reports take a quarter of an hour');
  // Another process does not take the first reading for news.
  const { code, output } = await account.command('run --once', SETTINGS);
  if (code !== 0) throw new Error(`the first run ended with ${code}:\n${output}`);
  await account.run(SETTINGS);
  await until('all is read', async () => isRead(await account.streams()), PATIENCE_SECONDS);
  note(`${minutes} min that count`);
  const before = await account.requestsByPurpose();
  const cpuBefore = await account.cpuSeconds();
  await sleep(minutes * 60_000);
  const asked = difference(await account.requestsByPurpose(), before);
  const cpuSeconds = (await account.cpuSeconds()) - cpuBefore;
  const anHour = (requests) => whole((requests * 60) / minutes);
  yield ['requests an hour', anHour(total(asked))];
  for (const [purpose, count] of Object.entries(asked)) yield [`… for ${purpose}`, anHour(count)];
  yield ['CPU a minute', secondsOf(cpuSeconds / minutes)];
  await account.close();
}

async function synced(rig, options) {
  note('a first run');
  const account = await rig.live(options);
  await account.run(SETTINGS);
  await until('all is read', async () => isRead(await account.streams()), PATIENCE_SECONDS);
  await account.watch();
  return account;
}

/** Follows the account while a command is given again as soon as what it asks for is done. */
async function* beside(account, command, isDone, options) {
  let isOver = false;
  let times = 0;
  const again = async () => {
    while (!isOver) {
      if (isDone(await account.streams())) {
        const { code, output } = await account.command(command, SETTINGS);
        if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
        times += 1;
        // It is read from the state topic within seconds.
        await sleep(10_000);
      }
      await sleep(1_000);
    }
  };
  const running = again();
  yield* follow(account, options);
  isOver = true;
  await running;
  yield [`\`${command}\`, times beside it`, whole(times)];
}

async function* follow(account, { lists, minutes, reports, anew = () => 0 }) {
  const seconds = minutes * 60;
  const { simulator } = account;
  const work = new Work(account, lists);
  note('a minute of the same');
  await work.go(WARM_UP_SECONDS);
  work.begin();
  const before = await account.requestsByPurpose();
  const anewBefore = anew();
  note(`${seconds} s that count`);
  await work.go(seconds);
  const asked = difference(await account.requestsByPurpose(), before);
  const readAnew = anew() - anewBefore;
  await until('all changes', () => work.waiting.size === 0, PATIENCE_SECONDS);
  if (reports) await until('report rows', () => work.unreported.length === 0, PATIENCE_SECONDS);
  account.onArrival = null;

  yield* percentiles('changes', work.changes);
  yield* percentiles('deletions', work.deletions);
  if (reports) yield* percentiles('report rows of the current month', work.reports);
  const { poll = 0, count = 0, whole: settings = 0, window = 0, ...others } = asked;
  const share = (requests) => `${((requests / (seconds / BUDGET.seconds) / BUDGET.requests) * 100).toFixed(0)} %`;
  yield ['polls and count checks, of the budget', share(poll + count + settings - readAnew)];
  if (readAnew > 0) yield ['… from the beginning, of the budget', share(readAnew)];
  for (const [purpose, requests] of Object.entries(others)) yield [`… ${purpose}, of the budget`, share(requests)];
  yield ['most requests in any 15 s', whole(simulator.maxInAnyWindow('general'))];
  yield ['most requests for reports in any 15 min', whole(simulator.maxInAnyWindow('reports'))];
  yield ['answers 429', whole(simulator.log.count(429))];
}

/** Somebody who works in the account, and what is known of when their changes arrive. */
class Work {
  /** What has not arrived: `stream key` with the time of the change. */
  waiting = new Map();
  /** Edits of the current month that are not in all reports yet. */
  unreported = [];
  changes = [];
  deletions = [];
  reports = [];
  #account;
  #lists;
  #dice = new Dice(seededRandom(1));
  #made = 0;
  #month;

  constructor(account, lists) {
    this.#account = account;
    this.#lists = lists;
    this.#month = new Date(account.simulator.now()).toISOString().slice(0, 7);
    account.onArrival = (arrival) => this.#arrived(arrival);
  }

  /** What has arrived so far does not count. */
  begin() {
    this.changes = [];
    this.deletions = [];
    this.reports = [];
  }

  async go(seconds) {
    const begun = performance.now();
    for (let n = 1; n <= seconds; n++) {
      const list = this.#lists[n % this.#lists.length];
      // Sometime within it: at one and the same point of each second all would find polls at a few points of their intervals only.
      await sleep(Math.max(0, begun + (n - this.#dice.random()) * 1000 - performance.now()));
      if (n % DELETION_EVERY === 0) this.#delete(this.#lists[0]);
      else this.#edit(list);
      await sleep(Math.max(0, begun + n * 1000 - performance.now()));
      if (n % 60 === 0 && n < seconds) note(`${n} of ${seconds} s, ${this.waiting.size} under way`);
    }
  }

  #edit(list) {
    const noun = this.#account.simulator.data[list];
    const free = this.#editable(list, noun).filter(({ id }) => !this.waiting.has(`${list} ${id}`));
    const row = this.#dice.pick(free);
    const at = performance.now();
    noun.update(row.id, EDITS[list](row, ++this.#made));
    this.waiting.set(`${list} ${row.id}`, { at, isDeletion: false });
    if (list === 'time_entries') this.unreported.push({ at, left: new Set(REPORTS) });
  }

  #editable(list, noun) {
    if (list !== 'time_entries') return noun.all();
    return noun.byDate.newestFirst(`${this.#month}-01`).filter((entry) => entry.timer_started_at === null);
  }

  #delete(list) {
    const at = performance.now();
    const gone = removeRows(this.#account.simulator.data, { stream: list, count: 1 }, this.#dice);
    for (const { stream, id } of gone) this.waiting.set(`${stream} ${id}`, { at, isDeletion: true });
  }

  #arrived({ stream, key, isTombstone, at }) {
    const change = this.waiting.get(`${stream} ${key}`);
    if (change !== undefined && change.isDeletion === isTombstone) {
      this.waiting.delete(`${stream} ${key}`);
      (isTombstone ? this.deletions : this.changes).push(at - change.at);
    }
    if (REPORTS.includes(stream) && key.startsWith(`${this.#month}-01|`)) this.#reported(stream, at);
  }

  /** A row of the current month: edits of before its request are in it. */
  #reported(stream, at) {
    const request = this.#account.simulator.log.all().findLast((each) => each.stream === stream);
    const readAt = request.at - performance.timeOrigin;
    for (const edit of this.unreported) {
      if (edit.at < readAt && edit.left.delete(stream)) this.reports.push(at - edit.at);
    }
    this.unreported = this.unreported.filter(({ left }) => left.size > 0);
  }
}

function* percentiles(what, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const least = (share) => `${(sorted[Math.ceil(sorted.length * share) - 1] / 1000).toFixed(1)} s`;
  yield [what, whole(sorted.length)];
  for (const share of [50, 90, 99]) yield [`${what}, p${share}`, least(share / 100)];
}

function difference(after, before) {
  const grown = Object.entries(after).map(([purpose, count]) => [purpose, count - (before[purpose] ?? 0)]);
  return Object.fromEntries(grown.filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a));
}

function total(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
