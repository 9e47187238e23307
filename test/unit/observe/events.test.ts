// /events: what keeps open status pages up to date, and what slow or many of them cannot do.
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { AccountStatus } from '../../../src/engine/status.ts';
import { eventOf, FRAME_MS, VIEWERS_MAX, Viewers } from '../../../src/observe/viewers.ts';
import { openServer } from '../../support/http-server.ts';
import { PAGE_STATES } from '../../support/page-states.ts';
import { until } from '../../support/patience.ts';
import { account, NOW, stream } from '../../support/status.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const WELL = [account([stream('clients')])];

/** An answer that is being read from the beginning on, or not at all. */
async function viewer(address: string, reads = true): Promise<{ answer: IncomingMessage; seen: () => string }> {
  const request = get(`${address}/events`, { agent: false });
  onTestFinished(() => void request.destroy());
  request.on('error', () => {});
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  let seen = '';
  if (reads) answer.setEncoding('utf8').on('data', (piece) => (seen += piece));
  return { answer, seen: () => seen };
}

/** What was sent: the events' data, in their order. */
const frames = (text: string): { title: string; main: string }[] =>
  [...text.matchAll(/^event: page\ndata: (.+)\n\n/gm)].map(([, data]) => JSON.parse(data!));

test('a page is sent what it shows at once, and again as time passes', async () => {
  let accounts: readonly AccountStatus[] = WELL;
  const clock = new VirtualClock(NOW);
  const { address } = await openServer(() => accounts, { clock });
  const { answer, seen } = await viewer(address);
  expect(answer.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  await until('the first event', () => frames(seen()).length === 1);
  accounts = [account([], { phase: 'stopped', reason: '401' })];
  await clock.pass(FRAME_MS);
  await until('the second', () => frames(seen()).length === 2);
  const [first, second] = frames(seen());
  expect(first).toMatchObject({
    title: 'ready · harvest-kafka',
    main: expect.stringMatching(/^<main>[\s\S]*<\/main>$/),
  });
  expect(second!.title).toBe('not ready · harvest-kafka');
});

test('text from outside cannot end an event early', () => {
  const event = eventOf('page', { main: 'a\n\nevent: page\ndata: {}\r\n\r' });
  expect(event.match(/\n/g)).toHaveLength(3);
  expect(event).not.toContain('\r');
});

test('more open pages than twenty are turned away, and a place is free again when one is closed', async () => {
  const { address } = await openServer(() => WELL);
  const open = await Promise.all(Array.from({ length: VIEWERS_MAX }, () => viewer(address)));
  expect(open.map(({ answer }) => answer.statusCode)).toEqual(Array(VIEWERS_MAX).fill(200));
  const turnedAway = await fetch(`${address}/events`);
  expect([turnedAway.status, await turnedAway.json()]).toEqual([503, { error: 'too many open pages' }]);
  expect((await fetch(`${address}/health/live`)).status).toBe(200);
  open[0]!.answer.destroy();
  await until('a free place', async () => (await viewer(address)).answer.statusCode === 200);
});

test('for a page that does not read one event waits in memory, however many are due', async () => {
  const frame = 'x'.repeat(100_000);
  const clock = new VirtualClock(NOW);
  const viewers = new Viewers(clock, () => frame);
  const server = createServer((_, response) => viewers.add(response, {})).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const { answer } = await viewer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, false);
  answer.pause();
  // Between two processes lie a few megabytes; from then on they would lie in ours.
  for (let event = 0; event < 300; event++) await clock.pass(FRAME_MS);
  const [, response] = await asked;
  expect(response.writableNeedDrain).toBe(true);
  expect(response.writableLength).toBeLessThan(2 * frame.length);
});

test('a page that does not read loses its place after five seconds', async () => {
  const clock = new VirtualClock(NOW);
  const { address } = await openServer(() => PAGE_STATES.several!, { clock });
  const { answer } = await viewer(address, false);
  answer.pause();
  for (let event = 0; event < 50; event++) await clock.pass(FRAME_MS);
  // Who does not read learns of the end only by writing.
  const closed = new Promise((resolve) => answer.socket.once('close', resolve));
  const drip = setInterval(() => answer.socket.write('G'), 200);
  await closed;
  clearInterval(drip);
});

test('nothing is rendered while nobody looks', async () => {
  let rendered = 0;
  const clock = new VirtualClock(NOW);
  const viewers = new Viewers(clock, () => `${rendered++}`);
  expect(viewers.isFull).toBe(false);
  await clock.pass(10 * FRAME_MS);
  expect(rendered).toBe(0);
});

test('a view that cannot be read is a 500 without details, and a later failure ends no open page', async () => {
  let fails = true;
  const clock = new VirtualClock(NOW);
  const { address } = await openServer(
    () => {
      if (fails) throw new Error('secret detail');
      return WELL;
    },
    { clock },
  );
  const refused = await fetch(`${address}/events`);
  expect([refused.status, await refused.text()]).toEqual([500, expect.not.stringContaining('secret')]);
  fails = false;
  const { seen } = await viewer(address);
  fails = true;
  await clock.pass(FRAME_MS);
  fails = false;
  await clock.pass(FRAME_MS);
  await until('the event after it', () => frames(seen()).length === 2);
});
