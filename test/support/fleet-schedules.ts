// One schedule of the fleet is one seed: instances that share accounts are killed, ended, stopped and woken, their coordinator comes and
// goes, answers are lost, and at the end it is quiet. Every promise is judged, of each account over all of its owners.
import { createHash } from 'node:crypto';
import { calm } from '../../lab/simulator/index.ts';
import { evidenceOf, judge } from './oracle.ts';
import type { ScheduleVerdict } from './schedules.ts';
import { happen } from './sim/fleet/episodes.ts';
import type { Site } from './sim/fleet/site.ts';
import { FleetStage, SECOND } from './sim/fleet/stage.ts';
import { mostWithin } from './sim/line.ts';

const EPISODES_MOST = 5;
const MOST_QUIET_MS = 300 * SECOND;
/** Of one promise and account. */
const MOST_SHOWN = 3;

export async function runFleetSchedule(seed: number): Promise<ScheduleVerdict> {
  const stage = new FleetStage(seed);
  const { draw } = stage;
  for (let count = draw.between(1, stage.wanted); count > 0; count--) stage.start();
  for (let episode = draw.between(2, EPISODES_MOST); episode > 0; episode--) {
    await stage.pass(draw.random() * draw.pick([3, 20, 40]) * SECOND);
    await happen(stage);
  }
  await quieten(stage);
  const sites = [...stage.sites.values()];
  const broken = [...stage.broken];
  for (const site of sites) broken.push(...(await judgeSite(site)));
  return {
    ...{ seed, broken, digest: digestOf(stage), story: stage.story },
    commits: sites.reduce((sum, { log }) => sum + log.commits, 0),
    lives: stage.instances.length,
    requests: sites.reduce((sum, { simulator }) => sum + simulator.log.all().length, 0),
    minutes: Math.round(stage.clock.monotonic() / 60 / SECOND),
  };
}

/** Everything that is wrong ends: in the end every account has one owner, all agree on it, and topics and account are equal. */
async function quieten(stage: FleetStage): Promise<void> {
  const { group, watch, sites, clock } = stage;
  stage.tell('quiet');
  watch.disturb('all');
  group.comeBack();
  for (const outsider of stage.outsiders) outsider.stop();
  for (const instance of stage.instances) {
    instance.thaw();
    instance.fate = () => 'acknowledged';
    instance.line.fate = () => 'at once';
  }
  for (const { simulator } of sites.values()) calm(simulator);
  const until = clock.monotonic() + MOST_QUIET_MS;
  await stage.pass(30 * SECOND);
  let unrest = await unrestOf(stage);
  while (unrest.length > 0 && clock.monotonic() < until) {
    await stage.pass(15 * SECOND);
    unrest = await unrestOf(stage);
  }
  stage.broken.push(...unrest.map((text) => `P11: not even when it was quiet: ${text}`));
  stage.wanted = 0;
  for (const instance of stage.living) {
    watch.saysGoodbye(instance);
    instance.stop();
  }
  await stage.pass(20 * SECOND);
  for (const { id, log } of sites.values()) {
    if (log.lastSignature?.released_at === undefined)
      stage.broken.push(`P11: ${id} was not released by its last owner`);
  }
}

async function unrestOf({ instances, sites, living, wanted }: FleetStage): Promise<readonly string[]> {
  const states = living.map(({ fleet }) => fleet.cluster());
  const terms = new Set(states.map(({ term }) => term));
  const loads = living.map(({ fleet }) => fleet.status().length);
  const unrest = [
    ...(living.length < wanted ? ['instances are missing'] : []),
    ...(terms.size > 1 ? [`terms ${[...terms]} are in force`] : []),
    ...(Math.max(...loads) - Math.min(...loads) > 1 ? [`loads of ${loads}`] : []),
  ];
  for (const site of sites.values()) {
    const { holder } = site.log;
    const owners = instances.filter(
      (each) => !each.isOver && each.fleet.status().some(({ accountId }) => accountId === site.id),
    );
    if (owners.length !== 1) unrest.push(`${site.id} has ${owners.length} owners`);
    else if (holder === null || !owners[0]!.runs(holder)) unrest.push(`the owner of ${site.id} does not have its log`);
    if ((await verdictOn(site)).differences.length > 0) unrest.push(`${site.id} is not equal`);
  }
  return unrest;
}

function verdictOn({ simulator, log, plan, witness }: Site) {
  const { streams, grain } = plan;
  return judge(simulator, evidenceOf(log), { witness, streams: streams.map(({ name }) => name), grain });
}

async function judgeSite(site: Site): Promise<readonly string[]> {
  const { id, log, door, lines, plan } = site;
  const { differences, falseChanges, falseDeletions } = await verdictOn(site);
  const { requests, perSeconds } = plan.budgets.general;
  const starts = lines.flatMap((line) => line.starts.general).sort((a, b) => a - b);
  const most = mostWithin(starts, perSeconds * SECOND);
  const found: readonly (readonly [string, readonly string[]])[] = [
    ['P1', differences],
    ['P2, P3', falseChanges],
    ['P8', [...falseDeletions, ...log.early]],
    ['P6', door.strayed],
    ['P6', most > requests ? [`${most} requests of all owners together in a window of ${requests}`] : []],
  ];
  const told = found.flatMap(([promise, texts]) =>
    texts.slice(0, MOST_SHOWN).map((text) => `${promise}: ${id}: ${text}`),
  );
  return [...log.broken.map((text) => `${text} (${id})`), ...told];
}

function digestOf({ story, sites }: FleetStage): string {
  const hash = createHash('sha256').update(JSON.stringify(story));
  for (const { log } of sites.values()) {
    hash.update(JSON.stringify([log.signatures.map(({ value }) => value?.toString()), [...log.rows]]));
    hash.update(Buffer.concat(log.history.flatMap(({ key, value }) => [key, value ?? Buffer.from('-')])));
  }
  return hash.digest('hex');
}
