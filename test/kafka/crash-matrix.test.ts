// The built command is struck at every point of its way to the log, before the broker or registry sees the request and
// before the publisher sees the answer: killed, asked to stop, put to sleep beyond its transaction's time, cut off, and
// overtaken by a successor whose work is done when the late request or answer arrives. An independent reader judges while
// the victim stands still, and at the end. `npm run crash-matrix` runs every cell, here runs a cross-section.
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { adminOf, persistently } from '../support/clients.ts';
import { type Held, type HttpGate, startHttpGate } from '../support/http-gate.ts';
import { type KafkaProxy, startKafkaProxy, type Trap } from '../support/kafka-proxy.ts';
import { API, names } from '../support/kafka-wire.ts';
import { slowness } from '../support/patience.ts';
import { type Ended, finished, NO_LIMITS, onlyStreams, publisher, type Running } from '../support/publisher.ts';
import { type Scene, scene } from '../support/scene.ts';
import { sharedStack } from '../support/stack.ts';
import { tornApart, viewOf } from '../support/view.ts';

/** One of each kind: whole list, list by cursor, list by page of two pages, children. */
const STREAMS = ['company', 'users', 'time_entries', 'billable_rates'];
const TIME_ENTRIES = 2_100;
/** Half of it is how long the publisher itself lets a transaction be open; judging takes its time too. */
const TRANSACTION_TIMEOUT_S = 12 * Math.ceil(slowness());
/** Long enough for a commit in half of it. */
const SLEEPING_TRANSACTION_S = 2 * Math.ceil(slowness());
/** Longer than a transaction and the broker's look for such together. */
const SLEEP_MS = (SLEEPING_TRANSACTION_S + 1) * 1_000;
const STOP_MS = 10_000;

type Moment = 'before' | 'after';
type Blow = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'lost' | 'late';

interface Stage extends Scene {
  readonly proxy: KafkaProxy;
  readonly gate: HttpGate;
}

interface Point {
  readonly name: string;
  /** The victim waits for it only so long, less than a successor may need: then it is no late answer any more. */
  readonly impatient?: boolean;
  /** A first run has filled the topics. */
  readonly filled?: boolean;
  /** Whether our signature is in the log, so that whoever signs now is newer. */
  signed(moment: Moment): boolean;
  arm(stage: Stage, moment: Moment): Held;
}

const never = () => false;
const always = () => true;

const POINTS: readonly Point[] = [
  {
    name: 'registry registration',
    impatient: true,
    signed: never,
    arm: ({ gate }, moment) => gate.trap(/^POST .*time_entries-value/, moment === 'before' ? 'asked' : 'answered'),
  },
  { name: 'topic creation', signed: never, arm: at({ api: API.createTopics }) },
  { name: 'fencing', signed: never, arm: at({ api: API.initProducerId }) },
  { name: 'signing', signed: (moment) => moment === 'after', arm: at({ api: API.endTransaction }) },
  { name: 'restore', signed: always, filled: true, arm: atData({ api: API.fetch }) },
  { name: 'begin', signed: always, arm: atData({ api: API.addPartitions }) },
  { name: 'first send', signed: always, arm: atData({ api: API.produce }) },
  { name: 'later send', signed: always, arm: atData({ api: API.produce, nth: 2 }) },
  {
    name: 'state row',
    signed: always,
    arm: (stage, moment) => {
      const { sent } = progress(stage);
      return at({ api: API.produce, matches: (request) => sent() && names(`${stage.prefix}.state`)(request) })(
        stage,
        moment,
      );
    },
  },
  {
    name: 'commit',
    signed: always,
    arm: (stage, moment) => at({ api: API.endTransaction, matches: progress(stage).sent })(stage, moment),
  },
  {
    name: 'index update',
    signed: always,
    arm: (stage, moment) => at({ api: API.addPartitions, matches: progress(stage).committed })(stage, moment),
  },
];

function at(trap: Omit<Trap, 'fault'>): Point['arm'] {
  return ({ proxy }, moment) => {
    const { struck, ...held } = proxy.trap({ ...trap, fault: moment === 'before' ? 'hold request' : 'hold answer' });
    return { ...held, struck: struck.then(() => {}) };
  };
}

function atData(trap: Omit<Trap, 'fault'>): Point['arm'] {
  return (stage, moment) => at({ ...trap, matches: names(`${stage.prefix}.time_entries`) })(stage, moment);
}

/** Whether records of time entries were sent, and whether a commit was acknowledged after that. */
function progress({ proxy, prefix }: Stage) {
  let sent = false;
  let committed = false;
  const isData = names(`${prefix}.time_entries`);
  proxy.watch((request, moment) => {
    if (request.api === API.produce && isData(request)) sent = true;
    if (request.api === API.endTransaction && moment === 'answered') committed ||= sent;
  });
  return { sent: () => sent, committed: () => committed };
}

interface Cell {
  readonly point: Point;
  readonly moment: Moment;
  readonly blow: Blow;
}

