// One schedule is one seed: an account, a publisher that is crashed, fenced, frozen, refused and lied to while the account
// changes, and at the end quiet. The same seed gives the same history byte for byte; every promise is judged.
import { createHash } from 'node:crypto';
import { calm, createSimulator, storm, stormBetweenRequests } from '../../src/lab/simulator/index.ts';
import { evidenceOf, judge } from './oracle.ts';
import { Door } from './sim/door.ts';
import { Draw } from './sim/draw.ts';
import { JudgedLog } from './sim/judged-log.ts';
import { type Life, POINTS } from './sim/life.ts';
import { Lives } from './sim/lives.ts';
import { drawPlan, type Plan, SECRET } from './sim/plan.ts';
import { drawWeather, recordFault } from './sim/weather.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Witness } from './witness.ts';

export interface ScheduleVerdict {
  readonly seed: number;
  /** Broken promises; empty is what everybody hopes for. */
  readonly broken: readonly string[];
  /** Of everything that was published and said. */
  readonly digest: string;
  /** What happened, in words and in order. */
  readonly story: readonly string[];
  readonly commits: number;
  readonly lives: number;
  readonly requests: number;
  /** Minutes of the schedule's own time. */
  readonly minutes: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Long enough for a census of everything, and for what a few restarts of a walk may take at the most. */
const LEAST_QUIET_MIN = 4;
const MOST_QUIET_MIN = 40;
/** Ours, and what the simulated id host makes of them. */
const SECRETS = [SECRET.token, SECRET.clientSecret, SECRET.refreshToken, 'simulated-access-'];
/** What no boolean is. */
const SPOILT = 'perhaps';
/** Writes become visible up to this much later than they say. */
const LATE_SECONDS = 60;

const EPISODES = {
  storm: 6,
  'storm between requests': 3,
  weather: 6,
  crash: 5,
  stop: 1,
  successor: 2,
  freeze: 1.5,
  doubts: 3,
  order: 2,
  stale: 2,
  gaps: 2,
  'spoilt record': 1,
  'lost state': 0.4,
  'emptied topic': 0.4,
  unauthorised: 0.7,
  narrowed: 0,
} as const;

export async function runSchedule(seed: number): Promise<ScheduleVerdict> {
  const schedule = new Schedule(seed);
  return schedule.run();
}

class Schedule {
  readonly #seed: number;
  readonly #draw: Draw;
  readonly #plan: Plan;
  readonly #clock = new VirtualClock();
  readonly #door: Door;
  readonly #log: JudgedLog;
  readonly #witness: Witness;
  readonly #lives: Lives;
  readonly #broken: string[] = [];
  readonly #story: string[] = [];
  readonly #spoilt = new Set<number>();
  #clear: (() => void)[] = [];
  #orders = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#draw = new Draw(seed);
    this.#plan = drawPlan(seed, this.#draw);
    const simulator = createSimulator({ ...this.#plan.simulator, now: this.#clock.now });
    this.#door = new Door(simulator, this.#plan);
    this.#log = new JudgedLog(simulator, this.#plan);
    this.#witness = new Witness(simulator);
    const world = { plan: this.#plan, clock: this.#clock, door: this.#door, log: this.#log };
    this.#lives = new Lives(world, seed, (text) => this.#tell(text));
  }

  get #simulator() {
    return this.#door.simulator;
  }

  async run(): Promise<ScheduleVerdict> {
    this.#tell(
      `${this.#plan.streams.map(({ name }) => name).join(' ')}, ${this.#plan.grain}, pages of ${this.#plan.perPage}`,
    );
    this.#lives.start();
    for (let episode = 0; episode < this.#plan.episodes; episode++) {
      await this.#pass(this.#draw.random() * 2 * MINUTE);
      const weights = { ...EPISODES, narrowed: this.#plan.narrows ? 3 : 0 };
      for (let twists = this.#draw.between(1, 2); twists > 0; twists--) {
        await this.#happen(this.#draw.weighted(weights));
      }
    }
    await this.#pass(this.#draw.random() * 3 * MINUTE);
    await this.#quiet();
    await this.#judge();
    const said = this.#lives.all.map(({ events, endedBy, lastWords }) => [events, endedBy, lastWords]);
    const digest = createHash('sha256')
      .update(JSON.stringify([this.#story, said, this.#log.notifications, [...this.#log.rows]]))
      .update(Buffer.concat(this.#log.history.flatMap(({ key, value }) => [key, value ?? Buffer.from('-')])));
    return {
      ...{ seed: this.#seed, broken: [...this.#log.broken, ...this.#lives.broken, ...this.#broken] },
      ...{ digest: digest.digest('hex'), story: this.#story },
      ...{ commits: this.#log.commits, lives: this.#lives.all.length },
      ...{ requests: this.#simulator.log.all().length, minutes: Math.round(this.#clock.monotonic() / MINUTE) },
    };
  }

  async #happen(what: keyof typeof EPISODES): Promise<void> {
    const draw = this.#draw;
    const simulator = this.#simulator;
    const { random } = draw;
    switch (what) {
      case 'storm':
        return this.#tell(
          storm(simulator, { random, count: draw.between(1, 12), lateSeconds: LATE_SECONDS })
            .map(({ text }) => text)
            .join('; '),
        );
      case 'storm between requests': {
        let left = draw.between(1, 8);
        const each = (told: readonly { readonly text: string }[]) => {
          for (const { text } of told) this.#tell(`between requests: ${text}`);
          if (--left === 0) stop();
        };
        const stop = stormBetweenRequests(simulator, { random, lateSeconds: LATE_SECONDS, each });
        this.#clear.push(stop);
        return;
      }
      case 'weather': {
        const { name, fault } = drawWeather(this.#plan, draw);
        if (name === 'repeated page') this.#log.honest = false;
        this.#clear.push(simulator.faults.add(fault));
        return this.#tell(`weather: ${name} ${JSON.stringify(fault.match)}`);
      }
      case 'crash': {
        const point = draw.pick(POINTS);
        const nth = draw.between(1, 10);
        this.#tell(`crash ${point} (${nth})`);
        this.#lives.newest.doom(point, nth);
        // What is read only at a start has to be reached.
        if (point === 'while opening' || point === 'while restoring') await this.#lives.restart(point, nth);
        return;
      }
      case 'stop':
        this.#tell('stop');
        this.#lives.newest.stop();
        return;
      case 'successor':
        this.#lives.start();
        return;
      case 'freeze': {
        const older = this.#lives.newest;
        this.#tell(`freeze ${older.number}`);
        older.freeze();
        await this.#pass(random() * MINUTE);
        if (draw.chance(0.7)) this.#lives.start();
        await this.#pass(random() * MINUTE);
        this.#tell(`thaw ${older.number}`);
        older.thaw();
        return;
      }
      case 'doubts': {
        let left = draw.between(1, 3);
        const share = draw.pick([0.1, 0.5, 1]);
        this.#tell(`${left} commits in doubt`);
        this.#lives.newest.fate = () => {
          if (left === 0 || random() > share) return 'acknowledged';
          left--;
          return random() < 0.5 ? 'lost' : 'reply lost';
        };
        return;
      }
      case 'order':
        return this.#order(draw.pick(['census', 'reset', 'replay']), draw.pick(this.#plan.streams).name);
      case 'stale':
        this.#tell('old answers');
        this.#log.honest = false;
        this.#door.stale += draw.between(1, 4);
        return;
      case 'gaps':
        // And whoever is asked for by its id is not always answered by Harvest itself.
        this.#tell('gaps in lists');
        this.#log.honest = false;
        this.#door.gaps += draw.between(1, 6);
        if (draw.chance(0.7)) this.#clear.push(simulator.faults.add(recordFault(draw)));
        return;
      case 'spoilt record': {
        const tasks = simulator.data.tasks.all();
        if (tasks.length === 0) return;
        const { id } = draw.pick(tasks);
        this.#spoilt.add(id);
        simulator.data.tasks.update(id, { billable_by_default: SPOILT as never });
        return this.#tell(`task ${id} cannot be converted`);
      }
      case 'lost state':
      case 'emptied topic':
        this.#lives.kill();
        if (what === 'lost state') this.#log.forget();
        else this.#log.empty(draw.pick(this.#plan.streams).name);
        this.#tell(what);
        this.#lives.start();
        return;
      case 'unauthorised':
        this.#tell(what);
        this.#lives.mayBeUnauthorised = true;
        this.#clear.push(
          simulator.faults.add(
            this.#plan.oauth
              ? { match: { times: 1 }, do: { kind: 'revoke-tokens' } }
              : { match: { times: 1 }, do: { kind: 'status', status: 401 } },
          ),
        );
        return;
      case 'narrowed':
        return this.#narrow();
    }
  }

  /** The token's owner is a member for a while. */
  async #narrow(): Promise<void> {
    this.#tell('the role shrinks');
    // A cursor passes what the role hides; when it is back, a census finds that.
    this.#log.honest = false;
    const since = this.#clock.now();
    this.#simulator.settings.role = 'member';
    await this.#pass(this.#draw.between(1, 6) * MINUTE);
    this.#lives.judgeRefusals(since);
    this.#simulator.settings.role = 'administrator';
    this.#tell('the role is back');
  }

  #order(kind: 'census' | 'reset' | 'replay' | 'release', stream: string): void {
    const id = String(++this.#orders);
    this.#tell(`order: ${kind} ${stream}`);
    const at = new Date(this.#clock.now()).toISOString();
    const to = kind === 'reset' && this.#draw.chance(0.5) ? '2026-11-01' : null;
    this.#log.orders.set(id, { id, kind, stream, to, at });
  }

  /** Everything that is wrong ends, and everything that is read in slack has its turn. */
  async #quiet(): Promise<void> {
    for (const clear of this.#clear.splice(0)) clear();
    this.#door.stale = 0;
    this.#door.gaps = 0;
    calm(this.#simulator);
    this.#tell('quiet');
    this.#lives.calm();
    // A stream that was refused is asked again within minutes, records that were within the hour, or both at a start.
    const isProbed = this.#draw.chance(0.1) && this.#plan.streams.length < 4;
    if (!isProbed) this.#lives.newest.stop();
    await this.#pass((isProbed ? 62 : LEAST_QUIET_MIN) * MINUTE);
    for (let waited = 0; waited < MOST_QUIET_MIN; waited += 3) {
      if (!this.#release() && (await this.#differences()).length === 0) break;
      await this.#pass(3 * MINUTE);
    }
    // Who is equal has no more to say.
    await this.#pass(2 * MINUTE);
    this.#lives.newest.stop();
    await this.#clock.pass(MINUTE);
  }

  /** Lets go of what is held; false when nothing is. */
  #release(): boolean {
    const held = this.#lives.newest.account.status().streams.filter(({ state }) => state === 'HELD');
    for (const { stream } of held) this.#order('release', stream);
    return held.length > 0;
  }

  /** Lets time pass, and somebody start again what has ended. */
  async #pass(ms: number): Promise<void> {
    const slices = Math.ceil(ms / MINUTE);
    for (let slice = 0; slice < slices; slice++) {
      await this.#clock.pass(Math.round(ms / slices));
      this.#lives.tend();
    }
  }

  #tell(text: string): void {
    this.#story.push(`${new Date(this.#clock.now()).toISOString().slice(11, 19)} ${text}`);
  }

  #verdict() {
    const { streams, grain } = this.#plan;
    const judged = { witness: this.#witness, streams: streams.map(({ name }) => name), grain };
    return judge(this.#simulator, evidenceOf(this.#log), judged);
  }

  async #differences(): Promise<readonly string[]> {
    return this.#withoutSpoilt((await this.#verdict()).differences);
  }

  async #judge(): Promise<void> {
    const { hasBudgets, budgets } = this.#plan;
    const verdict = await this.#verdict();
    const say = (promise: string, found: readonly string[]) => {
      for (const each of found.slice(0, 5)) this.#broken.push(`${promise}: ${each}`);
    };
    say('P1', this.#withoutSpoilt(verdict.differences));
    say('P2, P3', verdict.falseChanges);
    say('P8', verdict.falseDeletions);
    say(
      'P8',
      this.#log.early.map((text) => `${text}: a tombstone for what is there`),
    );
    say('P6', this.#door.strayed);
    if (hasBudgets && !this.#lives.overlapped)
      for (const name of ['general', 'reports'] as const) {
        const most = this.#simulator.maxInAnyWindow(name);
        if (most > budgets[name].requests) say('P6', [`${most} requests in a window of ${budgets[name].requests}`]);
      }
    this.#judgeSpoilt();
    this.#judgeSecrets();
  }

  /** Tasks that cannot be converted, and differ from the topic with good reason. */
  #stillSpoilt(): number[] {
    if (!this.#plan.streams.some(({ name }) => name === 'tasks')) return [];
    const { tasks } = this.#simulator.data;
    return [...this.#spoilt].filter((id) => (tasks.get(id)?.billable_by_default as unknown) === SPOILT);
  }

  /** What cannot be converted is in the dead letters instead, also where another record shows what is spoilt. */
  #withoutSpoilt(differences: readonly string[]): string[] {
    const spoilt = this.#stillSpoilt().map((id) => `tasks ${id}`);
    if (this.#spoilt.size > 0) {
      for (const [stream, { refused }] of this.#log.rows) {
        for (const id of Object.keys(refused ?? {})) spoilt.push(`${stream} ${id}`);
      }
    }
    return differences.filter(
      (text) => !spoilt.some((row) => text.startsWith(`${row}:`) || text.startsWith(`${row}.`)),
    );
  }

  /** The dead letters hold what cannot be converted, as Harvest wrote it last (P7). */
  #judgeSpoilt(): void {
    const letters = this.#log.deadLetters.filter(({ stream }) => stream === 'tasks');
    for (const id of this.#stillSpoilt()) {
      const now = JSON.stringify(this.#simulator.truth('tasks').find((task) => task.id === id));
      if (!letters.some(({ key, value }) => key === String(id) && value === now))
        this.#broken.push(`P7: task ${id} cannot be converted, and no dead letter holds it`);
    }
  }

  #judgeSecrets(): void {
    const { rows, notifications, deadLetters } = this.#log;
    const said = this.#lives.all.map((life: Life) => [life.events, life.lastWords, life.account.status()]);
    const text = JSON.stringify([said, [...rows], notifications, deadLetters.map(({ value }) => value)]);
    for (const secret of SECRETS) if (text.includes(secret)) this.#broken.push(`P10: ${secret} came out`);
  }
}
