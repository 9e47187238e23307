// One account of the fleet: the made-up Harvest, the log, and what all of its owners together have done there.
import { createSimulator, type Simulator } from '../../../../lab/simulator/index.ts';
import { findStream } from '../../../../src/streams/catalog.ts';
import { CALENDAR } from '../../epoch.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import { Witness } from '../../witness.ts';
import { Door } from '../door.ts';
import type { Draw } from '../draw.ts';
import type { Line } from '../line.ts';
import { type Plan, SECRET } from '../plan.ts';
import { SignedLog } from './signed-log.ts';

/** Lists that cost little: what the streams hold is for the other simulation. */
const STREAMS = [['clients'], ['tasks'], ['clients', 'contacts'], ['roles', 'clients']];
const GENERAL = { perSeconds: 15 };
const CALM = {
  intervals: { pollMs: 15_000, countMs: 30_000, reconcileMs: 60_000 },
  polling: { targetMs: 15_000, quietMs: 15_000, idleMs: 15_000, budgetShare: 0.9 },
};
/** More than the budget allows: what is shared by all owners is always nearly used up. Costs three times as much to simulate. */
const PRESSED = {
  intervals: { pollMs: 3_000, countMs: 5_000, reconcileMs: 15_000 },
  polling: { targetMs: 3_000, quietMs: 3_000, idleMs: 3_000, budgetShare: 0.5 },
};
const PRESSED_SHARE = 0.2;

export class Site {
  readonly id: string;
  readonly plan: Plan;
  readonly simulator: Simulator;
  readonly door: Door;
  readonly log: SignedLog;
  readonly witness: Witness;
  /** Of all tenures, outsiders too. */
  readonly lines: Line[] = [];

  constructor(number: number, seed: number, draw: Draw, clock: VirtualClock) {
    this.plan = drawSitePlan(seed * 31 + number, draw);
    this.simulator = createSimulator({ ...this.plan.simulator, accountId: 1_000_001 + number, now: clock.now });
    this.id = String(this.simulator.accountId);
    this.door = new Door(this.simulator);
    this.log = new SignedLog(this.simulator, this.plan);
    this.witness = new Witness(this.simulator);
  }
}

function drawSitePlan(seed: number, draw: Draw): Plan {
  const isPressed = draw.chance(PRESSED_SHARE);
  const general = { requests: isPressed ? draw.between(4, 8) : draw.between(8, 14), ...GENERAL };
  const counts = { users: 2, clients: draw.between(2, 6), projects: 2, tasks: draw.between(2, 6), expenses: 0 };
  const budgets = { general, reports: { requests: 20, perSeconds: 60 } };
  const window = ({ requests, perSeconds }: typeof general) => ({ requests, seconds: perSeconds });
  return {
    ...{ seed, calendar: CALENDAR, grain: 'month', ...(isPressed ? PRESSED : CALM) },
    simulator: {
      ...{ seed, timeEntries: 0, years: 0.1, counts: { ...counts, invoices: 0, estimates: 0 }, token: SECRET.token },
      // The product is judged, not helped: the simulator would refuse what is too much.
      budgets: { general: { ...window(general), requests: 1_000 }, reports: null },
    },
    streams: draw.pick(STREAMS).map((name) => findStream(name)!),
    ...{ budgets, hasBudgets: true, hold: { share: 1, atLeast: 1_000_000 }, narrows: false, releases: true },
    ...{
      oauth: false,
      pageRows: 2_000,
      latencyMs: draw.pick([20, 100, 400]),
      clock: 'true',
      episodes: draw.between(2, 5),
    },
  };
}
