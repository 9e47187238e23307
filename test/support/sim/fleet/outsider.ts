// A process outside of the group that has one of its accounts for a while.
import { seededRandom } from '../../../../lab/simulator/index.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import { Mortal } from '../mortal.ts';
import type { Writer } from './signed-log.ts';
import { type SimulatedTenure, simulatedTenure } from './simulated-tenure.ts';
import type { Site } from './site.ts';

export interface OutsiderParts {
  readonly site: Site;
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly broken: string[];
}

export class Outsider {
  readonly site: Site;
  readonly #tenure: SimulatedTenure;
  readonly #stop = new AbortController();
  #isOver = false;

  constructor({ site, clock, seed, broken }: OutsiderParts) {
    this.site = site;
    const instance = `outsider/${seed}`;
    this.#tenure = simulatedTenure({
      ...{ site, name: instance, instance, clock, broken, mortal: new Mortal(), random: seededRandom(seed) },
      ...{ emit: () => {}, fate: () => 'acknowledged' },
    });
  }

  /** It ends when it is stopped or loses the account: it is no member, and does not come back. */
  begin(): this {
    const over = () => {
      this.#isOver = true;
    };
    void this.#tenure.account.run(this.#stop.signal).then(over, over);
    return this;
  }

  stop(): void {
    this.#stop.abort();
  }

  runs(writer: Writer): boolean {
    return !this.#isOver && writer === this.#tenure.writer;
  }
}
