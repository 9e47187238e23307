// A client meets this before it gets any data: headers, tokens, budgets, error bodies.
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { openHarvest, type SimulatedHarvest, START } from '../../support/simulated-harvest.ts';

let harvest: SimulatedHarvest;
afterEach(() => harvest.close());

describe('headers and error bodies', () => {
  test('a good answer is JSON with the Date of the server clock and a weak ETag', async () => {
    harvest = await openHarvest();
    const { status, headers, json } = await harvest.ask('/v2/company');
    expect(status).toBe(200);
    expect(json.name).toBe(harvest.simulator.data.company.name);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(Date.parse(headers.get('date') as string)).toBe(START);
    expect(headers.get('etag')).toMatch(/^W\/"/);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  test('bodies are compressed for those who accept it', async () => {
    harvest = await openHarvest();
    const ask = (encoding: string) =>
      harvest.simulator.handle({
        method: 'GET',
        url: '/v2/clients',
        headers: {
          authorization: 'Bearer simulated-token',
          'harvest-account-id': '1234567',
          'user-agent': 'a (b)',
          'accept-encoding': encoding,
        },
      });
    const [plain, packed] = [ask('identity'), ask('gzip, deflate')];
    if (plain.outcome !== 'answered' || packed.outcome !== 'answered') throw new Error('no answer');
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.body).toString()).toBe(plain.body.toString());
  });

  test.each([
    ['an unknown token', { authorization: 'Bearer nobody' }],
    ['no token', { authorization: null }],
    ['no account id', { 'harvest-account-id': null }],
    ['a foreign account id', { 'harvest-account-id': '42' }],
  ])('%s gives 401 with the token error', async (_title, headers) => {
    harvest = await openHarvest();
    const answer = await harvest.ask('/v2/users/me', { headers });
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual({
      error: 'invalid_token',
      error_description: 'The access token provided is expired, revoked, malformed or invalid for other reasons.',
    });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="Rack::OAuth2 Protected Resources"');
  });

  test('a request without User-Agent is bad', async () => {
    harvest = await openHarvest();
    expect((await harvest.ask('/v2/users/me', { headers: { 'user-agent': '' } })).status).toBe(400);
  });

  test('token and account may come in the query', async () => {
    harvest = await openHarvest();
    const answer = await harvest.ask('/v2/users/me?access_token=simulated-token&account_id=1234567', {
      headers: { authorization: null, 'harvest-account-id': null },
    });
    expect(answer.status).toBe(200);
  });

  test('an unknown record gives JSON, an unknown address an HTML page', async () => {
    harvest = await openHarvest();
    const record = await harvest.ask('/v2/clients/1');
    expect([record.status, record.json]).toEqual([404, { status: 404, error: 'Not Found' }]);
    const child = await harvest.ask('/v2/invoices/1/messages');
    expect([child.status, child.json]).toEqual([404, { status: 404, error: 'Not Found' }]);
    const address = await harvest.ask('/v2/nowhere');
    expect(address.status).toBe(404);
    expect(address.headers.get('content-type')).toContain('text/html');
  });

  test('a member is refused settings and narrowed to own hours', async () => {
    harvest = await openHarvest({ settings: { role: 'member' } });
    const refused = await harvest.ask('/v2/clients');
    expect([refused.status, refused.json]).toEqual([403, { message: 'Not authorized!' }]);
    expect(refused.headers.get('hint')).toBe('Not authorized!');
    const me = harvest.simulator.data.me().id;
    const { json } = await harvest.ask('/v2/time_entries');
    const own = harvest.simulator.data.time_entries.all().filter(({ user_id }) => user_id === me);
    expect(json.total_entries).toBe(own.length);
    expect(own.length).toBeLessThan(harvest.simulator.data.time_entries.size);
    expect(json.time_entries[0]).not.toHaveProperty('billable_rate');
    expect((await harvest.ask('/v2/users/me')).json).not.toHaveProperty('cost_rate');
    expect((await harvest.ask(`/v2/users/${me}/project_assignments`)).status).toBe(200);
  });

  test('a module that is off refuses its endpoints and no other', async () => {
    harvest = await openHarvest();
    harvest.simulator.data.company.invoice_feature = false;
    expect((await harvest.ask('/v2/invoices')).status).toBe(403);
    expect((await harvest.ask('/v2/estimates')).status).toBe(200);
    harvest.simulator.settings.moduleOff = 'empty';
    expect((await harvest.ask('/v2/invoices')).json.invoices).toEqual([]);
  });

  test('decimals can be printed as floats and records can have members nobody knows', async () => {
    harvest = await openHarvest({ settings: { wholeDecimals: 'float', unknownMembers: { shiny: { new: true } } } });
    const plain = harvest.simulator.truth('time_entries');
    const { text, json } = await harvest.ask('/v2/time_entries');
    expect(text).toMatch(/"hours":\d+\.0[,}]/);
    expect(text).not.toMatch(/"(hours|billable_rate)":\d+[,}]/);
    expect(json.time_entries).toEqual(plain);
    expect(json.time_entries[0].shiny).toEqual({ new: true });
  });
});

