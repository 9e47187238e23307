// The client's requests on the wire and their answers, against a real HTTP server.
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { findStream } from '../../../src/streams/catalog.ts';
import { EPOCH } from '../../support/epoch.ts';
import { clientOf, failureOf, json, page, scripted, TOKEN } from './scripted-harvest.ts';

const signal = new AbortController().signal;
const empty = (rows: string) => ({ [rows]: [], total_entries: 0, links: { next: null } });

describe('requests', () => {
  test.each([
    [
      'a list',
      'clients',
      { query: { updated_since: '2026-11-21T06:30:00Z' } },
      '/v2/clients?per_page=2000&updated_since=2026-11-21T06%3A30%3A00Z',
    ],
    ['a count check', 'clients', { query: { per_page: '1' } }, '/v2/clients?per_page=1'],
    ['a child', 'invoice_payments', { query: {}, parent: 7 }, '/v2/invoices/7/payments?per_page=2000'],
    [
      'a report',
      'time_team',
      { query: { from: '20260101', to: '20260131' } },
      '/v2/reports/time/team?per_page=2000&from=20260101&to=20260131',
    ],
  ])('%s is asked at its address', async (_, stream, target, address) => {
    const server = await scripted((response) => json(response, empty(findStream(stream)!.rows!)));
    await clientOf(server).source.fetchPage(page(stream, target), signal);
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET ${address}`]);
  });

  test('the company is one record, asked without a page size', async () => {
    const server = await scripted((response) => json(response, { name: 'Acme' }));
    const { source } = clientOf(server);
    expect(await source.fetchPage(page('company'), signal)).toMatchObject({ records: [{ name: 'Acme' }], next: null });
    expect(server.seen[0]?.url).toBe('/v2/company');
  });

  test.each(['', '/', '/v2', '/v2/', '/api/v2', '/api/v2//'])(
    'base address with "%s" at its end is understood',
    async (tail) => {
      const server = await scripted((response) => json(response, empty('clients')));
      await clientOf(server, { baseUrl: `${server.url}${tail}` }).source.fetchPage(page('clients'), signal);
      expect(server.seen[0]?.url).toBe(`${tail.startsWith('/api') ? '/api' : ''}/v2/clients?per_page=2000`);
    },
  );

  test('token, account, agent and gzip travel in headers, and nothing secret in the address', async () => {
    const server = await scripted((response) => json(response, empty('clients')));
    await clientOf(server).source.fetchPage(page('clients'), signal);
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'harvest-account-id': '42',
      'user-agent': 'harvest-kafka-tests (tests@example.com)',
      accept: 'application/json',
      'accept-encoding': 'gzip',
    });
    expect(server.seen[0]?.url).not.toContain(TOKEN);
  });

  test.each(['token\n', '', 'tök'])(
    'a token that no header can carry (%j) is refused before anything is sent',
    async (text) => {
      const server = await scripted((response) => json(response, {}));
      expect(() => clientOf(server, { credential: { accessToken: new Secret(text) } })).toThrow(
        /access_token is empty or/,
      );
    },
  );

  test('each attempt is reported once, with its size and its budget', async () => {
    const server = await scripted((response) => json(response, empty('results')));
    const { source, events } = clientOf(server);
    await source.fetchPage(page('time_team', { query: {} }), signal);
    expect(events).toMatchObject([
      { name: 'request.finished', stream: 'time_team', purpose: 'poll', budget: 'reports', status: 200, bytes: 54 },
    ]);
    expect(source.budgets.map((budget) => [budget.name, budget.used()])).toEqual([
      ['general', 0],
      ['reports', 1],
    ]);
  });
});

describe('answers', () => {
  test.each([
    ['4bf92f35-77b3', '4bf92f35-77b3'],
    ['a b', null],
    [undefined, null],
  ])('an answer named %j by Harvest is reported as %j: what is no name travels no further', async (sent, told) => {
    const server = await scripted((response) => {
      if (sent !== undefined) response.setHeader('x-request-id', sent);
      json(response, empty('clients'));
    });
    const { source, events } = clientOf(server);
    await source.fetchPage(page('clients'), signal);
    expect(events).toMatchObject([{ name: 'request.finished', requestId: told }]);
  });

  test('a compressed page is unpacked, and the Date header is its time', async () => {
    const body = { clients: [{ id: 1 }, { id: 2 }], total_entries: 2, links: { next: null } };
    const server = await scripted((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', date: new Date(EPOCH - 1_000).toUTCString() });
      response.end(gzipSync(JSON.stringify(body)));
    });
    expect(await clientOf(server).source.fetchPage(page('clients'), signal)).toEqual({
      records: body.clients,
      next: null,
      totalEntries: 2,
      serverTime: EPOCH - 1_000,
    });
  });

  test.each([
    ['is missing', undefined],
    ['is no date', 'yesterday'],
    ['is a number', '1'],
    ['runs ten minutes ahead', new Date(EPOCH + 600_000).toUTCString()],
  ])('an answer whose Date %s speaks up to the moment it was asked for, not up to its arrival', async (_, date) => {
    let reached = 0;
    const server = await scripted((response) => {
      reached = clock.now();
      response.removeHeader('date');
      setTimeout(() => json(response, empty('clients'), 200, date === undefined ? {} : { date }), 20);
    });
    const { source, clock } = clientOf(server);
    const before = clock.now();
    const { serverTime } = await source.fetchPage(page('clients'), signal);
    expect(serverTime).toBeGreaterThanOrEqual(before);
    expect(serverTime).toBeLessThanOrEqual(reached);
  });

  test('an envelope without links or total is the end of a list', async () => {
    const server = await scripted((response) => json(response, { clients: [{ id: 1 }] }));
    expect(await clientOf(server).source.fetchPage(page('clients'), signal)).toMatchObject({
      next: null,
      totalEntries: null,
    });
  });

  test.each([
    ['a list in place of the object', []],
    ['no list', { links: {} }],
    ['a record that is none', { clients: [1], links: {} }],
    ['a next link that is a number', { clients: [], links: { next: 2 } }],
    ['links that are text', { clients: [], links: 'x' }],
    ['a total that is text', { clients: [], total_entries: '1', links: {} }],
  ])('%s is not a Harvest page', async (_, body) => {
    const server = await scripted((response) => json(response, body));
    const failure = await failureOf(clientOf(server).source.fetchPage(page('clients'), signal));
    expect(failure).toMatchObject({ code: 'harvest.unparsable', stream: 'clients' });
    expect(server.seen).toHaveLength(4);
  });

  test('one record by id; null only when Harvest itself says 404, never for the page of a proxy [P8]', async () => {
    const clients = findStream('clients')!;
    const server = await scripted((response, { url }) => {
      if (url === '/v2/clients/1') return json(response, { id: 1, name: 'Acme' });
      if (url === '/v2/clients/2') return json(response, { status: 404, error: 'Not Found' }, 404);
      if (url === '/v2/clients/3') return json(response, { id: 4 });
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>no route</html>');
    });
    const { source } = clientOf(server);
    expect(await source.fetchRecord(clients, { id: 1, parent: null }, signal)).toEqual({ id: 1, name: 'Acme' });
    expect(await source.fetchRecord(clients, { id: 2, parent: null }, signal)).toBeNull();
    expect(await failureOf(source.fetchRecord(clients, { id: 3, parent: null }, signal))).toMatchObject({
      code: 'harvest.unparsable',
    });
    expect(await failureOf(source.fetchRecord(clients, { id: 5, parent: null }, signal))).toMatchObject({
      code: 'harvest.network',
    });
  });

  test('the questions who the token belongs to and for which accounts are asked at their own hosts', async () => {
    const server = await scripted((response, { url }) =>
      json(response, url === '/v2/users/me' ? { id: 9 } : { accounts: [{ id: 42, product: 'harvest' }] }),
    );
    const { source } = clientOf(server);
    expect(await source.whoAmI(signal)).toEqual({ id: 9 });
    expect(await source.accounts(signal)).toEqual([{ id: 42, product: 'harvest' }]);
    expect(server.seen.map(({ url }) => url)).toEqual(['/v2/users/me', '/api/v2/accounts']);
  });
});

describe('next links', () => {
  test.each(['/v2', '/api/v2'])('%s links of the same host are followed as they are', async (prefix) => {
    const server = await scripted((response, { headers, url }) =>
      json(response, {
        clients: [],
        links: {
          next: url.includes('cursor') ? null : `http://${headers.host}${prefix}/clients?cursor=abc&per_page=2000`,
        },
      }),
    );
    const { source } = clientOf(server);
    const first = await source.fetchPage(page('clients'), signal);
    const second = await source.fetchPage(page('clients', { link: first.next! }), signal);
    expect(second.next).toBeNull();
    expect(server.seen[1]?.url).toBe(`${prefix}/clients?cursor=abc&per_page=2000`);
  });

  test('a link to another host is a failure at once, and that host never sees a request [P6]', async () => {
    const foreign = await scripted((response) => json(response, empty('clients')));
    const server = await scripted((response) =>
      json(response, { clients: [], links: { next: `${foreign.url}/v2/clients?cursor=abc` } }),
    );
    const { source } = clientOf(server);
    expect(await failureOf(source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.foreign_link',
      kind: 'blocked',
      message: expect.stringContaining(foreign.url),
    });
    expect(
      await failureOf(source.fetchPage(page('clients', { link: `${foreign.url}/v2/clients` }), signal)),
    ).toMatchObject({
      code: 'harvest.foreign_link',
    });
    expect(server.seen).toHaveLength(1);
    expect(foreign.seen).toEqual([]);
  });

  test.each([
    ['the same address', (host: string, url: string) => `http://${host}${url}`],
    ['the other prefix and order', (host: string) => `http://${host}/api/v2/clients?page=1&per_page=2000&ref=first`],
  ])('a next link back to the page itself (%s) is no page of Harvest', async (_, back) => {
    const server = await scripted((response, { headers, url }) =>
      json(response, { clients: [], links: { next: back(headers.host!, url) } }),
    );
    expect(await failureOf(clientOf(server).source.fetchPage(page('clients'), signal))).toMatchObject({
      code: 'harvest.unparsable',
    });
  });
});

describe('stopping', () => {
  test('a request in the air ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const server = await scripted(() => stop.abort(new Error('stopped')));
    await expect(clientOf(server).source.fetchPage(page('clients'), stop.signal)).rejects.toThrow('stopped');
  });

  test('a request that waits for its back-off ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const server = await scripted((response) => {
      response.writeHead(500).end();
      stop.abort(new Error('stopped'));
    });
    await expect(clientOf(server).source.fetchPage(page('clients'), stop.signal)).rejects.toThrow('stopped');
    expect(server.seen).toHaveLength(1);
  });
});
