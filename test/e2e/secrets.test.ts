// Promises P9 and P10 at the outermost edge: what the command prints, serves and publishes holds no token, and a bad one is
// an error, never a green light.
import { expect, test } from 'vitest';
import { readTopics } from '../support/consumer.ts';
import { NO_LIMITS, publisher, start } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

const EVERYTHING = ['log.level=trace', 'http.listen=127.0.0.1:0'];

test('the token is in nothing that is printed, served or published', async () => {
  const where = await scene({ timeEntries: 100 });
  where.simulator.faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 403 } });
  const running = publisher({ ...where, settings: [...NO_LIMITS, ...EVERYTHING] }, ['run']);
  const [, address] = await running.printed(/"address":"([^"]+)"/);
  await running.printed(/"event":"sweep.completed".*"stream":"time_team"/);
  const served = await Promise.all(
    ['/', '/status', '/metrics', '/health/ready', '/health/live'].map(async (path) =>
      (await fetch(`${address}${path}`)).text(),
    ),
  );
  running.process.kill('SIGTERM');
  const { output, errors } = await running.ended;
  const own = ['state', 'notifications', 'dead-letters'].map((name) => `${where.prefix}.${name}`);
  const published = (await readTopics(where.bootstrap, own)).map(
    ({ key, value, headers }) => `${key} ${value} ${JSON.stringify(headers)}`,
  );
  // The places that would hold it if it leaked are there.
  expect(output).toContain('"event":"request.finished"');
  expect(output).toContain('FORBIDDEN');
  expect(published.length).toBeGreaterThan(32);
  for (const words of [output, errors, ...served, ...published]) expect(words).not.toContain(where.simulator.token);
});

test('a token that is refused ends run and check with 77, and is not repeated', async () => {
  const where = await scene({ timeEntries: 10 });
  const token = 'canary-that-harvest-does-not-know';
  for (const command of [['run'], ['check'], ['check', '--json']]) {
    const env = {
      HARVEST_BASE_URL: `${where.server.url}/v2`,
      HARVEST_ACCOUNT_ID: String(where.simulator.accountId),
      HARVEST_ACCESS_TOKEN: token,
      KAFKA_BROKERS: where.bootstrap,
      SCHEMA_REGISTRY_URL: where.registryUrl,
    };
    const settings = [`topics.prefix=${where.prefix}`, 'http.listen=off', 'log.level=trace'];
    const end = await start([...command, ...settings.flatMap((setting) => ['--set', setting])], env).ended;
    expect(end.code, end.output + end.errors).toBe(77);
    expect(end.output + end.errors).toContain('Check the access token');
    expect(end.output + end.errors).not.toContain(token);
  }
});