describe('budgets', () => {
  test('never let more than the budget through in any window, and count every arrival', async () => {
    harvest = await openHarvest({
      budgets: { general: { requests: 10, seconds: 15 }, reports: { requests: 2, seconds: 900 } },
    });
    const statuses: number[] = [];
    for (let at = 0; at < 60; at++) {
      statuses.push((await harvest.ask('/v2/company')).status);
      harvest.advance(1);
    }
    const { simulator } = harvest;
    expect(simulator.log.count(200)).toBe(40);
    expect(simulator.log.count(429)).toBe(20);
    expect(simulator.maxInAnyWindow('general')).toBe(15);
    expect(simulator.maxInAnyWindow('general', { admittedOnly: true })).toBe(10);
    expect(simulator.maxInAnyWindow('reports')).toBe(0);
    expect(simulator.log.byPath()).toEqual({ '/v2/company': 60 });
  });

  test('429 tells when to come back, as an HTML page, and coming back then succeeds', async () => {
    harvest = await openHarvest({ budgets: { general: { requests: 2, seconds: 15 } } });
    await harvest.ask('/v2/company');
    harvest.advance(4);
    await harvest.ask('/v2/company');
    const refused = await harvest.ask('/v2/company');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '11']);
    expect(refused.headers.get('content-type')).toContain('text/html');
    harvest.advance(10);
    expect((await harvest.ask('/v2/company')).status).toBe(429);
    harvest.advance(1);
    expect((await harvest.ask('/v2/company')).status).toBe(200);
  });

  test('reports have a budget of their own, and the id host has none', async () => {
    harvest = await openHarvest({
      budgets: { general: { requests: 1, seconds: 15 }, reports: { requests: 2, seconds: 900 } },
    });
    const report = '/v2/reports/project_budget';
    const statuses = [];
    for (const path of [report, report, report, '/v2/company', '/v2/company', '/api/v2/accounts', '/api/v2/accounts']) {
      statuses.push((await harvest.ask(path)).status);
    }
    expect(statuses).toEqual([200, 200, 429, 200, 429, 200, 200]);
  });

  test('Retry-After can be missing', async () => {
    harvest = await openHarvest({
      budgets: { general: { requests: 1, seconds: 15 } },
      settings: { dropRetryAfter: true },
    });
    await harvest.ask('/v2/company');
    expect((await harvest.ask('/v2/company')).headers.get('retry-after')).toBeNull();
  });
});

