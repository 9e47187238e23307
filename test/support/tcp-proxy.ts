// A loopback proxy in front of a broker that cuts every connection on command: after so many bytes, or at a request of a
// kind. It puts its own port into the broker's answers, so that clients which learn the cluster's addresses stay with it.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export type Direction = 'to broker' | 'to client';

/** Kafka's numbers of the requests that a transaction is made of. */
export const API = { produce: 0, findCoordinator: 10, addPartitions: 24, endTransaction: 26 } as const;

export interface TcpProxy {
  readonly port: number;
  /** Bytes passed so far. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Cuts all connections when `bytes` more have passed in that direction; the byte at the cut is not passed. */
  cutAfter(direction: Direction, bytes: number, then?: 'and go on' | 'and refuse'): void;
  /** Cuts all connections at the next request of that kind: before the broker sees it, or before the client sees its answer. */
  cutAtRequest(api: number, moment: 'unsent' | 'unanswered'): void;
  cut(): void;
  /** Refuses connections, or takes them again. */
  refuse(refusing: boolean): void;
  /** Keeps connections open and passes nothing, or passes what has been held back. */
  stall(stalling: boolean): void;
  /** Runs `task` once when `bytes` more have passed to the broker. */
  onPassed(bytes: number, task: () => void): void;
  close(): Promise<void>;
}

export async function startTcpProxy(brokerPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const passed = { 'to broker': 0, 'to client': 0 };
  let armed: { readonly direction: Direction; readonly at: number; readonly refuse: boolean } | null = null;
  let trap: { readonly api: number; readonly moment: 'unsent' | 'unanswered' } | null = null;
  let refusing = false;
  let stalling = false;
  let awaited: { readonly at: number; readonly task: () => void } | null = null;

  const cut = () => {
    if (armed?.refuse) refusing = true;
    armed = null;
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (refusing) return client.destroy();
    const broker = connect(brokerPort, '127.0.0.1');
    let unanswered = false;
    // kafkajs hands each request to the socket in one piece: length, then the number of its kind.
    const trapped = (chunk: Buffer, direction: Direction): boolean => {
      if (direction === 'to client') return unanswered;
      if (!trap || chunk.length < 6 || chunk.readInt16BE(4) !== trap.api) return false;
      unanswered = trap.moment === 'unanswered';
      trap = null;
      return !unanswered;
    };
    const pass = (from: Socket, to: Socket, direction: Direction, edit: (chunk: Buffer) => Buffer) => {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (trapped(chunk, direction)) return cut();
        const left = armed?.direction === direction ? armed.at - passed[direction] : Number.POSITIVE_INFINITY;
        passed[direction] += Math.min(chunk.length, left);
        to.write(edit(chunk.subarray(0, left)));
        // The part before the cut still has to leave the process.
        if (chunk.length >= left) to.end(cut);
        if (awaited && passed['to broker'] >= awaited.at) {
          const { task } = awaited;
          awaited = null;
          setImmediate(task);
        }
      });
      if (stalling) from.pause();
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    };
    pass(client, broker, 'to broker', (chunk) => chunk);
    pass(broker, client, 'to client', (chunk) => readdress(chunk, brokerPort, port));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;

  return {
    port,
    passed,
    cut,
    cutAfter: (direction, bytes, then = 'and go on') => {
      armed = { direction, at: passed[direction] + bytes, refuse: then === 'and refuse' };
    },
    cutAtRequest: (api, moment) => {
      trap = { api, moment };
    },
    refuse: (now) => {
      refusing = now;
    },
    stall: (now) => {
      stalling = now;
      for (const socket of sockets) now ? socket.pause() : socket.resume();
    },
    onPassed: (bytes, task) => {
      awaited = { at: passed['to broker'] + bytes, task };
    },
    close: async () => {
      cut();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

/** Replaces `127.0.0.1:<from>` as Kafka writes addresses: length, text, port. The length of the answer stays. */
function readdress(chunk: Buffer, from: number, to: number): Buffer {
  const address = Buffer.from('\0\x09127.0.0.1\0\0\0\0', 'latin1');
  address.writeInt32BE(from, address.length - 4);
  for (let at = chunk.indexOf(address); at >= 0; at = chunk.indexOf(address, at + 1)) {
    chunk.writeInt32BE(to, at + address.length - 4);
  }
  return chunk;
}
