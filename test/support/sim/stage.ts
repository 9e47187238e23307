// Everything that a schedule consists of, made from its seed, and how time passes for all of it.

import { createSimulator, seededRandom } from '../../../lab/simulator/index.ts';
import type { Signal } from '../../../src/engine/ports.ts';
import { MachineClock, VirtualClock } from '../virtual-clock.ts';
import { Witness } from '../witness.ts';
import { Door } from './door.ts';
import { Draw } from './draw.ts';
import { JudgedLog } from './judged-log.ts';
import { Lives } from './lives.ts';
import { drawPlan, type Plan } from './plan.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** How far time moves while somebody looks at the clock, at the most. */
const TICK_MS = 1;

/** No boolean: a task that holds it cannot be converted. */
export const SPOILT = 'perhaps';

export class Stage {
  readonly seed: number;
  readonly draw: Draw;
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly machine: MachineClock;
  readonly door: Door;
  readonly log: JudgedLog;
  readonly witness: Witness;
  readonly lives: Lives;
  /** The events, in words and in order. */
  readonly story: string[] = [];
  /** Tasks that were made inconvertible. */
  readonly spoilt = new Set<number>();
  /** Something left its parent just before that was deleted: from then on a gap in a list could hide where it went. */
  hasOrphans = false;
  /** Takes away what hangs over the account: faults, storms. */
  readonly clear: (() => void)[] = [];
  #signals = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.draw = new Draw(seed);
    this.plan = drawPlan(seed, this.draw);
    const tick = seededRandom(seed * 2003);
    this.clock = new VirtualClock(undefined, () => tick() * TICK_MS);
    this.machine = new MachineClock(this.clock);
    const { clock, machine, plan } = this;
    if (plan.clock === 'off') machine.offMs = this.draw.between(-600, 600) * SECOND;
    clock.set(Date.parse(plan.calendar.at) - clock.now());
    const simulator = createSimulator({ ...plan.simulator, now: clock.now });
    simulator.data.company.week_start_day = plan.calendar.weekStart;
    this.door = new Door(simulator);
    this.log = new JudgedLog(simulator, plan);
    this.witness = new Witness(simulator);
    const world = { plan, clock, machine, door: this.door, log: this.log };
    this.lives = new Lives(world, seed, (text) => this.tell(text));
  }

  get simulator() {
    return this.door.simulator;
  }

  tell(text: string): void {
    this.story.push(`${new Date(this.clock.now()).toISOString().slice(11, 19)} ${text}`);
  }

  /** Lets time pass, and somebody start again what has ended. */
  async pass(ms: number): Promise<void> {
    // Soon enough to meet the budget that its predecessor has left.
    const slices = Math.ceil(ms / (this.plan.hasBudgets ? 5 * SECOND : MINUTE));
    for (let slice = 0; slice < slices; slice++) {
      await this.clock.pass(Math.round(ms / slices));
      this.lives.tend();
    }
  }

  /** A person gives a signal; returns its id. */
  signal(kind: Signal['kind'], stream: string): string {
    const id = String(++this.#signals);
    this.tell(`signal: ${kind} ${stream}`);
    const at = new Date(this.clock.now()).toISOString();
    const to = kind === 'reset' && this.draw.chance(0.5) ? '2026-11-01' : null;
    this.log.signals.set(id, { id, kind, stream, to, at });
    return id;
  }

  /** In the middle of everything: who runs takes no notice, and must bear it. */
  setClock(offMs: number): void {
    if (offMs > this.machine.offMs) this.lives.isForgetful = true;
    this.machine.offMs = offMs;
    this.tell(`the clock is set to be off by ${offMs / MINUTE} min`);
  }
}
