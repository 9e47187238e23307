// One schedule is one seed: an account, a publisher that is crashed, fenced, frozen, refused and lied to while the account
// changes, and at the end quiet. The same seed gives the same history byte for byte; every promise is judged.
import { createHash } from 'node:crypto';
import { calm } from '../../lab/simulator/index.ts';
import { episodeWeights, happen } from './sim/episodes.ts';
import { differencesOn, judgeStage } from './sim/judgement.ts';
import { MINUTE, Stage } from './sim/stage.ts';

export interface ScheduleVerdict {
  readonly seed: number;
  /** Broken promises; empty is what everybody hopes for. */
  readonly broken: readonly string[];
  /** Of everything that was published and said. */
  readonly digest: string;
  /** The events, in words and in order. */
  readonly story: readonly string[];
  readonly commits: number;
  readonly lives: number;
  readonly requests: number;
  /** Minutes of the schedule's own time. */
  readonly minutes: number;
}

/** Long enough for a reconciliation of everything, and for what a few restarts of a walk may take at the most. */
const LEAST_QUIET_MIN = 4;
const MOST_QUIET_MIN = 90;
/** Streams that were refused are asked again within minutes, records that were within the hour, all of them at a start. */
const PROBED_MIN = 62;

export async function runSchedule(seed: number): Promise<ScheduleVerdict> {
  const stage = new Stage(seed);
  const { draw, plan, lives, log } = stage;
  stage.tell(`${plan.streams.map(({ name }) => name).join(' ')}, ${plan.grain}, pages of ${plan.pageRows}`);
  lives.start();
  const weights = episodeWeights(plan);
  for (let episode = 0; episode < plan.episodes; episode++) {
    await stage.pass(draw.random() * 2 * MINUTE);
    for (let twists = draw.between(1, 2); twists > 0; twists--) await happen(stage, draw.weighted(weights));
  }
  await stage.pass(draw.random() * 3 * MINUTE);
  await quieten(stage);
  return {
    ...{ seed, broken: await judgeStage(stage), digest: digestOf(stage), story: stage.story },
    ...{ commits: log.commits, lives: lives.all.length, requests: stage.simulator.log.all().length },
    minutes: Math.round(stage.clock.monotonic() / MINUTE),
  };
}

/** Everything that is wrong ends, and everything that is read in slack has its turn. */
async function quieten(stage: Stage): Promise<void> {
  const { draw, plan, lives, door } = stage;
  for (const clear of stage.clear.splice(0)) clear();
  door.stale = 0;
  door.gaps = 0;
  calm(stage.simulator);
  stage.tell('quiet');
  if (plan.clock === 'set') stage.setClock(0);
  lives.calm();
  const isProbed = draw.chance(0.3) && lives.isRefused && plan.streams.length < 4;
  if (!isProbed || lives.newest.isLimited || lives.newest.isNarrow) lives.newest.stop();
  await stage.pass((isProbed ? PROBED_MIN : LEAST_QUIET_MIN) * MINUTE);
  for (let waited = 0; waited < MOST_QUIET_MIN; waited += 3) {
    if (!letGo(stage) && (await differencesOn(stage)).length === 0) break;
    await stage.pass(3 * MINUTE);
  }
  // A life that is equal has no more to say.
  await stage.pass(2 * MINUTE);
  lives.newest.stop();
  await stage.clock.pass(MINUTE);
}

/** Lets go of what is held or paused; false when nothing is. */
function letGo(stage: Stage): boolean {
  const { streams } = stage.lives.newest.account.status();
  const waiting = streams.filter(({ state }) => state === 'HELD' || state === 'PAUSED');
  for (const { stream, state } of waiting) stage.signal(state === 'HELD' ? 'release' : 'resume', stream);
  return waiting.length > 0;
}

function digestOf({ story, lives, log }: Stage): string {
  const said = lives.all.map(({ events, endedBy, lastWords }) => [events, endedBy, lastWords]);
  return createHash('sha256')
    .update(JSON.stringify([story, said, log.notifications, [...log.rows]]))
    .update(Buffer.concat(log.history.flatMap(({ key, value }) => [key, value ?? Buffer.from('-')])))
    .digest('hex');
}
