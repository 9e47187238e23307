// Everything that can happen to a fleet, one thing at a time: to an instance, to its way to the coordinator, to the coordinator, to an
// account.
import { storm } from '../../../../lab/simulator/index.ts';
import { STORED_WITHIN_MS } from '../../../../src/engine/committer.ts';
import type { Asked } from './group-line.ts';
import { type Instance, SESSION_MS } from './instance.ts';
import { type FleetStage, SECOND } from './stage.ts';
import { VANISHED_MS } from './watch.ts';

const WEIGHTS = {
  kill: 3,
  end: 3,
  join: 1,
  roll: 1,
  'freeze the loop': 2,
  'freeze the thread': 2,
  'freeze both': 2,
  'coordinator away': 2,
  'coordinator moved': 1,
  'group forgotten': 1,
  'late answers': 1.5,
  'lost answers': 1.5,
  'leader gone': 1,
  'lists differ': 1,
  outsider: 1.5,
  'commits in doubt': 1,
  move: 1,
  nothing: 1,
} as const;
export type FleetEpisode = keyof typeof WEIGHTS;

/** The longest that an answer of Join or Sync is waited for. */
const ANSWER_PATIENCE_MS = 2 * SESSION_MS + 5_000;
/** From the end of an outsider until the owner that it fenced stores something, somebody looks, and the account is open again. */
const OUTSIDER_GONE_MS = STORED_WITHIN_MS + 15_000;

const EPISODES: Readonly<Record<FleetEpisode, (stage: FleetStage, one: Instance) => void | Promise<void>>> = {
  kill(stage, one) {
    stage.watch.disturb(one);
    one.kill();
  },
  end(stage, one) {
    stage.watch.saysGoodbye(one);
    one.stop();
  },
  join(stage) {
    if (stage.living.length < 4) stage.start();
  },
  async roll(stage) {
    const old = stage.living;
    for (const each of old) {
      if (each.isOver) continue;
      stage.start();
      await stage.pass(stage.draw.between(2, 15) * SECOND);
      stage.watch.saysGoodbye(each);
      each.stop();
      await stage.pass(stage.draw.between(1, 8) * SECOND);
    }
  },
  'freeze the loop': (stage, one) => freeze(stage, one, ['loop']),
  'freeze the thread': (stage, one) => freeze(stage, one, ['thread']),
  'freeze both': (stage, one) => freeze(stage, one, ['loop', 'thread']),
  async 'coordinator away'(stage) {
    const { draw, group, watch } = stage;
    watch.disturb('all');
    group.goAway();
    await stage.pass(draw.random() * draw.pick([5, 30]) * SECOND);
    watch.disturb('all');
    group.comeBack();
  },
  'coordinator moved'(stage) {
    stage.watch.disturb('all');
    stage.group.move();
  },
  'group forgotten'(stage) {
    stage.watch.disturb('all', 2 * VANISHED_MS);
    stage.group.forget();
  },
  'late answers': (stage, one) => badLine(stage, one, 'late'),
  'lost answers': (stage, one) => badLine(stage, one, 'lost'),
  /** Whoever leads the next round dies before it has told the others. */
  'leader gone'(stage) {
    let isDone = false;
    for (const each of stage.living) {
      const before = each.line.fate;
      each.line.fate = (asked) => {
        if (asked === 'sync' && !isDone && stage.group.leads(each.line.memberId)) {
          isDone = true;
          stage.watch.disturb(each);
          stage.tell(`${each.name} dies before it tells who runs what`);
          each.kill();
        }
        return before(asked);
      };
    }
    stage.start();
  },
  async 'lists differ'(stage, one) {
    const { draw, watch } = stage;
    const [first, ...rest] = stage.ids;
    watch.disturb(one);
    one.list(draw.chance(0.5) ? [first!] : rest);
    await stage.pass(draw.between(1, 20) * SECOND);
    watch.disturb(one);
    one.list(stage.ids);
  },
  async outsider(stage) {
    const { draw, watch } = stage;
    const site = draw.pick([...stage.sites.values()]);
    watch.disturb(site);
    const outsider = stage.intrude(site);
    await stage.pass(draw.between(1, 30) * SECOND);
    watch.disturb(site, OUTSIDER_GONE_MS);
    outsider.stop();
  },
  'commits in doubt'(stage, one) {
    let left = stage.draw.between(1, 3);
    one.fate = () => {
      if (left-- <= 0) return 'acknowledged';
      stage.watch.disturb(one);
      return stage.draw.pick(['lost', 'reply lost'] as const);
    };
  },
  move(stage, one) {
    const { draw, clock } = stage;
    const { log } = draw.pick([...stage.sites.values()]);
    const at = new Date(clock.now()).toISOString();
    const id = `move ${at}`;
    log.ofAccount.set(id, { id, kind: 'move', to: one.name, at });
  },
  nothing() {},
};

async function freeze(stage: FleetStage, one: Instance, threads: readonly ('loop' | 'thread')[]): Promise<void> {
  const { draw, watch } = stage;
  watch.disturb(one);
  for (const thread of threads) one[thread].freeze();
  await stage.pass(draw.random() * draw.pick([8, 20, 40]) * SECOND);
  stage.tell(`${one.name} is woken`);
  watch.disturb(one);
  one.thaw();
}

function badLine({ draw, watch }: FleetStage, one: Instance, fate: 'late' | 'lost'): void {
  const which = draw.pick<Asked>(['join', 'sync']);
  let left = draw.between(1, 2);
  watch.disturb(one);
  one.line.fate = (asked) => {
    if (asked !== which || left <= 0) return 'at once';
    left--;
    watch.disturb(one, ANSWER_PATIENCE_MS + VANISHED_MS);
    return fate;
  };
}

/** Draws what happens next, and lets it. */
export async function happen(stage: FleetStage): Promise<void> {
  const what = stage.draw.weighted(WEIGHTS);
  if (stage.living.length === 0) stage.start();
  const one = stage.draw.pick(stage.living);
  stage.tell(`${what} (${one.name})`);
  await EPISODES[what](stage, one);
  for (const { simulator } of stage.sites.values()) {
    if (stage.draw.chance(0.5)) storm(simulator, { random: stage.draw.random, count: stage.draw.between(1, 4) });
  }
}
