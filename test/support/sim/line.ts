// The way of one life to Harvest: how long it takes, and what is counted and judged of each request as it begins.
import type { HttpAnswer, Transport } from '../../../src/harvest/transport.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Door } from './door.ts';
import type { Mortal } from './mortal.ts';
import { budgetOf, Patience } from './patience.ts';

export interface LineParts {
  readonly door: Door;
  readonly clock: VirtualClock;
  readonly mortal: Mortal;
  /** How long the network takes for one direction, in ms. */
  readonly latency: () => number;
  /** Promises that are broken before everybody's eyes go here. */
  readonly broken: string[];
}

export class Line {
  /** When which requests began (monotonic), by their budget. */
  readonly starts = { general: [] as number[], reports: [] as number[] };
  readonly #parts: LineParts;
  readonly #patience = new Patience();
  /** Requests that have begun and not ended. */
  #underWay = 0;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /** Bound: it is passed on by itself. */
  readonly transport: Transport = async (request, signal) => {
    const now = this.#parts.clock.monotonic();
    const budget = budgetOf(request.url);
    if (budget !== null) this.starts[budget].push(now);
    const early = this.#patience.asks(request, now);
    if (early !== null) this.#parts.broken.push(`P6: ${early}`);
    this.#underWay++;
    return this.#send(request, signal).finally(() => this.#underWay--);
  };

  readonly #send: Transport = async (request, signal): Promise<HttpAnswer> => {
    const { door, clock, mortal, latency } = this.#parts;
    await mortal.pass('before a request');
    await clock.sleep(latency(), signal);
    await mortal.pass();
    signal.throwIfAborted();
    const answer = door.handle(request);
    if (answer === 'hang') await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }));
    await clock.sleep(latency(), signal);
    await mortal.pass('after an answer');
    signal.throwIfAborted();
    if (typeof answer === 'string') throw new Error('connection reset');
    this.#patience.hears(request, answer, clock.monotonic());
    return answer;
  };
}

/** The most of these times (monotonic, ascending) that lie within `ms`. */
export function mostWithin(times: readonly number[], ms: number): number {
  let first = 0;
  let most = 0;
  for (const [last, time] of times.entries()) {
    while (time - times[first]! >= ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
