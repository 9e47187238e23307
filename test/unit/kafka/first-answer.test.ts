import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { failsWithoutAnswer } from '../../../src/kafka/first-answer.ts';

/** Dials a server that does this with a connection; resolves to how the connection ended. */
async function ending(serve: (socket: Socket) => void, use: (socket: Socket) => void = () => {}): Promise<string> {
  const server = createServer((socket) => serve(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const socket = failsWithoutAnswer(connect((server.address() as AddressInfo).port, '127.0.0.1'), 200);
  const events: string[] = [];
  socket.on('data', (bytes) => events.push(`${bytes}`));
  socket.on('end', () => events.push('end'));
  socket.on('error', (error) => events.push(error.message));
  use(socket);
  await new Promise((closed) => socket.once('close', closed));
  return events.join(', ');
}

test('a broker that hangs up before it said anything has failed', async () => {
  expect(await ending((socket) => socket.end())).toBe('closed before the first answer');
});

test('a broker that says nothing has failed after a while', async () => {
  expect(await ending(() => {})).toBe('no answer to the first request');
});

test('once it has answered, a broker may be silent for long and hang up', async () => {
  const talk = (socket: Socket) => {
    socket.write('an answer');
    setTimeout(() => socket.end(), 400);
  };
  expect(await ending(talk)).toBe('an answer, end');
});

test('a connection that we end ourselves has not failed', async () => {
  expect(
    await ending(
      (socket) => socket.resume(),
      (socket) => socket.end(),
    ),
  ).toBe('end');
});
