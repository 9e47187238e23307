// `npm run fleet -- --kills 100`: three instances, thirty accounts, a real broker; one after the other is killed, ended or put to
// sleep while records change, then all are replaced in turn, and the broker is away for half a minute. In the end all topics equal
// the accounts. Prints how long accounts had no owner.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { storm } from '../../lab/simulator/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type Instance, type Line, TestFleet } from '../support/fleet.ts';
import { until } from '../support/patience.ts';
import { Draw } from '../support/sim/draw.ts';
import { ownBroker } from '../support/stack.ts';

const KILLS = Number(process.env.FLEET_KILLS ?? 100);
const ACCOUNTS = Number(process.env.FLEET_ACCOUNTS ?? 30);
const INSTANCES = 3;
const SESSION_SECONDS = 10;
/** A sleeper wakes when its accounts are elsewhere, or a little later. */
const LONGEST_SLEEP_MS = 20_000;
const BROKER_AWAY_MS = 30_000;

const ENDS = [
  [0.6, 'SIGKILL'],
  [0.85, 'SIGTERM'],
  [1, 'SIGSTOP'],
] as const;

test(`${KILLS} kills, ends and sleeps of three instances with ${ACCOUNTS} accounts [P1 P2 P3 P5 P6 P8 P11 P12]`, {
  timeout: (KILLS + 30) * 120_000,
}, async () => {
  const draw = new Draw(Number(process.env.TEST_SEED ?? 14));
  const broker = await ownBroker({ heapMb: 320 });
  const plan = { accounts: ACCOUNTS, timeEntries: 60, sessionSeconds: SESSION_SECONDS, bootstrap: broker.bootstrap };
  const fleet = await TestFleet.open(plan);
  let made = 0;
  const start = () => fleet.start(`pub-${++made}`);
  let instances = await Promise.all(Array.from({ length: INSTANCES }, start));
  const unowned = new Map<string, number[]>(ENDS.map(([, signal]) => [signal, []]));
  /** From the assignment on; the rest is the group's. */
  const openings: number[] = [];
  let movedOthers = 0;

  for (let kill = 1; kill <= KILLS; kill++) {
    const owners = await evenly(fleet, instances);
    const victim = instances[Math.floor(draw.random() * INSTANCES)]!;
    const rest = instances.filter((each) => each !== victim);
    const lost = [...owners].filter(([, owner]) => owner === victim.name).map(([account]) => account);
    for (const simulator of fleet.simulators)
      storm(simulator, { random: () => draw.random(), count: 2, lateSeconds: 1 });
    await pause(draw.random() * 3_000);

    const chance = draw.random();
    const [, signal] = ENDS.find(([most]) => chance < most)!;
    const { opened, unownedMs } = await openedAfter(fleet, rest, () => victim.running.process.kill(signal));
    movedOthers += opened.filter(({ account }) => !lost.includes(account!)).length;
    unowned.get(signal)!.push(...unownedMs);
    openings.push(...opened.map(({ ms }) => Number(ms)));

    if (signal === 'SIGSTOP') {
      await pause(draw.random() * LONGEST_SLEEP_MS);
      const told = victim.lines('cluster.evicted').length;
      victim.running.process.kill('SIGCONT');
      await until('the sleeper is told', () => victim.lines('cluster.evicted').length > told);
      await until('the sleeper is back', async () => (await victim.cluster()).members.length === INSTANCES);
    } else {
      const { code } = await victim.running.ended;
      expect(code).toBe(signal === 'SIGTERM' ? 143 : null);
      instances = [...rest, await start()];
    }
    process.stdout.write(
      `${kill}/${KILLS} ${signal} of ${victim.name} (${lost.length} accounts): ${figures(unowned.get(signal)!)}, openings ${figures(openings)}\n`,
    );
  }

  await fleet.isRight();
  // As a Deployment does it: the new one is there before the old one is told to end.
  const rolled: number[] = [];
  let snapshots = 0;
  for (const old of instances) {
    const rest = [...instances.filter((each) => each !== old), await start()];
    await fleet.agreed(old, ...rest);
    const { unownedMs } = await openedAfter(fleet, rest, () => old.running.process.kill('SIGTERM'));
    expect((await old.running.ended).code).toBe(143);
    rolled.push(...unownedMs);
    instances = rest;
  }
  for (const each of instances) snapshots += each.lines('scan.started').filter(isSnapshot).length;

  const owners = await evenly(fleet, instances);
  const evicted = () => instances.flatMap((each) => each.lines('cluster.evicted')).length;
  const evictedBefore = evicted();
  await broker.kill();
  await pause(BROKER_AWAY_MS);
  await broker.start();
  await until('every instance is back', () => instances.every((each) => each.lines('cluster.back').length > 0));
  for (const simulator of fleet.simulators) storm(simulator, { random: () => draw.random(), count: 2, lateSeconds: 1 });
  await fleet.isRight();
  const after = await fleet.agreed(...instances);
  const moved = [...owners].filter(([account, owner]) => after.get(account) !== owner).length;
  const evictions = evicted() - evictedBefore;
  process.stdout.write(
    `rolling restart, SIGTERM to open elsewhere: ${figures(rolled)}; ${snapshots} streams read anew\n`,
  );
  process.stdout.write(`broker away for 30 s: ${moved} accounts moved, ${evictions} evicted\n`);
  for (const [signal, times] of unowned) process.stdout.write(`${signal} to open elsewhere: ${figures(times)}\n`);
  process.stdout.write(`of it from the assignment on: ${figures(openings)}\n`);
  process.stdout.write(`accounts of others that moved: ${movedOthers}\n`);
  const faults = { movedOthers, moved, snapshots, evictions };
  expect(faults).toEqual({ movedOthers: 0, moved: 0, snapshots: 0, evictions: 0 });
});

const isSnapshot = ({ purpose }: Line) => purpose === 'snapshot';

/** What these instances opened since `end` ended one beside them, once they agree; and how long each account had no owner. */
async function openedAfter(fleet: TestFleet, rest: readonly Instance[], end: () => void) {
  const before = new Map(rest.map((each) => [each, each.lines('cluster.opened').length]));
  const at = systemClock.now();
  end();
  await fleet.agreed(...rest);
  const opened = rest.flatMap((each) => each.lines('cluster.opened').slice(before.get(each)));
  return { opened, unownedMs: opened.map(({ time }) => Date.parse(time) - at) };
}

/** Owner by account, once every instance has its share. */
async function evenly(fleet: TestFleet, instances: readonly Instance[]): Promise<ReadonlyMap<string, string>> {
  let owners: ReadonlyMap<string, string> = new Map();
  await until('the loads are even', async () => {
    owners = await fleet.agreed(...instances);
    const loads = instances.map(({ name }) => [...owners.values()].filter((owner) => owner === name).length);
    return Math.max(...loads) - Math.min(...loads) <= Math.max(1, ACCOUNTS / 10);
  });
  return owners;
}

function figures(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! / 1000).toFixed(1);
  return `p50 ${at(0.5)} s, p90 ${at(0.9)} s, p99 ${at(0.99)} s of ${times.length}`;
}
