// `npm run bench`: what the publisher costs, as ratios taken in one run on one machine. Prints Markdown; how to read it is
// in README.md. Nothing here passes or fails.
import { parseArgs } from 'node:util';
import { freshness, night, reconciliation, snapshot } from './freshness.mjs';
import { only, Rig } from './rig.mjs';
import { note, seconds, Table, whole } from './told.mjs';

const PARTS = { publish, memory, restore, idle, freshness, snapshot, reconciliation, night };
/** These take half an hour and more, so they are asked for by name. */
const LONG = ['snapshot', 'reconciliation', 'night'];
const ROUNDS = 3;
const SMALL_HEAP_MB = 96;

const { values } = parseArgs({
  options: {
    'time-entries': { type: 'string', default: '200000' },
    minutes: { type: 'string', default: '3' },
    only: { type: 'string' },
    write: { type: 'boolean' },
  },
});
const [timeEntries, minutes] = ['time-entries', 'minutes'].map((name) => {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number above 0`);
  return number;
});

const parts = values.only?.split(',') ?? Object.keys(PARTS).filter((part) => !LONG.includes(part));
const strange = parts.filter((part) => !Object.hasOwn(PARTS, part));
if (strange.length > 0) throw new Error(`--only knows ${Object.keys(PARTS).join(', ')}, not ${strange.join(', ')}`);

const table = new Table('bench');
const rig = await Rig.start();
try {
  table.head();
  for (const part of parts) {
    for await (const [what, value] of await PARTS[part](rig, { timeEntries, minutes })) table.row(part, what, value);
    if (values.write) table.write();
  }
} finally {
  await rig.stop();
}

/**
 * CPU of a snapshot over the time entries against the floor's, in turns, so that all meet the same machine: the snapshot alone into
 * one partition, and the whole process with three.
 */
async function publish() {
  await rig.simulate(timeEntries);
  const floors = [];
  const ones = [];
  const threes = [];
  const snapshot = (partitions) =>
    rig.publisher(rig.freshPrefix(), [...only('time_entries'), `topics.partitions=${partitions}`]);
  for (let round = 1; round <= ROUNDS; round++) {
    floors.push(await rig.floor());
    ones.push(await snapshot(1));
    threes.push(await snapshot(3));
    const told = [floors, ones, threes].map((runs) => seconds(runs.at(-1).processSeconds));
    note(`round ${round}: floor ${told[0]}, one partition ${told[1]}, three ${told[2]}, whole processes`);
  }
  const { records } = floors[0];
  const middle = (pick, runs) => median(runs.map(pick));
  const work = (run) => run.cpuSeconds;
  const process = (run) => run.processSeconds;
  const per100k = (cpuSeconds) => seconds((cpuSeconds * 100_000) / records);
  const ratio = (pick, runs) => `**${(middle(pick, runs) / middle(pick, floors)).toFixed(2)}**`;
  return [
    ['floor: CPU per 100,000 records', per100k(middle(work, floors))],
    ['publisher: CPU per 100,000 records', per100k(middle(work, ones))],
    ['**publisher / floor, CPU**', ratio(work, ones)],
    ['**whole process, three partitions / floor, CPU**', ratio(process, threes)],
    ['publisher: CPU before the first request', seconds(middle((run) => run.opened.cpuSeconds, ones))],
    ['floor: records/s', whole(records / middle((run) => run.wallSeconds, floors))],
    [
      'publisher: records/s, page to committed transaction',
      whole(records / middle((run) => run.firstScanSeconds, ones)),
    ],
    ['publisher: share of the time without work', percent(1 - middle((run) => run.busy, threes))],
    ['publisher: peak RSS, three partitions', megabytes(middle((run) => run.peakMb, threes))],
  ];
}

/** As Node likes it, and with a heap that fits 256 MB. */
async function memory() {
  await rig.simulate(timeEntries);
  const linger = { lingerSeconds: 10 };
  const free = await rig.publisher(rig.freshPrefix(), only('time_entries'), linger);
  const small = await rig.publisher(rig.freshPrefix(), only('time_entries'), {
    ...linger,
    nodeOptions: [`--max-old-space-size=${SMALL_HEAP_MB}`],
  });
  const rows = (name, run) => [
    [`${name}: peak RSS, snapshot`, megabytes(run.peakMb)],
    [`${name}: RSS 10 s later`, megabytes(run.steadyMb)],
  ];
  return [...rows('default heap', free), ...rows(`--max-old-space-size=${SMALL_HEAP_MB}`, small)];
}

/** A second start on the topics of the first. */
async function restore() {
  await rig.simulate(timeEntries);
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

function percent(share) {
  return `${Math.round(share * 100)} %`;
}

function megabytes(value) {
  return `${Math.round(value)} MB`;
}
