// OAuth2: when a token is refreshed, in which order things are stored and used, and what survives a crash.
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import type { OAuthCredential } from '../../../src/harvest/auth.ts';
import { fileTokenStore, type TokenStore } from '../../../src/harvest/token-store.ts';
import { clientOf, failureOf, json, page, type ScriptedHarvest, scripted } from './scripted-harvest.ts';

const signal = new AbortController().signal;
const TOKEN_PATH = '/api/v2/oauth2/token';

/** A Harvest that replaces refresh tokens: each is good once, and each access token until the next is given. */
async function rotating(
  options: { expiresIn?: number; onRefresh?: () => void } = {},
): Promise<ScriptedHarvest & { refreshes(): URLSearchParams[]; revoke(): void }> {
  let generation = 0;
  let revoked = 0;
  const server = await scripted((response, { url, body, headers }) => {
    if (url === TOKEN_PATH) {
      const given = new URLSearchParams(body).get('refresh_token');
      if (given !== `refresh-${generation}`) return json(response, { error: 'invalid_grant' }, 400);
      options.onRefresh?.();
      generation += 1;
      return json(response, {
        access_token: `access-${generation}`,
        refresh_token: `refresh-${generation}`,
        expires_in: options.expiresIn ?? 1_209_600,
      });
    }
    const good = headers.authorization === `Bearer access-${generation}` && generation > revoked;
    if (!good) return json(response, { error: 'invalid_token' }, 401);
    json(response, { clients: [], links: { next: null } });
  });
  return {
    ...server,
    refreshes: () => server.seen.filter(({ url }) => url === TOKEN_PATH).map(({ body }) => new URLSearchParams(body)),
    revoke: () => {
      revoked = generation;
    },
  };
}

function grant(tokenFile: string | null, refreshToken: string | null = 'refresh-0'): { oauth: OAuthCredential } {
  const clientSecret = new Secret('client-secret');
  const configured = refreshToken === null ? null : new Secret(refreshToken);
  return { oauth: { clientId: 'client', clientSecret, refreshToken: configured, tokenFile } };
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'harvest-kafka-token-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe('refreshing', () => {
  test('the first request gets a token by a form, with a User-Agent, and later ones use it', async () => {
    const server = await rotating();
    const { source, events } = clientOf(server, { credential: grant(null) });
    await source.fetchPage(page('clients'), signal);
    await source.fetchPage(page('clients'), signal);
    expect(server.refreshes().map((form) => Object.fromEntries(form))).toEqual([
      { grant_type: 'refresh_token', refresh_token: 'refresh-0', client_id: 'client', client_secret: 'client-secret' },
    ]);
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': expect.stringContaining('tests') },
    });
    expect(events.filter(({ name }) => name === 'token.refreshed')).toEqual([
      { name: 'token.refreshed', expiresInSeconds: 1_209_600 },
    ]);
  });

  test('many requests at once share one refresh, at the start and after a revocation', async () => {
    const server = await rotating();
    const { source } = clientOf(server, { credential: grant(null) });
    const six = () => Promise.all(Array.from({ length: 6 }, () => source.fetchPage(page('clients'), signal)));
    await six();
    expect(server.refreshes()).toHaveLength(1);
    server.revoke();
    await six();
    expect(server.refreshes()).toHaveLength(2);
  });

  test('a refusal of the old token that arrives late does not replace the new one', async () => {
    let release = () => {};
    const server = await scripted((response, { url, headers }, count) => {
      if (url === TOKEN_PATH) return json(response, { access_token: `access-${count}` });
      if (headers.authorization !== 'Bearer access-0') {
        json(response, { clients: [], links: {} });
        release();
        release = () => {};
        return;
      }
      const refuse = () => json(response, { error: 'invalid_token' }, 401);
      if (count === 1) release = refuse;
      else refuse();
    });
    const { source } = clientOf(server, { credential: grant(null) });
    const late = source.fetchPage(page('clients'), signal);
    await vi.waitUntil(() => server.seen.length === 2);
    await source.fetchPage(page('clients'), signal);
    await late;
    expect(server.seen.filter(({ url }) => url === TOKEN_PATH)).toHaveLength(2);
  });

  test('a token is replaced before it runs out', async () => {
    const server = await rotating({ expiresIn: 3600 });
    const { source, clock } = clientOf(server, { credential: grant(null) });
    await source.fetchPage(page('clients'), signal);
    await clock.sleep(3_290_000);
    await source.fetchPage(page('clients'), signal);
    expect(server.refreshes()).toHaveLength(1);
    await clock.sleep(20_000);
    await source.fetchPage(page('clients'), signal);
    expect(server.refreshes()).toHaveLength(2);
    expect(server.seen.filter(({ url }) => url !== TOKEN_PATH)).toHaveLength(3);
  });

  test('a token that is refused right after its refresh means that the account stops', async () => {
    const server = await scripted((response, { url }) =>
      url === TOKEN_PATH ? json(response, { access_token: 'a' }) : json(response, { error: 'invalid_token' }, 401),
    );
    const failure = await failureOf(
      clientOf(server, { credential: grant(null) }).source.fetchPage(page('clients'), signal),
    );
    expect(failure).toMatchObject({ code: 'harvest.unauthorised', kind: 'account' });
    expect(server.seen.map(({ url }) => url.slice(0, 7))).toEqual(['/api/v2', '/v2/cli', '/api/v2', '/v2/cli']);
  });

  test('the request that asked first may be aborted without taking the refresh from the others', async () => {
    const stop = new AbortController();
    const server = await rotating({ onRefresh: () => stop.abort(new Error('stopped')) });
    const { source } = clientOf(server, { credential: grant(null) });
    const first = failureOf(source.fetchPage(page('clients'), stop.signal));
    const second = source.fetchPage(page('clients'), signal);
    expect((await first).message).toBe('stopped');
    expect((await second).records).toEqual([]);
    expect(server.refreshes()).toHaveLength(1);
  });
});

