// The end of a schedule, judged by everything that was ever published and said. What holds only at each commit is
// judged there: judged-log.ts.
import { evidenceOf, judge, type Verdict } from '../oracle.ts';
import { SECRET } from './plan.ts';
import { SPOILT, type Stage } from './stage.ts';

/** Ours, and what the simulated id host makes of them. */
const SECRETS = [SECRET.token, SECRET.clientSecret, SECRET.refreshToken, 'simulated-access-'];
/** Of one promise. */
const MOST_SHOWN = 5;

/** Where topics and account differ, but for what cannot be converted. */
export async function differencesOn(stage: Stage): Promise<readonly string[]> {
  return withoutSpoilt(stage, (await verdictOn(stage)).differences);
}

/** Every broken promise, each with its name. */
export async function judgeStage(stage: Stage): Promise<readonly string[]> {
  const { log, lives, door } = stage;
  const broken = [...log.broken, ...lives.broken, ...lives.all.flatMap((life) => life.broken)];
  const verdict = await verdictOn(stage);
  const say = (promise: string, found: readonly string[]) => {
    for (const each of found.slice(0, MOST_SHOWN)) broken.push(`${promise}: ${each}`);
  };
  say('P1', withoutSpoilt(stage, verdict.differences));
  say('P2, P3', verdict.falseChanges);
  say(
    'P4',
    [...log.signals.values()].map(({ id, kind, stream }) => `signal ${id} (${kind} ${stream}) still waits`),
  );
  say('P8', verdict.falseDeletions);
  say(
    'P8',
    log.early.map((text) => `${text}: a tombstone for what is there`),
  );
  say('P6', door.strayed);
  say('P6', excesses(stage));
  say('P7', lostLetters(stage));
  say('P10', secretsOut(stage));
  return broken;
}

function verdictOn({ plan, simulator, log, witness }: Stage): Promise<Verdict> {
  const { streams, grain } = plan;
  return judge(simulator, evidenceOf(log), { witness, streams: streams.map(({ name }) => name), grain });
}

/** Looks at the clock move it, so that a window is a little shorter for those who judge it later. */
const LOOKS_MS = 20;

/**
 * More requests than a window allows. Counted as they arrive while each life ends before the next begins; and always as they
 * begin, over all lives together: what was on its way when one was frozen arrives when it is thawed.
 */
function excesses({ plan, lives, simulator }: Stage): string[] {
  if (!plan.hasBudgets || lives.mayExceed) return [];
  return (['general', 'reports'] as const).flatMap((name) => {
    const { requests, perSeconds } = plan.budgets[name];
    const arrived = lives.haveMet ? 0 : simulator.maxInAnyWindow(name);
    // A token that is renewed keeps a request of an older life waiting that has had its turn.
    const begun = lives.haveMet && plan.oauth ? 0 : lives.most(name, perSeconds * 1000 - LOOKS_MS);
    const most = Math.max(arrived, begun);
    return most > requests ? [`${most} requests in a window of ${requests}`] : [];
  });
}

/** Tasks that cannot be converted, and differ from the topic with good reason. */
function stillSpoilt({ plan, simulator, spoilt }: Stage): number[] {
  if (!plan.streams.some(({ name }) => name === 'tasks')) return [];
  const { tasks } = simulator.data;
  return [...spoilt].filter((id) => (tasks.get(id)?.billable_by_default as unknown) === SPOILT);
}

/** A record that cannot be converted is in the dead letters instead, also where another record shows what is spoilt. */
function withoutSpoilt(stage: Stage, differences: readonly string[]): string[] {
  const spoilt = stillSpoilt(stage).map((id) => `tasks ${id}`);
  if (stage.spoilt.size > 0) {
    for (const [stream, { refused }] of stage.log.rows) {
      for (const id of Object.keys(refused ?? {})) spoilt.push(`${stream} ${id}`);
    }
  }
  return differences.filter((text) => !spoilt.some((row) => text.startsWith(`${row}:`) || text.startsWith(`${row}.`)));
}

/** The dead letters hold what cannot be converted, as Harvest wrote it last (P7). */
function lostLetters(stage: Stage): string[] {
  const letters = stage.log.deadLetters.filter(({ stream }) => stream === 'tasks');
  return stillSpoilt(stage)
    .filter((id) => {
      const now = JSON.stringify(stage.simulator.truth('tasks').find((task) => task.id === id));
      return !letters.some(({ key, value }) => key === String(id) && value === now);
    })
    .map((id) => `task ${id} cannot be converted, and no dead letter holds it`);
}

function secretsOut({ log, lives }: Stage): string[] {
  const { rows, notifications, deadLetters } = log;
  const said = lives.all.map((life) => [life.events, life.lastWords, life.account.status()]);
  const text = JSON.stringify([said, [...rows], notifications, deadLetters.map(({ value }) => value)]);
  return SECRETS.filter((secret) => text.includes(secret)).map((secret) => `${secret} came out`);
}
