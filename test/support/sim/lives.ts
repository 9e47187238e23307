// The lives of a schedule, one after the other and sometimes two at once: starts them, starts them again, and judges how each ended.

import { seededRandom } from '../../../lab/simulator/index.ts';
import { CODES, type ErrorCode } from '../../../src/base/errors.ts';
import type { RunScope } from '../../../src/engine/account.ts';
import type { BudgetName } from '../../../src/streams/definition.ts';
import { Life, type LifeParts } from './life.ts';
import { mostWithin } from './line.ts';
import type { Point } from './mortal.ts';

/** Beside what commits take. */
const LONGEST_STANDSTILL_MS = 20_000;

type World = Omit<LifeParts, 'random' | 'number' | 'told' | 'derives'>;

export class Lives {
  readonly all: Life[] = [];
  readonly broken: string[] = [];
  /** One of them knows too little of its predecessor's requests. */
  mayExceed = false;
  /** Two were alive at once: what one had on its way when the other began may reach Harvest at any time. */
  haveMet = false;
  /** Since then whoever begins knows too little of its predecessor's requests: they are lost, or look older than they are. */
  isForgetful = false;
  mayBeUnauthorised = false;
  readonly #world: World;
  readonly #seed: number;
  readonly #tell: (text: string) => void;
  readonly #judged = new Set<Life>();
  #isCalm = false;
  /** Since when requests of the newest wait for a budget for no reason that could be seen. */
  readonly #standing = new Map<BudgetName, { readonly since: number; readonly moves: number }>();

  constructor(world: World, seed: number, tell: (text: string) => void) {
    this.#world = world;
    this.#seed = seed;
    this.#tell = tell;
  }

  get newest(): Life {
    return this.all.at(-1)!;
  }

  /** A new life, whatever the older ones are doing. */
  start(told: RunScope = {}): Life {
    const number = this.all.length;
    if (this.all.some((life) => !life.isOver)) this.haveMet = true;
    if (this.isForgetful) this.mayExceed = true;
    this.#standing.clear();
    // Drawn by itself, so that everything else that a seed means stays.
    const derives = this.#isCalm || seededRandom(this.#seed * 4001 + number)() < 0.75;
    const random = seededRandom(this.#seed * 1009 + number);
    const life = new Life({ ...this.#world, number, told, derives, random });
    this.all.push(life);
    const hasDerived = this.#world.plan.streams.some(({ kind }) => kind === 'derived');
    const limits = [
      ...(hasDerived && !derives ? ['without derived streams'] : []),
      ...(told.once ? ['once'] : []),
      ...(told.only ? ['only', ...told.only] : []),
    ];
    this.#tell(`life ${number} begins ${limits.join(' ')}`.trim());
    return life.begin();
  }

  /** Some stream stands still until it is asked again. */
  get isRefused(): boolean {
    const { streams } = this.newest.account.status();
    return streams.some(({ state }) => state === 'FORBIDDEN' || state === 'BLOCKED');
  }

  kill(): void {
    for (const life of this.all) life.kill();
  }

  /** Kills the newest; its successor is doomed from its first moment on. */
  async restart(point: Point, nth: number): Promise<void> {
    this.newest.kill();
    this.start().doom(point, nth);
    await this.#world.clock.pass(0);
  }

  /** Nothing more happens to anybody. */
  calm(): void {
    this.#isCalm = true;
    for (const life of this.all) {
      life.thaw();
      life.fate = () => 'acknowledged';
      life.doom('before a request', Number.POSITIVE_INFINITY);
    }
  }

  /** Judges what has ended, and starts anew when nobody is left. */
  tend(): void {
    for (const life of this.all) if (life.isOver && !this.#judged.has(life)) this.#judgeEnd(life);
    this.#judgeStandstill();
    if (this.newest.isOver) this.start();
  }

  /** The most requests that began within `ms`, whoever made them. */
  most(budget: BudgetName, ms: number): number {
    const starts = this.all.flatMap((life) => life.starts[budget]).sort((a, b) => a - b);
    return mostWithin(starts, ms);
  }

  /** Whoever waits for a budget that has tokens has its turn, as soon as a lease is stored. */
  #judgeStandstill(): void {
    const now = this.#world.clock.monotonic();
    const { standing, starts, commits, number } = this.newest;
    for (const name of ['general', 'reports'] as const) {
      if (!standing.includes(name)) {
        this.#standing.delete(name);
        continue;
      }
      // It has stood still since it was first seen standing, as long as no request has begun and no commit, which may store a
      // lease or be in doubt, has ended meanwhile.
      const moves = starts[name].length + commits;
      const before = this.#standing.get(name);
      const since = before?.moves === moves ? before.since : now;
      this.#standing.set(name, { since, moves });
      // Twice: before and after the commit that stores a lease.
      if (now - since > LONGEST_STANDSTILL_MS + 2 * this.#world.plan.latencyMs)
        this.broken.push(
          `P1: life ${number} stands still for ${Math.round((now - since) / 1000)} s: requests wait for ${name}`,
        );
    }
  }

  /** After a while with a role that may read little: a stream that is refused says so, and claims to know nothing newer (P9). */
  judgeRefusals(since: number): void {
    const { door, clock, plan, machine } = this.#world;
    const life = this.newest;
    if (life.isOver || machine.offMs !== 0) return;
    const status = life.account.status();
    if (status.phase !== 'running') return;
    const now = clock.now();
    for (const { stream, state, retrying, lagSeconds } of status.streams) {
      const asked = door.simulator.log.all().filter((request) => request.stream === stream && request.at >= since);
      const isRefused = asked.length > 0 && asked.every(({ status }) => status === 403);
      if (!isRefused || plan.streams.find(({ name }) => name === stream)!.kind !== 'list') continue;
      if (lagSeconds !== null && lagSeconds * 1000 < now - since - 1000)
        this.broken.push(`P9: ${stream} is refused since ${now - since} ms and claims to lag ${lagSeconds} s`);
      // Twice may be an accident.
      if (state === 'RUNNING' && retrying === null && asked.length > 2 && now - asked.at(-1)!.at > 60_000)
        this.broken.push(`P9: ${stream} is refused and says that it is running`);
    }
  }

  #judgeEnd(life: Life): void {
    this.#judged.add(life);
    const { endedBy, dead, number, lastWords } = life;
    this.#tell(`life ${number} ended: ${dead ? 'crashed' : (endedBy ?? 'stopped')}`);
    if (dead || endedBy === null) return;
    const hasSuccessor = this.all.some((other) => other.number > number);
    if (endedBy === 'kafka.fenced' && hasSuccessor) return;
    if (endedBy === 'harvest.unauthorised' && this.mayBeUnauthorised) return;
    // Catching up once gives up on what keeps failing, and says so.
    if (life.isLimited && CODES[endedBy as ErrorCode]?.kind === 'transient') return;
    this.broken.push(`ended by ${endedBy}: ${lastWords}`);
  }
}