describe('Harvest ID', () => {
  const client = { client_id: 'simulated-client', client_secret: 'simulated-secret' };
  const exchange = (fields: Record<string, string>) =>
    harvest.ask('/api/v2/oauth2/token', { method: 'POST', body: { ...client, ...fields } });

  test('a refresh gives an access token that lives as long as it says', async () => {
    harvest = await openHarvest({ oauth: { expiresInSeconds: 100 } });
    const form = new URLSearchParams({
      ...client,
      grant_type: 'refresh_token',
      refresh_token: 'simulated-refresh-token',
    });
    const { status, json } = await harvest.ask('/api/v2/oauth2/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({ token_type: 'bearer', expires_in: 100, refresh_token: 'simulated-refresh-token' });
    const me = () => harvest.ask('/v2/users/me', { headers: { authorization: `Bearer ${json.access_token}` } });
    harvest.advance(99);
    expect((await me()).status).toBe(200);
    harvest.advance(1);
    expect((await me()).status).toBe(401);
  });

  test('with rotation each refresh token works once', async () => {
    harvest = await openHarvest({ oauth: { rotate: true } });
    const refresh = (refresh_token: string) => exchange({ grant_type: 'refresh_token', refresh_token });
    const first = await refresh('simulated-refresh-token');
    expect(first.json.refresh_token).not.toBe('simulated-refresh-token');
    const replayed = await refresh('simulated-refresh-token');
    expect([replayed.status, replayed.json.error]).toEqual([400, 'invalid_grant']);
    const second = await refresh(first.json.refresh_token);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.json.access_token).not.toBe(first.json.access_token);
  });

  test('a code is exchanged once, and only by its client', async () => {
    harvest = await openHarvest();
    const code = { grant_type: 'authorization_code', code: 'simulated-code' };
    expect((await exchange({ ...code, client_secret: 'wrong' })).json.error).toBe('invalid_client');
    expect((await exchange(code)).status).toBe(200);
    expect((await exchange(code)).json.error).toBe('invalid_grant');
  });

  test('accounts lists the Harvest account beside a Forecast one', async () => {
    harvest = await openHarvest();
    const { json } = await harvest.ask('/api/v2/accounts', { headers: { 'harvest-account-id': null } });
    const accounts = json.accounts as { id: number; product: string }[];
    expect(accounts.map(({ product }) => product)).toEqual(['harvest', 'forecast']);
    expect(accounts[0]!.id).toBe(harvest.simulator.accountId);
    expect(json.user.id).toBe(harvest.simulator.data.me().id);
  });

  test('a revoked token is refused from then on', async () => {
    harvest = await openHarvest();
    harvest.simulator.tokens.revoke(harvest.simulator.token);
    expect((await harvest.ask('/v2/users/me')).status).toBe(401);
  });
});

describe('the authorisation page', () => {
  const REDIRECT = 'http://127.0.0.1:8976/callback';
  const address = (rest: Readonly<Record<string, string>> = {}) =>
    `/oauth2/authorize?${new URLSearchParams({ client_id: 'simulated-client', response_type: 'code', redirect_uri: REDIRECT, state: '<s>', ...rest })}`;

  test('keeps what was asked, and escapes it', async () => {
    harvest = await openHarvest();
    const { status, text } = await harvest.ask(address());
    expect(status).toBe(200);
    expect(text).toContain('name="state" value="&#60;s&#62;"');
  });

  test.each([{ client_id: 'another' }, { redirect_uri: 'nowhere' }, { response_type: 'token' }])(
    'refuses %j and sends nobody anywhere',
    async (wrong) => {
      harvest = await openHarvest();
      expect((await harvest.ask(address(wrong))).status).toBe(400);
    },
  );

  test('gives a code that is good once, at the redirect address that it was given to', async () => {
    harvest = await openHarvest();
    const code = () => harvest.simulator.tokens.newCode(REDIRECT);
    const exchange = (given: string, redirect_uri: string) =>
      harvest.ask('/api/v2/oauth2/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          ...{ grant_type: 'authorization_code', code: given, redirect_uri },
          ...{ client_id: 'simulated-client', client_secret: 'simulated-secret' },
        }).toString(),
      });
    const one = code();
    const answers = [await exchange(one, REDIRECT), await exchange(one, REDIRECT), await exchange(code(), 'elsewhere')];
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400]);
  });
});
