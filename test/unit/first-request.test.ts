// The first request of an account that was never published asks whether Harvest takes its token, before anything is made for it.
import { expect, test } from 'vitest';
import { waitingDaemon } from './waiting-daemon.ts';

const takesGood = (token: string): number => (token === 'good' ? 200 : 401);

/** A daemon of accounts with these tokens, of which Harvest takes `good`. */
const daemonOf = (tokens: readonly string[], statusOf = takesGood) => waitingDaemon(tokens, { statusOf });

test('a token that is refused ends with 77, and the registry was asked for nothing [P9]', async () => {
  const { registry, harvest, run } = await daemonOf(['bad']);
  await expect(run()).rejects.toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });
  expect(harvest.seen.map(({ url }) => url)).toEqual(['/v2/users/me']);
  expect(registry.requests).toEqual([]);
});

test('an address at which the token opens nothing ends with 77 and says what to check', async () => {
  const { registry, run } = await daemonOf(['good'], () => 404);
  await expect(run()).rejects.toMatchObject({
    code: 'harvest.nothing_readable',
    exitCode: 77,
    message: expect.stringMatching(/^account 1: no stream can be read: GET .*\/users\/me answered 404/),
  });
  expect(registry.requests).toEqual([]);
});

test('a token that is taken is asked about once, and then the schemas are looked for', async () => {
  const { registry, harvest, run, stop, phases } = await daemonOf(['good']);
  const ended = run();
  await expect.poll(phases).toEqual([expect.stringMatching(/^1 waiting .*127\.0\.0\.1:1/)]);
  expect(harvest.seen.map(({ url }) => url)).toEqual(['/v2/users/me']);
  expect(registry.requests.some((request) => request.includes('h1.clients-value'))).toBe(true);
  stop.abort();
  await ended;
});

test('of two accounts one that is refused waits and says so, and the other goes on [P9]', async () => {
  const { registry, run, stop, events, phases } = await daemonOf(['bad', 'good']);
  const ended = run();
  await expect
    .poll(phases)
    .toEqual([
      expect.stringMatching(/^1 waiting .*answered 401/),
      expect.stringMatching(/^2 waiting .*127\.0\.0\.1:1/),
    ]);
  expect(events).toContainEqual([
    '1',
    expect.objectContaining({ name: 'account.waiting', code: 'harvest.unauthorised', retryInMs: 60_000 }),
  ]);
  const prefixes = new Set(registry.requests.map((request) => /\/subjects\/(h\d)\./.exec(request)?.[1]));
  expect([...prefixes]).toEqual(['h2']);
  stop.abort();
  await ended;
});

test('of two accounts that are both refused none is left, and the process ends with 77', async () => {
  const { registry, run } = await daemonOf(['bad', 'worse']);
  await expect(run()).rejects.toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });
  expect(registry.requests).toEqual([]);
});

test('run --once waits for no token: it ends with 77 although another account is good', async () => {
  const { run, stop, phases } = await daemonOf(['bad', 'good']);
  const ended = run(true).catch((error) => error);
  await expect.poll(phases).toContainEqual(expect.stringMatching(/^1 stopped .*answered 401/));
  stop.abort();
  expect(await ended).toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });
});
