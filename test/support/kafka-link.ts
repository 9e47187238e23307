// One connection through the proxy: takes requests and answers apart, keeps their order, and does to them what a trap says.
// Which trap closes on what is kafka-proxy.ts'.
import type { Socket } from 'node:net';
import { wholeFrames } from '../../src/kafka/frames.ts';
import { type Address, failure, type Request, readdress, readRequest } from './kafka-wire.ts';

export type Direction = 'to broker' | 'to client';

export type Fault =
  /** Nothing happens; somebody only wants to know. */
  | 'pass'
  /** The connection breaks before the broker sees the request, or when it has answered it. */
  | 'lose request'
  | 'lose answer'
  /** Nothing of the connection gets through from the request, or the answer, on, until it is released. */
  | 'hold request'
  | 'hold answer'
  /** Answered with this error code instead of by the broker, which never sees the request. */
  | { readonly refuse: number }
  /** Answered with this error code although the broker did what it was asked. */
  | { readonly deny: number };

/** A trap that has closed on a request, or is about to on its answer. */
export interface Armed {
  readonly fault: Fault;
  readonly strike: (request: Request) => void;
  /** The broker has answered it. */
  readonly answered: () => void;
  link: Link | null;
}

/** Questions of a connection to the proxy. */
export interface Door {
  /** Front ports by broker ports, and the fronts as brokers. */
  readonly ports: ReadonlyMap<number, number>;
  readonly addresses: readonly Address[];
  readonly stalling: boolean;
  /** The trap that this request closes. */
  caught(request: Request): Armed | null;
  answered(request: Request): void;
  /** How many of `bytes` may pass; fewer when a cut is due. */
  allow(direction: Direction, bytes: number): number;
  readonly cut: () => void;
  left(link: Link): void;
}

/** One direction of a connection: frames leave in order, or wait. */
interface Lane {
  readonly to: Socket;
  readonly frames: Buffer[];
  held: boolean;
}

/** One connection of a client and the one to the broker that goes with it. */
export class Link {
  readonly #door: Door;
  readonly #lanes: Readonly<Record<Direction, Lane>>;
  /** Requests that the broker has not answered, with the traps that closed on them. */
  readonly #asked = new Map<number, { readonly request: Request; readonly armed: Armed | null }>();
  #clientGone = false;

  constructor(door: Door, client: Socket, broker: Socket) {
    this.#door = door;
    this.#lanes = {
      'to broker': { to: broker, frames: [], held: false },
      'to client': { to: client, frames: [], held: false },
    };
    for (const [socket, take] of [
      [client, (frame: Buffer) => this.#fromClient(frame)],
      [broker, (frame: Buffer) => this.#fromBroker(frame)],
    ] as const) {
      socket.setNoDelay(true).on('error', () => {});
      wholeFrames(socket).on('data', (bytes) => {
        for (let at = 0; at < bytes.length; ) {
          const end = at + 4 + bytes.readInt32BE(at);
          take(bytes.subarray(at + 4, end));
          at = end;
        }
      });
    }
    broker.on('close', () => this.destroy());
    client.on('close', () => {
      this.#clientGone = true;
      this.#endWhenIdle();
    });
  }

  release(): void {
    for (const lane of Object.values(this.#lanes)) lane.held = false;
    this.pump();
    this.#endWhenIdle();
  }

  destroy(): void {
    for (const { to } of Object.values(this.#lanes)) to.destroy();
    this.#door.left(this);
  }

  pump(): void {
    for (const direction of ['to broker', 'to client'] as const) {
      const lane = this.#lanes[direction];
      while (lane.frames.length > 0 && !lane.held && !this.#door.stalling) {
        const frame = lane.frames.shift()!;
        const allowed = this.#door.allow(direction, frame.length);
        if (allowed === frame.length) lane.to.write(frame);
        // The part before the cut still has to leave the process.
        else lane.to.end(frame.subarray(0, allowed), this.#door.cut);
      }
    }
  }

  #fromClient(bytes: Buffer): void {
    const request = readRequest(bytes);
    const armed = this.#door.caught(request);
    const fault = armed?.fault ?? 'pass';
    if (armed) armed.link = this;
    if (armed && !awaitsAnswer(fault)) armed.strike(request);
    if (fault === 'lose request') {
      this.destroy();
      return;
    }
    if (typeof fault === 'object' && 'refuse' in fault) {
      this.#answer(request, fault.refuse);
      return;
    }
    if (fault === 'hold request') this.#lanes['to broker'].held = true;
    this.#asked.set(request.correlationId, { request, armed });
    this.#queue('to broker', bytes);
  }

  #fromBroker(bytes: Buffer): void {
    const correlationId = bytes.readInt32BE(0);
    const { request, armed } = this.#asked.get(correlationId)!;
    this.#asked.delete(correlationId);
    this.#door.answered(request);
    const fault = armed?.fault ?? 'pass';
    if (awaitsAnswer(fault)) armed?.strike(request);
    armed?.answered();
    if (fault === 'lose answer') {
      this.destroy();
      return;
    }
    if (isDenial(fault)) {
      this.#answer(request, fault.deny);
      return;
    }
    if (fault === 'hold answer') this.#lanes['to client'].held = true;
    this.#queue('to client', readdress(request, bytes, this.#door.ports));
    this.#endWhenIdle();
  }

  #answer(request: Request, code: number): void {
    this.#queue('to client', failure(request, code, this.#door.addresses));
  }

  #queue(direction: Direction, bytes: Buffer): void {
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    this.#lanes[direction].frames.push(Buffer.concat([length, bytes]));
    this.pump();
  }

  /** Requests that a client has left behind still reach the broker; their answers reach nobody. */
  #endWhenIdle(): void {
    if (this.#clientGone && this.#asked.size === 0) this.destroy();
  }
}

function awaitsAnswer(fault: Fault): boolean {
  return fault === 'lose answer' || fault === 'hold answer' || isDenial(fault);
}

function isDenial(fault: Fault): fault is { readonly deny: number } {
  return typeof fault === 'object' && 'deny' in fault;
}
