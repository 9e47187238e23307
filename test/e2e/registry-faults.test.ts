// The built daemon against a registry at its worst: a real one that is down, hangs, drips, fails in bursts, refuses, gives another
// id, or comes back empty and is filled with other schemas. Whatever it does, what is on the topics stays as it is.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../lab/stack/ports.ts';
import { type Registry, startRegistry } from '../../lab/stack/registry.ts';
import { dataTopic } from '../../src/kafka/topics.ts';
import { adminOf } from '../support/clients.ts';
import { schemas } from '../support/codec.ts';
import { daemon, isReady, waitsFor } from '../support/daemon.ts';
import { type HttpGate, startHttpGate } from '../support/http-gate.ts';
import { readCommitted } from '../support/kafka.ts';
import { slowness } from '../support/patience.ts';
import { type Ended, finished, NO_LIMITS, onlyStreams, publisher, until, type Where } from '../support/publisher.ts';
import { type Scene, scene } from '../support/scene.ts';
import { viewOf } from '../support/view.ts';

const STREAMS = ['company', 'clients', 'tasks'];
const SETTINGS = [...NO_LIMITS, ...onlyStreams(...STREAMS)];

let port: number;
let home: string;
let registry: Registry;

/** The registry at its address: with its schemas, or empty as after the loss of its disk. */
async function restart(schemasAre: 'kept' | 'lost'): Promise<void> {
  await registry.kill();
  registry = await startRegistry({ port, ...(schemasAre === 'kept' ? { dataDir: home } : {}) });
}

async function stage(settings: readonly string[] = []): Promise<Scene> {
  return {
    ...(await scene({ timeEntries: 20, years: 1 })),
    registryUrl: registry.url,
    settings: [...SETTINGS, ...settings],
  };
}

async function gated(where: Scene): Promise<Scene & { readonly gate: HttpGate }> {
  const gate = await startHttpGate(where.registryUrl);
  onTestFinished(() => gate.close());
  return { ...where, registryUrl: gate.url, gate };
}

async function once(where: Where, code: number): Promise<Ended> {
  const end = await finished(where, ['run', '--once']);
  expect(end, end.output + end.errors).toMatchObject({ code });
  return end;
}