describe('refused refreshes', () => {
  test.each([
    [
      400,
      { error: 'invalid_grant', error_description: 'refresh-0 is spent' },
      'harvest.unauthorised',
      /answered 400: invalid_grant$/,
    ],
    [401, { error: 'invalid_client' }, 'harvest.unauthorised', /answered 401: invalid_client$/],
    [400, '<html>', 'harvest.unauthorised', /no error word in the answer$/],
    [429, {}, 'harvest.throttled', /answered 429$/],
    [500, {}, 'harvest.server', /answered 500$/],
    [404, {}, 'harvest.server', /answered 404$/],
    [200, { refresh_token: 'next' }, 'harvest.unparsable', /no access_token in the answer$/],
  ])('%i %j is %s', async (status, body, code, message) => {
    const server = await scripted((response) => json(response, body, status));
    const failure = await failureOf(
      clientOf(server, { credential: grant(null) }).source.fetchPage(page('clients'), signal),
    );
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(server.seen.every(({ url }) => url === TOKEN_PATH)).toBe(true);
  });

  test.each([429, 503])(
    'the id host that answers %i and says how long to wait is not asked sooner [P6]',
    async (status) => {
      let isBusy = true;
      const server = await scripted((response, { url }) => {
        if (url !== TOKEN_PATH) return json(response, { clients: [], links: {} });
        if (isBusy) return response.writeHead(status, { 'retry-after': '60' }).end();
        json(response, { access_token: 'access' });
      });
      const { source, clock } = clientOf(server, { credential: grant(null) });
      await failureOf(source.fetchPage(page('clients'), signal));
      await failureOf(source.fetchPage(page('clients'), signal));
      expect(server.seen).toHaveLength(1);
      isBusy = false;
      await clock.sleep(60_000);
      expect((await source.fetchPage(page('clients'), signal)).records).toEqual([]);
    },
  );

  test('a refresh that meets a passing trouble does not use up the one refresh that a 401 allows', async () => {
    let refreshes = 0;
    const server = await scripted((response, { url, headers }) => {
      if (url !== TOKEN_PATH) {
        const good = headers.authorization === 'Bearer access-3';
        return good ? json(response, { clients: [], links: {} }) : json(response, { error: 'invalid_token' }, 401);
      }
      refreshes += 1;
      if (refreshes === 2) return response.writeHead(502).end();
      json(response, { access_token: `access-${refreshes}` });
    });
    const { source } = clientOf(server, { credential: grant(null) });
    expect((await source.fetchPage(page('clients'), signal)).records).toEqual([]);
  });
});

