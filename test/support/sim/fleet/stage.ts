// A schedule of the fleet, made from its seed: accounts, instances that come and go, their coordinator, and how time passes.
import { CALENDAR } from '../../epoch.ts';
import { GroupDouble } from '../../group-double.ts';
import { VirtualClock } from '../../virtual-clock.ts';
import { Draw } from '../draw.ts';
import { Instance, SESSION_MS } from './instance.ts';
import { Outsider } from './outsider.ts';
import { Site } from './site.ts';
import { FleetWatch } from './watch.ts';

export const SECOND = 1_000;

export class FleetStage {
  readonly seed: number;
  readonly draw: Draw;
  readonly clock = new VirtualClock();
  readonly group = new GroupDouble(this.clock, SESSION_MS);
  readonly sites: ReadonlyMap<string, Site>;
  readonly instances: Instance[] = [];
  readonly outsiders: Outsider[] = [];
  readonly watch: FleetWatch;
  /** The events, in words and in order. */
  readonly story: string[] = [];
  readonly broken: string[] = [];
  /** So many instances are started again and again. */
  wanted: number;
  readonly #startMs: number;

  constructor(seed: number) {
    this.seed = seed;
    this.draw = new Draw(seed);
    this.clock.set(Date.parse(CALENDAR.at) - this.clock.now());
    this.#startMs = this.clock.monotonic();
    this.wanted = this.draw.between(2, 3);
    const sites = Array.from({ length: this.draw.between(2, 4) }, (_, at) => new Site(at, seed, this.draw, this.clock));
    this.sites = new Map(sites.map((site) => [site.id, site]));
    this.watch = new FleetWatch(this);
  }

  get ids(): readonly string[] {
    return [...this.sites.keys()];
  }

  /** Those that run, or could if they were woken. */
  get living(): readonly Instance[] {
    return this.instances.filter(({ isOver, isStopping }) => !isOver && !isStopping);
  }

  tell(text: string): void {
    const seconds = (this.clock.monotonic() - this.#startMs) / SECOND;
    this.story.push(`${seconds.toFixed(1).padStart(6)} ${text}`);
  }

  start(listed: readonly string[] = this.ids): Instance {
    const { clock, group, sites, broken, seed } = this;
    const number = this.instances.length;
    const instance = new Instance({
      ...{ number, seed, clock, group, sites, listed, broken },
      tell: (of, event) => this.watch.hear(of, event),
      onLed: (joined, assignments) => this.watch.judgeRound(joined, assignments),
    });
    this.instances.push(instance);
    this.tell(`${instance.name} starts`);
    return instance.begin();
  }

  /** Somebody outside of the group takes an account. */
  intrude(site: Site): Outsider {
    const { clock, seed, broken } = this;
    const outsider = new Outsider({ site, clock, broken, seed: seed * 1021 + this.outsiders.length });
    this.outsiders.push(outsider);
    return outsider.begin();
  }

  /** Lets time pass, and somebody start what is missing. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    while (this.clock.monotonic() < end) {
      await this.clock.pass(Math.min(SECOND, end - this.clock.monotonic()));
      this.watch.look();
      if (this.living.length < this.wanted && this.draw.chance(0.15)) this.start();
    }
  }
}