/** The effect of a blow on a victim that stands at its point, and how the victim must end. */
const BLOWS: Readonly<Record<Blow, (cell: Cell, victim: Running, held: Held, stage: Stage) => Promise<void>>> = {
  SIGKILL: async (_, victim, held) => {
    victim.process.kill('SIGKILL');
    expect((await victim.ended).code).toBeNull();
    held.drop();
  },
  // The answer never comes: the stop must not wait for it.
  SIGTERM: async (_, victim, held) => {
    const asked = performance.now();
    victim.process.kill('SIGTERM');
    ends(await victim.ended, 143);
    expect(performance.now() - asked).toBeLessThan(STOP_MS * slowness());
    held.drop();
  },
  SIGSTOP: async (_, victim, held) => {
    victim.process.kill('SIGSTOP');
    held.release();
    await systemClock.sleep(SLEEP_MS);
    victim.process.kill('SIGCONT');
    ends(await victim.ended, 0);
  },
  lost: async (_, victim, held) => {
    held.drop();
    ends(await victim.ended, 0);
  },
  late: async ({ point, moment }, victim, held, stage) => {
    // A request outlives its sender; an answer finds a sender that was overtaken.
    if (moment === 'before') victim.process.kill('SIGKILL');
    ends(await run(stage), 0);
    held.release();
    await held.answered;
    // Whoever had not signed yet starts over and is the newer one.
    if (moment === 'after') ends(await victim.ended, point.signed(moment) ? 79 : 0);
  },
};

const MOMENTS: readonly Moment[] = ['before', 'after'];
const KINDS = Object.keys(BLOWS) as readonly Blow[];
const cells: readonly Cell[] = POINTS.flatMap((point) =>
  MOMENTS.flatMap((moment) => KINDS.map((blow) => ({ point, moment, blow }))),
).filter(({ point, moment, blow }) => !(point.impatient && moment === 'after' && blow === 'late'));

/** Every other point, the blows and moments in turn. */
const crossSection = POINTS.filter((_, i) => i % 2 === 0).map(
  (point, i) => cells.filter((cell) => cell.point === point && cell.moment === MOMENTS[i % 2])[i % KINDS.length]!,
);

const { CRASH_MATRIX_REPEAT } = process.env;
const repeats = Number(CRASH_MATRIX_REPEAT ?? 1);
const chosen = Array.from({ length: repeats }, () =>
  (CRASH_MATRIX_REPEAT ? cells : crossSection).map((cell): [string, Cell] => [
    `${cell.moment} ${cell.point.name}: ${cell.blow}`,
    cell,
  ]),
).flat();

let bootstrap: string;
let registryUrl: string;

beforeAll(() => {
  ({ bootstrap, registryUrl } = sharedStack());
});

test.each(chosen)('%s [P1 P2 P3 P4 P5]', async (_, cell) => {
  const stage = await staged(cell);
  const held = cell.point.arm(stage, cell.moment);
  const seconds = cell.blow === 'SIGSTOP' ? SLEEPING_TRANSACTION_S : TRANSACTION_TIMEOUT_S;
  const victim = publisher(behind(stage, seconds), ['run', '--once']);
  const over = victim.ended.then(({ output, errors }) => Promise.reject(new Error(`ended early: ${output}${errors}`)));
  over.catch(() => {});
  await Promise.race([held.struck, over]);
  if (cell.blow !== 'SIGSTOP') await expect.poll(() => tornApart(stage, STREAMS)).toEqual([]);

  await BLOWS[cell.blow](cell, victim, held, stage);
  ends(await run(stage), 0);
  await expect.poll(() => tornApart(stage, STREAMS)).toEqual([]);
  const { differences, falseChanges, falseDeletions } = await viewOf(stage, { streams: STREAMS });
  expect([...differences.slice(0, 10), ...falseChanges, ...falseDeletions]).toEqual([]);
});

async function staged({ point }: Cell): Promise<Stage> {
  const bare = await scene({ timeEntries: TIME_ENTRIES });
  const proxy = await startKafkaProxy([bootstrap]);
  const gate = await startHttpGate(registryUrl);
  const stage: Stage = { ...bare, settings, proxy, gate };
  onTestFinished(async () => {
    await proxy.close();
    await gate.close();
    await forget(stage.prefix);
  });
  if (point.filled) {
    ends(await run(stage), 0);
    const { data } = stage.simulator;
    for (const { id } of data.time_entries.all().slice(0, 50)) data.time_entries.update(id, { notes: 'afterthought' });
  }
  return stage;
}

const settings = [...NO_LIMITS, 'topics.partitions=2', ...onlyStreams(...STREAMS)];

/** As the victim sees the world. */
function behind(stage: Stage, transactionSeconds: number) {
  return {
    ...stage,
    bootstrap: stage.proxy.bootstrap,
    registryUrl: stage.gate.url,
    settings: [...settings, `kafka.transaction_timeout_seconds=${transactionSeconds}`],
  };
}

function run(stage: Stage): Promise<Ended> {
  return finished(stage, ['run', '--once']);
}

function ends(end: Ended, code: number): void {
  expect(end, `${end.output}\n${end.errors}`).toMatchObject({ code });
}

/** The broker is small, and the whole matrix makes many topics. */
async function forget(prefix: string): Promise<void> {
  const admin = await adminOf(bootstrap);
  await persistently(async () => {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${prefix}.`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  });
  await admin.disconnect();
}