/** Every record that a consumer sees, in its place, byte by byte. */
async function recordsOf({ bootstrap, prefix }: Where): Promise<string[]> {
  const messages = await readCommitted(
    bootstrap,
    STREAMS.map((name) => dataTopic(prefix, name)),
  );
  return messages
    .map(({ topic, partition, offset, key, value }) =>
      [topic, partition, offset, key.toString('hex'), value?.toString('hex') ?? 'tombstone'].join(' '),
    )
    .sort();
}

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${registry.url}${path}`, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.status, `${method} ${path}`).toBe(200);
  return answer.json();
}

const register = (subject: string, schema: object) =>
  ask('POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(schema) });

async function topicsOf({ bootstrap }: Where): Promise<string[]> {
  const admin = await adminOf(bootstrap);
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics;
}

beforeAll(async () => {
  port = await freePort();
  home = await mkdtemp(join(tmpdir(), 'harvest-kafka-test-'));
  registry = await startRegistry({ port, dataDir: home });
});

afterAll(async () => {
  await registry.kill();
  await rm(home, { recursive: true, force: true });
});

test('down at start: the daemon waits, says so, goes on by itself, and does not need it later [P9]', async () => {
  const where = await stage(['streams.tasks.poll_interval_seconds=1']);
  await registry.kill();
  const running = await daemon(where);
  await waitsFor(running, new RegExp(`schema registry ${where.registryUrl}: .*ECONNREFUSED`));
  expect(await running.accounts()).toMatchObject([
    {
      phase: 'waiting',
      reason: expect.stringContaining('ECONNREFUSED'),
      remedy: expect.stringContaining('Start the schema registry'),
    },
  ]);
  await restart('kept');
  await until('ready', isReady(running));

  await registry.kill();
  where.pass(2_000);
  const before = (await recordsOf(where)).length;
  where.simulator.data.tasks.create({ name: 'made while no registry was there' });
  await until('published', async () => (await recordsOf(where)).length > before);
  expect(await isReady(running)()).toBe(true);
  await restart('kept');
});

test('hanging and dripping: each is told after its time, ends no sooner, and holds up no stop [P9]', async () => {
  const [hanging, dripping] = [await gated(await stage()), await gated(await stage())];
  hanging.gate.shut();
  dripping.gate.meddle = (_, answer) => ({ ...answer, dripMs: 700 });
  const stopped = publisher(hanging, ['run']);
  const [first, second] = [await daemon(hanging), await daemon(dripping)];
  await until('three daemons ask', () => hanging.gate.kept > STREAMS.length * 2);
  const asked = performance.now();
  stopped.process.kill('SIGTERM');
  expect(await stopped.ended).toMatchObject({ code: 143, errors: '' });
  expect(performance.now() - asked).toBeLessThan(5_000 * slowness());

  for (const running of [first, second]) await waitsFor(running, /schema registry .*: no answer within 5000 ms/);
  hanging.gate.open();
  dripping.gate.meddle = (_, answer) => answer;
  for (const running of [first, second]) await until('ready', isReady(running));
});

test('5xx in bursts, from before and after it did what was asked: ridden out', async () => {
  const where = await gated(await stage());
  let answers = 0;
  where.gate.meddle = (_, answer) =>
    answers++ % 5 < 2 ? { ...answer, status: 503, body: Buffer.from('busy') } : answer;
  await once(where, 0);
  expect(answers).toBeGreaterThan(STREAMS.length * 2);
  where.gate.meddle = (_, answer) => answer;
  expect((await viewOf(where, { streams: STREAMS })).differences).toEqual([]);
});

test('a limit of requests a second: obeyed, and with --only nothing is asked for or made but what that needs [P6]', async () => {
  const where = await gated({ ...(await stage()), settings: NO_LIMITS });
  let window = 0;
  let used = 0;
  where.gate.meddle = (_, answer) => {
    const second = Math.floor(performance.now() / 1000);
    if (second !== window) used = 0;
    window = second;
    used++;
    if (used <= 2) return answer;
    return { ...answer, status: 429, headers: { ...answer.headers, 'retry-after': '1' }, body: Buffer.from('{}') };
  };
  const end = await finished(where, ['run', '--once', '--only', 'clients']);
  expect(end, end.output + end.errors).toMatchObject({ code: 0 });
  expect(end.output).toMatch(/waiting: schema registry .*answered 429, no request for 1 s/);
  const ours = (names: readonly string[]) => names.filter((name) => name.startsWith(`${where.prefix}.`)).sort();
  const streams = ['clients', 'company'].map((name) => `${where.prefix}.${name}`);
  expect(ours((await ask('GET', '/subjects')) as string[])).toEqual(
    streams.flatMap((topic) => [`${topic}-key`, `${topic}-value`]),
  );
  const own = ['dead-letters', 'notifications', 'state'].map((name) => `${where.prefix}.${name}`);
  expect(ours(await topicsOf(where))).toEqual([...streams, ...own].sort());
});

test('409 when it comes to registering: exit 65 with subject, reason and remedy; the other streams run without it [P9]', async () => {
  const where = await stage();
  const subject = `${where.prefix}.clients-value`;
  const ours = schemas.get('clients')!;
  const [id, ...others] = ours.fields.filter(({ name }) => name !== 'name');
  // Compatible with the newest version, which is all that the question beforehand looks at, and not with the oldest.
  await register(subject, {
    ...ours,
    fields: [id, { name: 'name', type: ['null', 'long'], default: null }, ...others],
  });
  await register(subject, { ...ours, fields: [id, ...others] });
  await ask('PUT', `/config/${subject}`, { compatibility: 'BACKWARD_TRANSITIVE' });
  const { errors } = await once(where, 65);
  expect(errors).toMatch(new RegExp(`${subject} does not take our schema: .*lacking.*\n  .*another topics\\.prefix`));
  expect(errors).toContain('streams.<name>.enabled: false');
  expect(await recordsOf(where), 'nothing was published').toEqual([]);
  await once({ ...where, settings: [...SETTINGS, 'streams.clients.enabled=false'] }, 0);
});

test('another id for one key schema: exit 65, topics untouched; with the right one again nothing is published twice [P2]', async () => {
  const where = await gated(await stage());
  await once(where, 0);
  const records = await recordsOf(where);
  where.gate.meddle = (asked, answer) => {
    if (!asked.includes('clients-key')) return answer;
    const body = JSON.parse(String(answer.body)) as { readonly id: number };
    return { ...answer, body: Buffer.from(JSON.stringify({ ...body, id: body.id + 1_000 })) };
  };
  const { errors } = await once(where, 65);
  expect(errors).toMatch(
    /topic of clients carries a key under schema id (\d+), .* writes schema id 1\d+\n {2}.*Restore the registry/,
  );
  where.gate.meddle = (_, answer) => answer;
  await once(where, 0);
  expect(await recordsOf(where)).toEqual(records);
});

describe('emptied and filled with other schemas', () => {
  test('nothing is registered, published or deleted, whatever the keys are; restored, it goes on where it stood [P2]', async () => {
    const both = [await stage(), await stage(['key.format=string'])] as const;
    const ends = (code: number) => Promise.all(both.map((where) => once(where, code)));
    const records = () => Promise.all(both.map(recordsOf));
    await ends(0);
    const before = await records();
    expect(before.map(({ length }) => length > STREAMS.length)).toEqual([true, true]);

    await restart('lost');
    for (const [index, { errors }] of (await ends(65)).entries()) {
      for (const name of STREAMS)
        expect(errors).toContain(
          `${both[index]!.prefix}.${name}-value is not registered, although its topic was written to`,
        );
    }
    const check = await finished(both[0], ['check']);
    expect(check.code).toBe(65);
    expect(check.output).toContain('Restore it or correct schema_registry.url');
    expect(await ask('GET', '/subjects'), 'nothing was registered').toEqual([]);

    // Others come first, so ours get other ids, and theirs get ours.
    for (let n = 0; n < 20; n++) await register(`other-${n}`, { type: 'record', name: `Other${n}`, fields: [] });
    for (const where of both) expect(await finished(where, ['schemas', 'register'])).toMatchObject({ code: 0 });
    const [avro, text] = await ends(65);
    expect(avro!.errors).toMatch(/carries a key under schema id \d+, this configuration writes schema id \d+/);
    expect(text!.errors).toMatch(/carries values under schema id \d+, which the registry gives to Other\d+/);
    expect(await records()).toEqual(before);

    await restart('kept');
    await ends(0);
    expect(await records()).toEqual(before);
    expect((await viewOf(both[0], { streams: STREAMS })).differences).toEqual([]);
  });
});
