// `npm run bench`: what the publisher costs, as ratios taken in one run on one machine. Prints Markdown; how to read it is
// in README.md. Nothing here passes or fails.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { only, Rig } from './rig.mjs';
import { note, print, whole } from './told.mjs';

const PARTS = { publish, memory, restore, idle };
const ROUNDS = 3;
const SMALL_HEAP_MB = 96;

const { values } = parseArgs({
  options: {
    'time-entries': { type: 'string', default: '100000' },
    only: { type: 'string', default: Object.keys(PARTS).join() },
  },
});
const timeEntries = Number(values['time-entries']);
const parts = values.only.split(',');
if (!Number.isInteger(timeEntries) || timeEntries < 1) throw new Error('--time-entries takes a whole number above 0');
const strange = parts.filter((part) => !Object.hasOwn(PARTS, part));
if (strange.length > 0) throw new Error(`--only knows ${Object.keys(PARTS).join(', ')}, not ${strange.join(', ')}`);

const rig = await Rig.start();
try {
  print('| part | what | value |', '|---|---|---:|');
  for (const part of parts) for (const [what, value] of await PARTS[part]()) print(`| ${part} | ${what} | ${value} |`);
  print('', `Node ${process.version}, ${availableParallelism()} cores, ${timeEntries} time entries.`);
} finally {
  await rig.stop();
}

/** CPU of a snapshot over the time entries against the floor's, in turns, so that both meet the same machine. */
async function publish() {
  await rig.simulate(timeEntries);
  const floors = [];
  const publishers = [];
  for (let round = 1; round <= ROUNDS; round++) {
    floors.push(await rig.floor());
    publishers.push(await rig.publisher(rig.freshPrefix(), only('time_entries')));
    const [floor, publisher] = [floors.at(-1), publishers.at(-1)];
    note(`round ${round}: floor ${seconds(floor.cpuSeconds)}, publisher ${seconds(publisher.cpuSeconds)}`);
  }
  const records = floors[0].records;
  const per100k = (runs) => (median(runs.map((run) => run.cpuSeconds)) * 100_000) / records;
  const rate = (pick, runs) => whole(records / median(runs.map(pick)));
  return [
    ['floor: CPU per 100,000 records', seconds(per100k(floors))],
    ['publisher: CPU per 100,000 records', seconds(per100k(publishers))],
    ['**publisher / floor, CPU**', `**${(per100k(publishers) / per100k(floors)).toFixed(2)}**`],
    ['floor: records/s', rate((run) => run.wallSeconds, floors)],
    ['publisher: records/s, page to committed transaction', rate((run) => run.firstScanSeconds, publishers)],
    ['publisher: CPU before the first request', seconds(median(publishers.map((run) => run.opened.cpuSeconds)))],
  ];
}

/** Twice the time entries; as Node likes it, and with a heap that fits 256 MB. */
async function memory() {
  await rig.simulate(2 * timeEntries);
  const linger = { lingerSeconds: 10 };
  const free = await rig.publisher(rig.freshPrefix(), only('time_entries'), linger);
  const small = await rig.publisher(rig.freshPrefix(), only('time_entries'), {
    ...linger,
    nodeOptions: [`--max-old-space-size=${SMALL_HEAP_MB}`],
  });
  const rows = (name, run) => [
    [`${name}: peak RSS, snapshot of ${whole(run.records)} rows`, megabytes(run.peakMb)],
    [`${name}: RSS 10 s later`, megabytes(run.steadyMb)],
  ];
  return [...rows('default heap', free), ...rows(`--max-old-space-size=${SMALL_HEAP_MB}`, small)];
}

/** A second start on the topics of the first. */
async function restore() {
  await rig.simulate(2 * timeEntries);
  const prefix = rig.freshPrefix();
  await rig.publisher(prefix, only('time_entries'));
  const starts = [];
  for (let round = 1; round <= ROUNDS; round++) {
    starts.push((await rig.publisher(prefix, only('time_entries'))).opened);
  }
  const { rows } = starts[0];
  const restoreMs = median(starts.map((start) => start.restoreMs));
  return [
    [`opening with ${whole(rows)} rows on the topic`, seconds(restoreMs / 1000)],
    ['rows restored/s', whole((rows * 1000) / restoreMs)],
  ];
}

/** All streams of an account in which nothing has changed. */
async function idle() {
  await rig.simulate(2000);
  const prefix = rig.freshPrefix();
  const first = await rig.publisher(prefix, []);
  const again = await rig.publisher(prefix, []);
  const requests = (run) => Object.entries(run.requests).sort(([, a], [, b]) => b - a);
  const total = (run) => Object.values(run.requests).reduce((sum, count) => sum + count, 0);
  return [
    [`first run: requests for ${whole(first.records)} records of 32 streams`, whole(total(first))],
    ['next run, nothing changed: requests', whole(total(again))],
    ...requests(again).map(([purpose, count]) => [`… of these for ${purpose}`, whole(count)]),
    ['next run, nothing changed: records published', whole(again.records)],
  ];
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function seconds(value) {
  return `${value.toFixed(2)} s`;
}

function megabytes(value) {
  return `${Math.round(value)} MB`;
}
