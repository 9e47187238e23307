// A refusal counts when Harvest itself has given it three times within seconds; what something in between says counts never.
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { account, benchAccount, inProcess, named, viewDifferences } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { clientOf, failureOf, json, page, scripted } from './scripted-harvest.ts';

const signal = new AbortController().signal;
const good = (response: ServerResponse) => json(response, { clients: [{ id: 1 }], links: { next: null } });
const NOT_AUTHORISED = { message: 'Not authorized!' };
const NOT_FOUND = { status: 404, error: 'Not Found' };

describe.each([
  [403, NOT_AUTHORISED, 'harvest.forbidden'],
  [404, NOT_FOUND, 'harvest.not_found'],
])('a list that answers %i [P8 P9]', (status, body, code) => {
  test('once or twice is asked again within seconds, and its page arrives', async () => {
    const server = await scripted((response, _, count) => (count < 2 ? json(response, body, status) : good(response)));
    const { source, clock } = clientOf(server);
    expect((await source.fetchPage(page('clients'), signal)).records).toEqual([{ id: 1 }]);
    expect(clock.sleeps).toEqual([125, 500]);
  });

  test('three times is refused; asked again later, its first word is enough until it has answered', async () => {
    let isRefused = true;
    const server = await scripted((response) => (isRefused ? json(response, body, status) : good(response)));
    const { source } = clientOf(server);
    const ask = () => source.fetchPage(page('clients'), signal);
    expect(await failureOf(ask())).toMatchObject({ code, stream: 'clients' });
    expect(server.seen).toHaveLength(3);
    expect(await failureOf(ask())).toMatchObject({ code });
    expect(server.seen).toHaveLength(4);
    isRefused = false;
    await ask();
    isRefused = true;
    expect(await failureOf(ask())).toMatchObject({ code });
    expect(server.seen).toHaveLength(8);
  });
});

test.each([401, 403, 404])(
  'a %i that is no JSON of Harvest is a failure of the network: asked again, and told as that',
  async (status) => {
    const between = (response: ServerResponse) =>
      response.writeHead(status).end('<html>log in to the proxy first</html>');
    const once = await scripted((response, _, count) => (count === 0 ? between(response) : good(response)));
    expect((await clientOf(once).source.fetchPage(page('clients'), signal)).records).toEqual([{ id: 1 }]);

    const always = await scripted(between);
    expect(await failureOf(clientOf(always).source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.network',
      kind: 'transient',
      message: expect.stringContaining(`answered ${status}: a page that is not Harvest JSON`),
      remedy: expect.stringContaining('check harvest.base_url'),
    });
    expect(always.seen).toHaveLength(4);
  },
);

test.each([
  ['a 401 that a proxy answers with its page', { status: 401, body: '<html>proxy log-in</html>' }, 1],
  ['a 403 that a proxy answers with its page', { status: 403, body: '<html>blocked</html>' }, 1],
  ['two 403 of Harvest', { status: 403 }, 2],
  ['two 404 of Harvest', { status: 404 }, 2],
])('%s in mid-scan stops nothing and refuses no stream [P8]', async (_, answer, times) => {
  const { simulator } = account();
  simulator.faults.add({ match: { stream: 'time_entries', after: 1, times }, do: { kind: 'status', ...answer } });
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log, {
    streams: ['company', 'tasks', 'time_entries'],
    source: { pageRows: 100 },
  });
  await bench.catchUp();
  expect(named(bench.events, 'stream.changed')).toEqual([]);
  expect(await viewDifferences(simulator, log, ['company', 'tasks', 'time_entries'])).toEqual([]);
});

test('a record of which one stray 403 says that it may not be read is not held [P8]', async () => {
  const { simulator, pass } = account();
  const log = new MemoryLog();
  const streams = ['company', 'tasks'];
  await benchAccount(simulator, log, { streams }).catchUp();
  pass(10_000);
  const task = simulator.data.tasks.create({ name: 'short-lived' });
  await benchAccount(simulator, log, { streams }).catchUp();
  simulator.data.tasks.delete(task.id);
  simulator.faults.add({ match: { path: `/tasks/${task.id}`, times: 1 }, do: { kind: 'status', status: 403 } });
  const bench = benchAccount(simulator, log, { streams });
  await bench.catchUp();
  expect(named(bench.events, 'stream.changed')).toEqual([]);
  expect(log.history.at(-1)).toMatchObject({ stream: 'tasks', op: 'd' });
});

describe('bytes that are no UTF-8 [P7]', () => {
  const body = (name: Buffer) =>
    Buffer.concat([Buffer.from('{"clients":[{"id":1,"name":"'), name, Buffer.from('"}]}')]);
  const broken = body(Buffer.from([0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72]));
  const whole = body(Buffer.from('Müller'));

  test('are asked for again, and are never published while whole ones come', async () => {
    const server = await scripted((response, _, count) => response.end(count < 3 ? broken : whole));
    const { source } = clientOf(server);
    const { records } = await source.fetchPage(page('clients'), signal);
    expect(records).toEqual([{ id: 1, name: 'Müller' }]);
    expect(source.takeReplaced(page('clients').stream)).toBe(false);
  });

  test('that come each time are taken with U+FFFD in their place, and the stream is told once', async () => {
    const server = await scripted((response) => response.end(broken));
    const { source } = clientOf(server);
    const { records } = await source.fetchPage(page('clients'), signal);
    expect(records).toEqual([{ id: 1, name: 'M\ufffdller' }]);
    expect(server.seen).toHaveLength(4);
    const { stream } = page('clients');
    expect([source.takeReplaced(stream), source.takeReplaced(stream)]).toEqual([true, false]);
  });

  test('make one notice that names the stream, whatever restarts, and the other records arrive', async () => {
    const { simulator } = account();
    const [client] = simulator.data.clients.all();
    simulator.data.clients.update(client!.id, { name: 'M*ller' });
    const log = new MemoryLog();
    const honest = inProcess(simulator);
    const run = async () => {
      const bench = benchAccount(simulator, log, {
        streams: ['company', 'clients', 'tasks'],
        source: {
          transport: async (request, until) => {
            const answer = await honest(request, until);
            const latin = answer.body.toString('latin1').replace('M*ller', 'M\u00fcller');
            return { ...answer, body: Buffer.from(latin, 'latin1') };
          },
        },
      });
      await bench.catchUp();
      return named(bench.events, 'drift.seen');
    };
    expect(await run()).toMatchObject([{ stream: 'clients', kind: 'replaced_text' }]);
    simulator.data.clients.update(client!.id, { address: 'moved' });
    expect(await run()).toEqual([]);
    expect(log.notifications.filter(({ body: { event } }) => event === 'drift.seen')).toMatchObject([
      { stream: 'clients', body: { kind: 'replaced_text', advice: expect.stringContaining('U+FFFD') } },
    ]);
    expect(log.compacted('clients').size).toBe(simulator.truth('clients').length);
    expect(await viewDifferences(simulator, log, ['tasks'])).toEqual([]);
  });
});
