// The meaning of each answer and failure of Harvest, row by row (HARVEST-API, Errors), against a real HTTP server that misbehaves.
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { clockFrom } from '../../support/epoch.ts';
import { slowness } from '../../support/patience.ts';
import { clientOf, failureOf, json, page, type Script, scripted } from './scripted-harvest.ts';

const signal = new AbortController().signal;
const good = (response: ServerResponse) => json(response, { clients: [{ id: 1 }], links: { next: null } });

describe('a failure worth repeating', () => {
  const passing: Record<string, Script> = {
    'no whole answer in time': () => {},
    'a connection that is cut': (response) => response.destroy(),
    'a body that is cut': (response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"clients":', () => response.destroy());
    },
    'a body that ends early in a finished answer': (response) => response.end('{"clients":[{"id":1'),
    'a damaged gzip body': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip at all'),
    'half a gzip body': (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"clients":[]}').subarray(0, 12)),
    'a small body that unfolds without end': (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(257 * 2 ** 20), { level: 1 })),
    'an encoding that was not asked for': (response) => response.writeHead(200, { 'content-encoding': 'br' }).end('x'),
    'a web page with status 200': (response) => response.end('<!DOCTYPE html><title>Captive portal</title>'),
    'status 204': (response) => response.writeHead(204).end(),
    'status 408': (response) => response.writeHead(408).end(),
    'status 500 with a web page': (response) => response.writeHead(500).end('<html>'),
    'status 502': (response) => response.writeHead(502).end(),
    'status 503 without Retry-After': (response) => response.writeHead(503).end(),
  };

  test.each(Object.entries(passing))('%s, once, is mended by asking again', async (_, fault) => {
    const server = await scripted((response, request, count) =>
      count === 0 ? fault(response, request, 0) : good(response),
    );
    const { source, clock } = clientOf(server, { timeouts: { totalMs: 300 * slowness() } });
    expect((await source.fetchPage(page('clients'), signal)).records).toEqual([{ id: 1 }]);
    expect(clock.sleeps).toEqual([125]);
  });

  test.each([
    ['a connection that is cut', 'harvest.network', 0],
    ['a web page with status 200', 'harvest.unparsable', 200],
    ['status 502', 'harvest.server', 502],
  ])('%s, always, is given up after four tries with growing pauses', async (name, code, status) => {
    const server = await scripted(passing[name]!);
    const { source, clock, events } = clientOf(server);
    expect(await failureOf(source.fetchPage(page('clients'), signal))).toMatchObject({ code, kind: 'transient' });
    expect(server.seen).toHaveLength(4);
    expect(clock.sleeps).toEqual([125, 500, 2000]);
    expect(events.map((event) => event.name === 'request.finished' && event.status)).toEqual(Array(4).fill(status));
  });

  test('a body far larger than any page is given up, and said', async () => {
    const server = await scripted((response) => response.writeHead(200).end(Buffer.alloc(65 * 2 ** 20, ' ')));
    const { source } = clientOf(server);
    expect(await failureOf(source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.unparsable',
      message: expect.stringContaining('the body is too large for a page'),
    });
  });

  test('an answer that never ends is given up in time, and says how long it was waited for', async () => {
    const server = await scripted((response) => response.writeHead(200).write('{'));
    const { source } = clientOf(server, { timeouts: { totalMs: 50 } });
    expect(await failureOf(source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.network',
      message: expect.stringContaining('no whole answer within 0.05 s'),
    });
  });

  test('a host that nobody listens on is named', async () => {
    const server = { url: 'http://127.0.0.1:1', seen: [] };
    expect(await failureOf(clientOf(server).source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.network',
      message: expect.stringMatching(/GET http:\/\/127\.0\.0\.1:1\/v2\/clients.*ECONNREFUSED/),
    });
  });
});

