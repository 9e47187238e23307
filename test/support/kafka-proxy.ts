// A loopback proxy in front of the brokers of a cluster that knows requests from answers, and does to a chosen one what
// networks and brokers do on their worst days. It puts itself into the answers that name brokers, so that clients which
// learn the cluster's addresses stay behind it. One connection is kafka-link.ts', what the bytes mean kafka-wire.ts'.
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type Armed, type Direction, type Door, type Fault, Link } from './kafka-link.ts';
import type { Address, Request } from './kafka-wire.ts';

export interface Trap {
  readonly api: number;
  /** Which of the requests that match from now on; 1 by default. */
  readonly nth?: number;
  readonly matches?: ((request: Request) => boolean) | undefined;
  readonly fault: Fault;
}

export interface Caught {
  /** When the trap has closed: on the request as it arrived, or on its answer as the broker gave it. */
  readonly struck: Promise<Request>;
  readonly closed: boolean;
  /** When the broker has answered it. */
  readonly answered: Promise<void>;
  /** Lets go what is held, even when the client has gone meanwhile: then the broker gets it all the same. */
  release(): void;
  /** Breaks the connection of what is held. */
  drop(): void;
}

export interface KafkaProxy {
  /** `host:port` of each front, joined by commas. */
  readonly bootstrap: string;
  readonly fronts: readonly string[];
  /** Connections of clients that are open. */
  readonly connections: number;
  /** Bytes passed so far. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Each trap closes once. */
  trap(trap: Trap): Caught;
  /** Tells of every request as it arrives, and of every answer as the broker gives it. */
  watch(watcher: Watcher): void;
  /** Cuts all connections when `bytes` more have passed in that direction; the byte at the cut is not passed. */
  cutAfter(direction: Direction, bytes: number, then?: 'and go on' | 'and refuse'): void;
  cut(): void;
  /** Refuses connections, or takes them again. */
  refuse(refusing: boolean): void;
  /** Keeps connections open and passes nothing, or passes what has been held back. */
  stall(stalling: boolean): void;
  close(): Promise<void>;
}

export type Watcher = (request: Request, moment: 'asked' | 'answered') => void;

/** One front for each broker, whose node ids are 1, 2, 3 and so on, as the lab gives them. */
export async function startKafkaProxy(brokers: readonly string[]): Promise<KafkaProxy> {
  const proxy = new Fronts();
  await proxy.listen(brokers.map((address) => Number(address.split(':')[1])));
  return proxy;
}

interface Waiting extends Armed {
  readonly trap: Trap;
  left: number;
}

class Fronts implements KafkaProxy, Door {
  readonly passed = { 'to broker': 0, 'to client': 0 };
  fronts: string[] = [];
  /** Front ports by broker ports. */
  readonly ports = new Map<number, number>();
  addresses: Address[] = [];
  stalling = false;
  readonly #links = new Set<Link>();
  readonly #servers: Server[] = [];
  readonly #watchers: Watcher[] = [];
  #waiting: Waiting[] = [];
  #armed: { readonly direction: Direction; readonly at: number; readonly refuse: boolean } | null = null;
  #refusing = false;

  get connections(): number {
    return this.#links.size;
  }

  get bootstrap(): string {
    return this.fronts.join(',');
  }

  async listen(brokerPorts: readonly number[]): Promise<void> {
    for (const [index, brokerPort] of brokerPorts.entries()) {
      const server = createServer((client) => {
        if (this.#refusing) client.destroy();
        else this.#links.add(new Link(this, client, connect(brokerPort, '127.0.0.1')));
      });
      this.#servers.push(server);
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address() as AddressInfo;
      this.ports.set(brokerPort, port);
      this.addresses.push({ nodeId: index + 1, port });
      this.fronts.push(`127.0.0.1:${port}`);
    }
  }

  trap(trap: Trap): Caught {
    let strike: Armed['strike'] = () => {};
    let closed = false;
    const struck = new Promise<Request>((resolve) => {
      strike = (request) => {
        closed = true;
        resolve(request);
      };
    });
    let answer: Armed['answered'] = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const waiting: Waiting = { trap, fault: trap.fault, left: trap.nth ?? 1, strike, answered: answer, link: null };
    this.#waiting.push(waiting);
    return {
      struck,
      answered,
      get closed() {
        return closed;
      },
      release: () => waiting.link?.release(),
      drop: () => waiting.link?.destroy(),
    };
  }

  caught(request: Request): Armed | null {
    for (const watcher of this.#watchers) watcher(request, 'asked');
    const matching = this.#waiting.filter(({ trap }) => trap.api === request.api && (trap.matches?.(request) ?? true));
    for (const waiting of matching) waiting.left--;
    const closed = matching.find(({ left }) => left === 0) ?? null;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== closed);
    return closed;
  }

  left(link: Link): void {
    this.#links.delete(link);
  }

  answered(request: Request): void {
    for (const watcher of this.#watchers) watcher(request, 'answered');
  }

  allow(direction: Direction, bytes: number): number {
    const left = this.#armed?.direction === direction ? this.#armed.at - this.passed[direction] : bytes + 1;
    const allowed = Math.min(bytes, left);
    this.passed[direction] += allowed;
    return allowed;
  }

  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
  }

  cutAfter(direction: Direction, bytes: number, then: 'and go on' | 'and refuse' = 'and go on'): void {
    this.#armed = { direction, at: this.passed[direction] + bytes, refuse: then === 'and refuse' };
  }

  readonly cut = (): void => {
    if (this.#armed?.refuse) this.#refusing = true;
    this.#armed = null;
    for (const link of this.#links) link.destroy();
  };

  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  stall(stalling: boolean): void {
    this.stalling = stalling;
    for (const link of this.#links) link.pump();
  }

  async close(): Promise<void> {
    this.cut();
    await Promise.all(this.#servers.map((server) => new Promise<void>((closed) => server.close(() => closed()))));
  }
}
