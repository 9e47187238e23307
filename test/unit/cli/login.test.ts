// `login` against the simulated Harvest ID over HTTP, as a person goes through it: the page, a click, the redirect; without a browser
// and, where Chromium is installed, in one.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSimulator, serve } from '../../../lab/simulator/index.ts';
import { Secret } from '../../../src/base/secret.ts';
import { logIn } from '../../../src/cli/login.ts';
import { main } from '../../../src/cli/program.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { fileTokenStore } from '../../../src/harvest/token-store.ts';
import { browserOf } from '../../support/browser.ts';
import { decide } from '../../support/consent.ts';
import { EPOCH } from '../../support/epoch.ts';
import { HANGS_MS, until } from '../../support/patience.ts';
import { has } from '../../support/programs.ts';

const OAUTH = { clientId: 'canary-id', clientSecret: 'canary-secret' };

interface Given {
  readonly accountId?: number;
  readonly configured?: string;
}

/** A simulated Harvest ID, and the configuration of an account that was never logged in. */
async function configured(given: Given = {}) {
  const simulator = createSimulator({ timeEntries: 5, years: 0.1, now: () => EPOCH, oauth: OAUTH });
  const server = await serve(simulator);
  const folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-login-'));
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const tokenFile = join(folder, 'token.json');
  const oauth = { client_id: OAUTH.clientId, client_secret: OAUTH.clientSecret, token_file: tokenFile };
  const refresh = given.configured === undefined ? {} : { refresh_token: given.configured };
  const account = { id: given.accountId ?? simulator.accountId, oauth: { ...oauth, ...refresh } };
  const file = join(folder, 'harvest-kafka.yaml');
  const nowhere = { kafka: { brokers: '127.0.0.1:1' }, schema_registry: { url: 'http://127.0.0.1:1' } };
  await writeFile(file, JSON.stringify({ harvest: { id_base_url: server.url, accounts: [account] }, ...nowhere }));
  return { simulator, server, folder, file, tokenFile };
}

/** The same, and a log-in under way. */
async function world(given: Given = {}) {
  const { simulator, server, file, tokenFile } = await configured(given);
  const config = loadConfig({ file, env: {}, overrides: [] });
  const told: string[] = [];
  const input = new PassThrough();
  const stop = new AbortController();
  const ended = logIn(config, config.harvest.accounts[0]!, {
    ...{ port: 0, signal: stop.signal, open: null, input },
    tell: (text) => told.push(text),
  });
  ended.catch(() => {});
  await until('it says where to go', () => told.length > 0);
  const [redirectUri, address] = [...told[0]!.matchAll(/^ {2}(http\S+)$/gm)].map(([, url]) => url!);
  return { simulator, server, tokenFile, ended, stop, told, input, redirectUri: redirectUri!, address: address! };
}

test('the browser brings the code, and the tokens go to token_file for its owner alone [P10]', async () => {
  const { simulator, server, tokenFile, ended, told, redirectUri, address } = await world();
  const back = await decide(address, 'authorize');
  expect(back.startsWith(`${redirectUri}?code=`)).toBe(true);
  const shown = await fetch(back);
  expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining('You can close this window.')]);
  const { first_name, last_name } = simulator.data.me();
  expect(await ended).toEqual({
    person: `${first_name} ${last_name}`,
    accounts: [{ id: String(simulator.accountId), name: simulator.data.company.name }],
  });
  expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
  const { descends_from, refresh_token } = JSON.parse(await readFile(tokenFile, 'utf8'));
  expect(descends_from).toBeNull();
  for (const secret of [refresh_token, OAUTH.clientSecret, new URL(back).searchParams.get('code')!]) {
    expect(told.join()).not.toContain(secret);
  }
  const fields = { grant_type: 'refresh_token', refresh_token, client_id: OAUTH.clientId };
  const body = new URLSearchParams({ ...fields, client_secret: OAUTH.clientSecret });
  expect((await fetch(`${server.url}/api/v2/oauth2/token`, { method: 'POST', body })).status).toBe(200);
});

test('without a browser here, the address that another was sent to can be pasted; one of another log-in is refused', async () => {
  const { ended, told, input, address } = await world();
  const back = await decide(address, 'authorize');
  input.write(`${back.replace(/state=[^&]+/, 'state=of-another')}\n`);
  await until('it is refused', () => told.some((line) => line.includes('not the address of this log-in')));
  input.write(`${back}\n`);
  expect(await ended).toMatchObject({ accounts: [{ id: '1234567' }] });
});

test('without a browser here, the code alone can be pasted', async () => {
  const { ended, input, address } = await world();
  input.write(`\n${new URL(await decide(address, 'authorize')).searchParams.get('code')}\n`);
  expect(await ended).toMatchObject({ accounts: [{ id: '1234567' }] });
});