describe('asked to slow down [P6]', () => {
  const serverDate = 'Sat, 21 Nov 2026 06:30:00 GMT';
  test.each([
    ['429 with seconds', 429, '20', 20_000],
    ['429 with a quarter of an hour', 429, '900', 900_000],
    ['429 with zero seconds', 429, '0', 1_000],
    ['429 with a date, on the server clock', 429, 'Sat, 21 Nov 2026 06:30:40 GMT', 40_000],
    ['429 with a date that has passed', 429, 'Sat, 21 Nov 2026 06:29:00 GMT', 1_000],
    ['429 without Retry-After', 429, undefined, 15_000],
    ['429 with nonsense', 429, 'soon 1', 15_000],
    ['429 with a negative number', 429, '-5', 15_000],
    ['429 with a number beyond all dates', 429, '9'.repeat(40), 15_000],
    ['503 with seconds', 503, '30', 30_000],
  ])('%s pauses the whole budget so long', async (_, status, retryAfter, ms) => {
    const server = await scripted((response, __, count) => {
      if (count > 0) return good(response);
      const headers = { date: serverDate, ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) };
      response.writeHead(status, headers).end('<html>Slow down, and never parse me</html>');
    });
    const { source, clock, events } = clientOf(server);
    expect((await source.fetchPage(page('clients'), signal)).records).toHaveLength(1);
    expect(events).toContainEqual({ name: 'budget.paused', budget: 'general', ms, status });
    const slept = clock.sleeps.reduce((sum, each) => sum + each, 0);
    expect(slept).toBeGreaterThan(ms - 100);
    expect(slept).toBeLessThanOrEqual(ms);
  });

  test('is obeyed without limit of tries', async () => {
    const server = await scripted((response, _, count) =>
      count < 30 ? response.writeHead(429, { 'retry-after': '15' }).end() : good(response),
    );
    expect((await clientOf(server).source.fetchPage(page('clients'), signal)).records).toHaveLength(1);
    expect(server.seen).toHaveLength(31);
  });

  test('holds back every other request of the budget, and none of the other budget', async () => {
    const server = await scripted((response, { url }, count) => {
      if (url.includes('/reports/')) return json(response, { results: [], links: {} });
      if (count === 0) return response.writeHead(429, { 'retry-after': '3600' }).end();
      good(response);
    });
    const stop = new AbortController();
    const { source } = clientOf(server, {
      connections: 1,
      clock: clockFrom(),
    });
    const held = [
      failureOf(source.fetchPage(page('clients'), stop.signal)),
      failureOf(source.fetchPage(page('clients'), stop.signal)),
    ];
    await source.fetchPage(page('time_team'), signal);
    await source.fetchPage(page('time_team'), signal);
    expect(server.seen.filter(({ url }) => !url.includes('/reports/'))).toHaveLength(1);
    expect(source.budgets.map((budget) => [budget.name, budget.waiting()])).toEqual([
      ['general', 2],
      ['reports', 0],
    ]);
    stop.abort(new Error('stopped'));
    expect((await Promise.all(held)).map(({ message }) => message)).toEqual(['stopped', 'stopped']);
  });
});

describe('a refusal that a person has to mend', () => {
  test.each([
    [
      401,
      { error: 'invalid_token', error_description: 'expired or revoked' },
      'harvest.unauthorised',
      'account',
      'expired or revoked',
    ],
    [403, { message: 'Not authorized!' }, 'harvest.forbidden', 'blocked', 'Not authorized!'],
    [404, { status: 404, error: 'Not Found' }, 'harvest.not_found', 'blocked', 'Not Found'],
    [
      400,
      { message: 'Invalid timeframe: must not exceed 1 year' },
      'harvest.refused',
      'blocked',
      'must not exceed 1 year',
    ],
    [422, { message: 'per_page is too large' }, 'harvest.refused', 'blocked', 'per_page is too large'],
    [409, { message: null }, 'harvest.refused', 'blocked', 'answered 409'],
  ])('%i %j is %s, and says what Harvest said', async (status, body, code, kind, text) => {
    const server = await scripted((response) => json(response, body, status));
    expect(await failureOf(clientOf(server).source.fetchPage(page('clients'), signal))).toMatchObject({
      code,
      kind,
      stream: 'clients',
      message: expect.stringContaining(text),
    });
    // A role or an address may be refused by mistake; a token and a request that is wrong are not asked again.
    expect(server.seen).toHaveLength(status === 403 || status === 404 ? 3 : 1);
  });

  test('a refusal names the role that the stream needs and the switch that turns it off [P9]', async () => {
    const server = await scripted((response) => json(response, {}, 403, { hint: 'Not authorized by hint' }));
    const failure = await failureOf(
      clientOf(server).source.fetchPage(page('cost_rates', { query: {}, parent: 1 }), signal),
    );
    expect(failure.message).toContain('Not authorized by hint');
    expect(failure.remedy).toContain('Administrator');
    expect(failure.remedy).toContain('streams.cost_rates.enabled: false');
  });

  test('a refusal of what every role may read does not ask for a role', async () => {
    const server = await scripted((response) => json(response, {}, 403));
    const failure = await failureOf(clientOf(server).source.fetchPage(page('time_entries'), signal));
    expect(failure.remedy).toBe(
      "This stream can be read by: any role (its own rows; an Administrator all). See whether the token's owner is still active in this account and may still use this part of Harvest, or set streams.time_entries.enabled: false.",
    );
  });

  test('a 404 that is a web page points at the base address instead', async () => {
    const server = await scripted((response) => response.writeHead(404).end('<html>'));
    const failure = await failureOf(clientOf(server).source.fetchPage(page('clients'), signal));
    expect(failure).toMatchObject({ code: 'harvest.network', remedy: expect.stringContaining('harvest.base_url') });
  });

  test('text of others is cut to one short line without control characters', async () => {
    const message = `first\nsecond\u001b[31m\u202e${'x'.repeat(5000)}`;
    const server = await scripted((response) => json(response, { message }, 422));
    const failure = await failureOf(clientOf(server).source.fetchPage(page('clients'), signal));
    expect(failure.message).toContain('first second [31m x');
    expect(failure.message.length).toBeLessThan(500);
    expect(failure.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each([301, 302, 307, 308])('%i is not followed, whoever it leads to [P6]', async (status) => {
    const foreign = await scripted(good);
    const server = await scripted((response) =>
      response.writeHead(status, { location: `${foreign.url}/v2/clients` }).end(),
    );
    expect(await failureOf(clientOf(server).source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.refused',
      message: expect.stringContaining(`it sends us to ${foreign.url}, which is not followed`),
    });
    expect(foreign.seen).toEqual([]);
  });
});
