// Everything that goes wrong around a daemon, mixed and for as long as wanted: Harvest's answers, the way to the broker, the
// broker itself, the registry. Only what passes by itself: no fault of these stops an account or a stream for good.
import { setTimeout as pause } from 'node:timers/promises';
import type { Simulator } from '../../lab/simulator/index.ts';
import type { Broker } from '../../lab/stack/broker.ts';
import type { HttpGate } from './http-gate.ts';
import type { Direction, Fault } from './kafka-link.ts';
import type { KafkaProxy } from './kafka-proxy.ts';
import { API } from './kafka-wire.ts';
import type { Draw } from './sim/draw.ts';
import { drawWeather, type Weather } from './sim/weather.ts';
import { streams } from './truth.ts';

export interface WeatherParts {
  readonly simulator: Simulator;
  readonly proxy: KafkaProxy;
  readonly broker: Broker;
  readonly registry: HttpGate;
}

const KINDS = {
  harvest: 10,
  protocol: 5,
  cut: 2,
  'cut in mid-frame': 2,
  refused: 1,
  stalled: 1,
  frozen: 1,
  registry: 1,
};

/** Faults that a person has to end: the stream is asked again, but not before minutes have passed. */
const STANDSTILLS: ReadonlySet<Weather> = new Set([
  'forbidden',
  'not found',
  'refused',
  'own link',
  'first link',
  'foreign link',
]);

/** Kafka's error codes that say no more than `not now`. */
const NOT_NOW: Readonly<Partial<Record<keyof typeof API, readonly number[]>>> = {
  produce: [6, 7, 19, 56],
  fetch: [6, 56],
  metadata: [5],
  findCoordinator: [15],
  initProducerId: [16, 51],
  addPartitions: [14, 16, 51],
  endTransaction: [14, 16, 51],
};

export class MixedWeather {
  /** How often each kind has struck. */
  readonly counts: Record<string, number> = {};
  readonly #around: WeatherParts;
  readonly #draw: Draw;
  #clear: (() => void)[] = [];
  /** Faults that end by themselves. */
  readonly #passing = new Set<Promise<void>>();

  constructor(around: WeatherParts, draw: Draw) {
    this.#around = around;
    this.#draw = draw;
  }

  /** One more fault, which lasts `longestMs` at most or until `clear`. */
  strike(longestMs: number): void {
    const draw = this.#draw;
    const { simulator, proxy, broker, registry } = this.#around;
    const kind = draw.weighted(KINDS);
    const lasting = draw.between(1, longestMs);
    switch (kind) {
      case 'harvest': {
        let drawn = drawWeather({ streams }, draw, simulator.now());
        while (STANDSTILLS.has(drawn.name)) drawn = drawWeather({ streams }, draw, simulator.now());
        this.#clear.push(simulator.faults.add(drawn.fault));
        this.#count(`harvest: ${drawn.name}`);
        return;
      }
      case 'protocol':
        this.#protocol(lasting);
        return;
      case 'cut':
        proxy.cut();
        break;
      case 'cut in mid-frame':
        proxy.cutAfter(draw.pick<Direction>(['to broker', 'to client']), draw.between(1, 20_000));
        break;
      case 'refused':
        proxy.cut();
        this.#while(lasting, (on) => proxy.refuse(on));
        break;
      case 'stalled':
        this.#while(lasting, (on) => proxy.stall(on));
        break;
      case 'frozen':
        this.#while(lasting, (on) => (on ? broker.pause() : broker.resume()));
        break;
      case 'registry':
        this.#while(lasting, (on) => (on ? registry.shut() : registry.open()));
        break;
    }
    this.#count(kind === 'registry' ? kind : `broker: ${kind}`);
  }

  /** The broker dies without a word and is started again. */
  async killBroker(): Promise<void> {
    await this.clear();
    this.#count('broker: killed');
    await this.#around.broker.kill();
    await this.#around.broker.restart();
  }

  /** Ends what does not end by itself, and waits for the rest. */
  async clear(): Promise<void> {
    for (const clear of this.#clear.splice(0)) clear();
    await Promise.all(this.#passing);
  }

  #protocol(heldMs: number): void {
    const draw = this.#draw;
    const api = draw.pick(Object.keys(NOT_NOW) as (keyof typeof NOT_NOW)[]);
    const faults: Fault[] = ['lose request', 'lose answer', 'hold request', 'hold answer'];
    const fault = draw.chance(0.5) ? draw.pick(faults) : { refuse: draw.pick(NOT_NOW[api]!) };
    const caught = this.#around.proxy.trap({ api: API[api], nth: draw.between(1, 5), fault });
    void caught.struck.then(async () => {
      this.#count(`protocol: ${typeof fault === 'string' ? fault : 'error code'}`);
      if (typeof fault === 'object' || !fault.startsWith('hold')) return;
      await pause(heldMs);
      caught.release();
    });
  }

  #while(ms: number, turn: (on: boolean) => void): void {
    turn(true);
    const over = pause(ms).then(() => {
      turn(false);
      this.#passing.delete(over);
    });
    this.#passing.add(over);
  }

  #count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}
