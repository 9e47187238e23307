// Everything that can happen in a schedule, one thing at a time: to the account, to the way there, to the publisher, to its log.

import { STORM_CHANGES, storm, stormBetweenRequests } from '../../../lab/simulator/index.ts';
import type { Signal } from '../../../src/engine/ports.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import type { CommitFate } from '../memory-log.ts';
import { POINTS } from './mortal.ts';
import type { Plan } from './plan.ts';
import { MINUTE, SECOND, SPOILT, type Stage } from './stage.ts';
import { drawWeather, recordFault } from './weather.ts';

/** How often each is drawn. */
const WEIGHTS = {
  storm: 6,
  'storm between requests': 3,
  weather: 6,
  crash: 5,
  stop: 1,
  successor: 2,
  freeze: 1.5,
  doubts: 3,
  signal: 2,
  'limited life': 0.7,
  stale: 2,
  gaps: 2,
  'spoilt record': 0,
  orphans: 0,
  'Date ahead': 0,
  'lost state': 0.4,
  'emptied topic': 0.4,
  unauthorised: 0.7,
  narrowed: 0,
  'clock set': 0,
} as const;
export type Episode = keyof typeof WEIGHTS;

/** The lists that reports sum up. */
const SUMMED_UP = new Set(catalog.filter(({ kind }) => kind === 'report').flatMap(({ sources }) => sources));
/** Writes become visible up to this much later than they say. */
const LATE_SECONDS = 60;
/** A clock that is off by more has another today for long. */
const MOST_OFF_MS = 3 * 60 * MINUTE;

/** An episode that cannot happen in a schedule, or would not be noticed, is not drawn. */
export function episodeWeights({ narrows, clock, streams }: Plan): Readonly<Record<Episode, number>> {
  const reads = (name: string) => streams.some((stream) => stream.name === name);
  return {
    ...WEIGHTS,
    narrowed: narrows ? 3 : 0,
    'clock set': clock === 'set' ? 4 : 0,
    'spoilt record': reads('tasks') ? 4 : 0,
    // Ahead of a clock that is wrong itself, it would be believed.
    'Date ahead': clock === 'true' && streams.some(isChanging) ? 1 : 0,
    orphans: reads('projects') && (reads('time_entries') || reads('expenses')) ? 2 : 0,
  };
}

/** A list that is read by what changed, and that storms change. */
function isChanging({ kind, name }: StreamDefinition): boolean {
  return kind === 'list' && STORM_CHANGES.some((change) => change.startsWith(`${name}.`));
}