test('a redirect with another state is turned away, and the log-in goes on waiting', async () => {
  const { ended, redirectUri, address } = await world();
  const back = await decide(address, 'authorize');
  const forged = await fetch(back.replace(/state=[^&]+/, 'state=forged'));
  expect([forged.status, await forged.text()]).toEqual([400, expect.not.stringContaining('forged')]);
  expect((await fetch(redirectUri.replace('callback', 'elsewhere'))).status).toBe(404);
  expect((await fetch(back)).status).toBe(200);
  expect(await ended).not.toBeNull();
});

test('a person who says no ends it with 77, and nothing is written', async () => {
  const { ended, tokenFile, address } = await world();
  await fetch(await decide(address, 'deny'));
  const refused = { code: 'harvest.unauthorised', exitCode: 77, message: 'the log-in was refused: access_denied' };
  await expect(ended).rejects.toMatchObject(refused);
  await expect(stat(tokenFile)).rejects.toThrow('ENOENT');
});

test('a log-in that opens other accounts is told which, and nothing is written', async () => {
  const { simulator, ended, tokenFile, address } = await world({ accountId: 99 });
  const shown = await fetch(await decide(address, 'authorize'));
  expect(await shown.text()).toContain('The log-in has failed');
  const { accountId, data } = simulator;
  const message = expect.stringContaining(`opens ${accountId} (${data.company.name}), and not account 99`);
  await expect(ended).rejects.toMatchObject({ exitCode: 77, message });
  await expect(stat(tokenFile)).rejects.toThrow('ENOENT');
});

test('a code that was used is refused with what to do, and is not quoted [P10]', async () => {
  const { ended, input } = await world();
  input.write('a-code-of-yesterday\n');
  const refused = {
    message: expect.not.stringContaining('yesterday'),
    remedy: expect.stringContaining('a code is good once'),
  };
  await expect(ended).rejects.toMatchObject({ exitCode: 77, ...refused });
});

test('a log-in that is stopped ends at once', async () => {
  const { ended, stop } = await world();
  stop.abort();
  expect(await ended).toBeNull();
});

test('a log-in takes the place of a configured refresh token', async () => {
  const { tokenFile, ended, address } = await world({ configured: 'the-first-one' });
  await fetch(await decide(address, 'authorize'));
  await ended;
  const newest = await fileTokenStore(tokenFile).read(new Secret('the-first-one'));
  expect(newest!.reveal()).toMatch(/^simulated-refresh-/);
});

describe.skipIf(!has('chromium'))('in a real browser', () => {
  const browser = browserOf();

  /** Runs the command as a person does; the desktop hands the address over in place of opening a window. */
  async function command(file: string, folder: string) {
    const handed = join(folder, 'address');
    const script = `#!/bin/sh\nprintf %s "$1" > "${handed}.part" && mv "${handed}.part" "${handed}"\n`;
    await writeFile(join(folder, 'xdg-open'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    const said: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    }
    onTestFinished(() => {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
    });
    const ended = main(['node', 'harvest-kafka', 'login', '--config', file, '--port', '0']);
    await until('the browser is asked for', () => existsSync(handed));
    const page = await (await browser()).newPage();
    page.setDefaultTimeout(HANGS_MS);
    onTestFinished(() => page.close());
    await page.goto(await readFile(handed, 'utf8'));
    return { ended, page, said: () => said.join('') };
  }

  test('`login` opens it, a person clicks Authorize, and the command prints the accounts; the tokens are the owner’s alone [P10]', async () => {
    const { simulator, file, folder, tokenFile } = await configured();
    const { ended, page, said } = await command(file, folder);
    expect(await page.locator('h1').innerText()).toBe(`Authorize ${OAUTH.clientId}?`);
    await page.getByRole('button', { name: 'Authorize' }).click();
    await page.getByText('harvest-kafka is logged in. You can close this window.').waitFor();
    expect(page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback\?/);
    expect(await ended).toBe(0);
    expect(said()).toMatch(new RegExp(`^${simulator.accountId} +${simulator.data.company.name}$`, 'm'));
    expect(said()).not.toMatch(/canary-secret|simulated-(access|refresh|code)/);
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
  });

  test('a person who clicks Deny reads that nothing was let in; the command ends with 77 and writes nothing', async () => {
    const { file, folder, tokenFile } = await configured();
    const { ended, page, said } = await command(file, folder);
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByText('Harvest was told no. You can close this window.').waitFor();
    expect(await ended).toBe(77);
    expect(said()).toContain('the log-in was refused: access_denied');
    await expect(stat(tokenFile)).rejects.toThrow('ENOENT');
  });
});