describe('the token file', () => {
  test('holds the newest refresh token, for its owner only, before the new access token is used [P10]', async () => {
    const path = join(await directory(), 'token.json');
    const stored: string[] = [];
    const server = await scripted(async (response, { url }) => {
      if (url === TOKEN_PATH) return json(response, { access_token: 'access-1', refresh_token: 'refresh-1' });
      stored.push(await readFile(path, 'utf8'));
      json(response, { clients: [], links: {} });
    });
    await clientOf(server, { credential: grant(path) }).source.fetchPage(page('clients'), signal);
    expect(stored.map((text) => JSON.parse(text).refresh_token)).toEqual(['refresh-1']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).not.toContain('refresh-0');
    expect(await readdir(join(path, '..'))).toEqual(['token.json']);
  });

  test('a process that dies between storing and using leaves a file that the next one goes on from', async () => {
    const path = join(await directory(), 'token.json');
    const server = await rotating();
    const died = new Error('killed here');
    const store: TokenStore = {
      ...fileTokenStore(path),
      write: async (configured, newest) => {
        await fileTokenStore(path).write(configured, newest);
        if (newest.reveal() === 'refresh-1') throw died;
      },
    };
    const first = clientOf(server, { credential: grant(path), tokenStore: store });
    expect((await failureOf(first.source.fetchPage(page('clients'), signal))).message).toContain('killed here');
    const second = clientOf(server, { credential: grant(path) });
    expect((await second.source.fetchPage(page('clients'), signal)).records).toEqual([]);
    expect(server.refreshes().map((form) => form.get('refresh_token'))).toEqual(['refresh-0', 'refresh-1']);
  });

  test('its token wins over the configured one it descends from, and yields to a newly configured one', async () => {
    const store = fileTokenStore(join(await directory(), 'token.json'));
    const configured = new Secret('first');
    expect(await store.read(configured)).toBeNull();
    await store.write(configured, new Secret('descendant'));
    expect((await store.read(configured))?.reveal()).toBe('descendant');
    expect(await store.read(new Secret('second'))).toBeNull();
  });

  test('a leftover of a broken write neither hurts nor lends its mode', async () => {
    const path = join(await directory(), 'token.json');
    await writeFile(`${path}.new`, 'half a tok', { mode: 0o666 });
    await chmod(`${path}.new`, 0o666);
    await fileTokenStore(path).write(new Secret('a'), new Secret('b'));
    expect((await fileTokenStore(path).read(new Secret('a')))?.reveal()).toBe('b');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['is a directory', async (path: string) => path, /cannot be read \(EISDIR\)/],
    [
      'lies in no directory',
      async (path: string) => join(path, 'absent', 'token.json'),
      /cannot be written \(ENOENT\)/,
    ],
    ['is a device without end', async () => '/dev/zero', /is not a token file/],
    [
      'holds something else',
      async (path: string) => {
        await writeFile(join(path, 'token.json'), '"refresh-secret"');
        return join(path, 'token.json');
      },
      /is not a token file/,
    ],
  ])('that %s is a configuration error, found before a token is spent', async (_, prepare, message) => {
    const path = await prepare(await directory());
    const server = await rotating();
    const failure = await failureOf(
      clientOf(server, { credential: grant(path) }).source.fetchPage(page('clients'), signal),
    );
    expect(failure).toMatchObject({ code: 'config.invalid', message: expect.stringMatching(message) });
    expect(failure.message).toContain(path);
    expect(failure.message).not.toContain('refresh-secret');
    expect(server.seen).toEqual([]);
  });
});

describe('without a configured refresh token', () => {
  test('that of the token file is used, and what it becomes is kept there', async () => {
    const path = join(await directory(), 'token.json');
    await fileTokenStore(path).write(null, new Secret('refresh-0'));
    const server = await rotating();
    const { source } = clientOf(server, { credential: grant(path, null) });
    await source.fetchPage(page('clients'), signal);
    expect((await fileTokenStore(path).read(null))!.reveal()).toBe('refresh-1');
  });

  test('and without one in the file nothing is asked, and the command that gets one is named', async () => {
    const server = await rotating();
    const { source } = clientOf(server, { credential: grant(join(await directory(), 'token.json'), null) });
    const failure = await failureOf(source.fetchPage(page('clients'), signal));
    expect(failure).toMatchObject({ code: 'config.invalid', remedy: expect.stringContaining('harvest-kafka login') });
    expect(server.seen).toEqual([]);
  });
});

test('a log-in of another process is taken from the token file while we run, and not overwritten', async () => {
  const path = join(await directory(), 'token.json');
  let good = 'refresh-0';
  const server = await scripted((response, { url, body, headers }) => {
    if (url !== TOKEN_PATH) {
      const isGood = headers.authorization === `Bearer access of ${good}`;
      return isGood ? json(response, { clients: [], links: {} }) : json(response, { error: 'invalid_token' }, 401);
    }
    const given = new URLSearchParams(body).get('refresh_token');
    if (given !== good) return json(response, { error: 'invalid_grant' }, 400);
    json(response, { access_token: `access of ${given}` });
  });
  const { source } = clientOf(server, { credential: grant(path) });
  await source.fetchPage(page('clients'), signal);
  good = 'of-a-new-log-in';
  expect(await failureOf(source.fetchPage(page('clients'), signal))).toMatchObject({ code: 'harvest.unauthorised' });
  await fileTokenStore(path).write(new Secret('refresh-0'), new Secret(good));
  expect((await source.fetchPage(page('clients'), signal)).records).toEqual([]);
  expect((await fileTokenStore(path).read(new Secret('refresh-0')))!.reveal()).toBe(good);
});