const EPISODES: Readonly<Record<Episode, (stage: Stage) => void | Promise<void>>> = {
  storm(stage) {
    const { simulator, draw } = stage;
    const told = storm(simulator, { random: draw.random, count: draw.between(1, 12), lateSeconds: LATE_SECONDS });
    stage.tell(told.map(({ text }) => text).join('; '));
  },
  'storm between requests'(stage) {
    const { simulator, draw } = stage;
    let left = draw.between(1, 8);
    const each = (told: readonly { readonly text: string }[]) => {
      for (const { text } of told) stage.tell(`between requests: ${text}`);
      if (--left === 0) stop();
    };
    const stop = stormBetweenRequests(simulator, { random: draw.random, lateSeconds: LATE_SECONDS, each });
    stage.clear.push(stop);
  },
  weather(stage) {
    const { name, fault } = drawWeather(stage.plan, stage.draw, stage.clock.now());
    if (name === 'repeated page') stage.log.honest = false;
    stage.clear.push(stage.simulator.faults.add(fault));
    stage.tell(`weather: ${name} ${JSON.stringify(fault.match)}`);
  },
  async crash(stage) {
    const { draw, lives } = stage;
    const point = draw.pick(POINTS);
    const nth = draw.between(1, 10);
    stage.tell(`crash ${point} (${nth})`);
    lives.newest.doom(point, nth);
    // A stream that is read only at a start has to be reached.
    if (point === 'while opening' || point === 'while restoring') await lives.restart(point, nth);
  },
  stop(stage) {
    stage.tell('stop');
    stage.lives.newest.stop();
  },
  successor({ lives }) {
    lives.start();
  },
  async freeze(stage) {
    const { draw, lives } = stage;
    const older = lives.newest;
    stage.tell(`freeze ${older.number}`);
    older.freeze();
    await stage.pass(draw.random() * MINUTE);
    if (draw.chance(0.7)) lives.start();
    // While its successor is still busy with its beginning, or later.
    await stage.pass(draw.random() * draw.pick([15 * SECOND, MINUTE]));
    stage.tell(`thaw ${older.number}`);
    older.thaw();
  },
  doubts(stage) {
    const { draw, lives } = stage;
    let left = draw.between(1, 3);
    const share = draw.pick([0.1, 0.5, 1]);
    stage.tell(`${left} commits in doubt`);
    lives.newest.fate = () => {
      if (left === 0 || draw.random() > share) return 'acknowledged';
      left--;
      return doubt(stage);
    };
  },
  signal(stage) {
    const { draw, plan, lives } = stage;
    const kinds: Signal['kind'][] = ['reconcile', 'reset', 'replay', 'pause', 'resume'];
    if (plan.releases) kinds.push('release');
    const id = stage.signal(draw.pick(kinds), draw.pick(plan.streams).name);
    if (draw.chance(0.6)) return;
    stage.tell(`the commit that carries out signal ${id} is in doubt`);
    let isDone = false;
    lives.newest.fate = ({ signalsDone }) => {
      if (isDone || !signalsDone.includes(id)) return 'acknowledged';
      isDone = true;
      return doubt(stage);
    };
  },
  /** Somebody stops the publisher and has only a part of it done. */
  async 'limited life'(stage) {
    const { draw, plan, lives, clock } = stage;
    stage.tell('stop');
    lives.newest.stop();
    await clock.pass(draw.random() * MINUTE);
    const only = draw.chance(0.6) ? new Set([draw.pick(plan.streams).name, draw.pick(plan.streams).name]) : null;
    lives.start({ once: only === null || draw.chance(0.5), only });
  },
  stale(stage) {
    stage.tell('old answers');
    stage.log.honest = false;
    stage.door.stale += stage.draw.between(1, 4);
  },
  gaps(stage) {
    const { draw, simulator } = stage;
    if (stage.hasOrphans) return;
    stage.tell('gaps in lists');
    stage.log.honest = false;
    stage.door.gaps += draw.between(1, 6);
    // And whoever is asked for by its id is not always answered by Harvest itself.
    if (draw.chance(0.7)) stage.clear.push(simulator.faults.add(recordFault(draw)));
  },
  'spoilt record'(stage) {
    const { tasks } = stage.simulator.data;
    if (tasks.size === 0) return;
    const { id } = stage.draw.pick(tasks.all());
    stage.spoilt.add(id);
    tasks.update(id, { billable_by_default: SPOILT as never });
    stage.tell(`task ${id} cannot be converted`);
  },
  /** Hours and expenses leave a project just before it is deleted, and their lists cannot be read for a while. */
  orphans(stage) {
    const { draw, simulator } = stage;
    const { projects, time_entries: entries, expenses } = simulator.data;
    if (projects.size < 2) return;
    stage.hasOrphans = true;
    stage.door.gaps = 0;
    const former = draw.pick(projects.all());
    const other = entries.all().find(({ project_id }) => project_id !== former.id);
    const isFormer = ({ project_id }: { readonly project_id: number }) => project_id === former.id;
    for (const { id } of entries.all().filter(isFormer).slice(0, 2))
      if (other) entries.update(id, { project_id: other.project_id, task_id: other.task_id });
    for (const { id } of expenses.all().filter(isFormer).slice(0, 2))
      if (other) expenses.update(id, { project_id: other.project_id });
    projects.delete(former.id);
    const match = { stream: 'time_entries|expenses', times: draw.between(4, 30) };
    stage.clear.push(simulator.faults.add({ match, do: { kind: 'status', status: 500 } }));
    stage.tell(`project ${former.id} is deleted, but for two of its entries and expenses`);
  },
  /** The clock that dates a list's answers runs ahead of the one that writes it, by more than the overlap. */
  async 'Date ahead'(stage) {
    const { draw, simulator } = stage;
    const { name: stream } = draw.pick(stage.plan.streams.filter(isChanging));
    const seconds = draw.between(400, 1000);
    stage.clear.push(simulator.faults.add({ match: { stream }, do: { kind: 'date-offset', seconds } }));
    stage.tell(`the Date of ${stream} is ahead by ${seconds} s`);
    for (const count of [0, 3, 3]) {
      storm(simulator, { random: draw.random, count, weights: { [stream]: 30 } });
      await stage.pass(draw.between(60, 90) * SECOND);
    }
  },
  'lost state'(stage) {
    stage.lives.isForgetful = true;
    stage.lives.kill();
    stage.log.forget();
    stage.tell('lost state');
    stage.lives.start();
  },
  'emptied topic'(stage) {
    const { name } = stage.draw.pick(stage.plan.streams);
    stage.lives.kill();
    stage.log.empty(name);
    stage.tell(`the topic of ${name} is emptied`);
    stage.lives.start();
  },
  unauthorised(stage) {
    stage.tell('unauthorised');
    stage.lives.mayBeUnauthorised = true;
    const action = stage.plan.oauth ? ({ kind: 'revoke-tokens' } as const) : ({ kind: 'status', status: 401 } as const);
    stage.clear.push(stage.simulator.faults.add({ match: { times: 1 }, do: action }));
  },
  /** The token's owner is a member for a while. */
  async narrowed(stage) {
    const { settings } = stage.simulator;
    // Lists that are first read with a small role look whole: nobody can know what they and the reports from them lack.
    const { streams } = stage.lives.newest.account.status();
    if (streams.some(({ stream, complete }) => SUMMED_UP.has(stream) && !complete)) return;
    stage.tell('the role shrinks');
    // A cursor passes what the role hides; when it is back, a reconciliation finds that.
    stage.log.honest = false;
    const since = stage.clock.now();
    settings.role = 'member';
    await stage.pass(stage.draw.between(1, 6) * MINUTE);
    stage.lives.judgeRefusals(since);
    settings.role = 'administrator';
    stage.tell('the role is back');
  },
  'clock set'(stage) {
    const { draw, machine } = stage;
    const offMs = machine.offMs + draw.pick([-1, 1]) * draw.between(1, 60) * MINUTE;
    stage.setClock(Math.max(-MOST_OFF_MS, Math.min(MOST_OFF_MS, offMs)));
  },
};

function doubt({ draw }: Stage): CommitFate {
  return draw.chance(0.5) ? 'lost' : 'reply lost';
}

export async function happen(stage: Stage, what: Episode): Promise<void> {
  await EPISODES[what](stage);
}
