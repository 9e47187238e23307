// A configuration from somebody who means us ill, or from a template that went wrong: it is refused in no time and in little
// memory, and what it names is not read beyond what a configuration or a secret can be.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../../../lab/stack/process.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { slowness } from '../../support/patience.ts';

const folder = mkdtempSync(join(tmpdir(), 'harvest-kafka-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SOUND = `harvest: { accounts: [{ id: 1, access_token: t }] }
kafka: { brokers: 'b:1' }
schema_registry: { url: 'http://r' }
`;

const OAUTH = ['client_id', 'client_secret', 'refresh_token', 'token_file'].map(
  (key) => `harvest.accounts.0.oauth.${key}=x`,
);

/** The message of the refusal, and that it took neither time nor memory. */
function refusal(text: string, overrides: readonly string[] = []): string {
  const before = performance.now();
  const memory = process.memoryUsage().rss;
  try {
    loadConfig({ text, env: {}, overrides });
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'config.invalid' });
    expect(performance.now() - before).toBeLessThan(20_000 * slowness());
    expect(process.memoryUsage().rss - memory).toBeLessThan(400 * 2 ** 20);
    return (thrown as Error).message;
  }
  throw new Error('the configuration was accepted');
}

describe('YAML that unfolds', () => {
  const bomb = (levels: number) =>
    ['a: &a0 [x, x, x, x, x, x, x, x, x]']
      .concat(Array.from({ length: levels }, (_, i) => `b${i}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`))
      .join('\n');

  test.each([
    ['a billion laughs beside the configuration', `${bomb(12)}\n${SOUND}`, /a is not a key/],
    ['a billion laughs in the place of brokers', `${bomb(12)}\nkafka: { brokers: *a12 }`, /used too often|must be/],
    [
      'a billion laughs in the place of a token',
      `${bomb(9)}\nharvest: { accounts: [{ id: 1, access_token: *a9 }] }`,
      /must be text|used too often/,
    ],
    [
      'a merge that unfolds',
      `x: &x { id: 1, access_token: t }\nharvest: { accounts: [{ <<: [${'*x, '.repeat(5_000)}] }] }`,
      /<< is not a key/,
    ],
    [
      'maps within maps',
      `kafka: ${'{ ssl: '.repeat(40_000)}1${' }'.repeat(40_000)}`,
      /not valid YAML|is not a key|must be/,
    ],
    [
      'an anchor of half a megabyte, a hundred times',
      `t: &t ${'x'.repeat(500_000)}\nharvest: { accounts: [${'{ id: 1, access_token: *t }, '.repeat(120)}] }`,
      /used too often/,
    ],
    ['a tag that would make an object', `${SOUND}topics: !!js/function 'function () {}'`, /must be a map/],
    ['a key that is a map', `${SOUND}? { a: 1 }\n: 2`, /is not a key/],
  ])('%s is refused', (_, text, message) => {
    expect(refusal(text)).toMatch(message);
  });

  test('a refusal stays readable, however much is wrong', () => {
    const lines = refusal(`harvest: { accounts: [${'{},'.repeat(60_000)}] }`).split('\n');
    expect(lines.length).toBeLessThan(300);
    expect(lines.at(-1)).toMatch(/^and \d+ more$/);
  });
});

describe('a file that is no configuration', () => {
  test.each([
    ['a missing file', join(folder, 'absent.yaml'), /absent\.yaml: cannot be read \(there is no such file\)$/],
    ['a directory', folder, /: cannot be read \(it is a directory\)$/],
  ])('%s', (_, file, message) => {
    expect(() => loadConfig({ file, env: {} })).toThrow(message);
  });

  test.each([
    ['text', 'just some words', /must be a map, found/],
    ['a list', '- a\n- b', /must be a map, found a list/],
    ['two documents', `${SOUND}---\n${SOUND}`, /not valid YAML: multiple docs/],
    ['broken YAML', 'kafka: {', /:1:9: not valid YAML: /],
    ['very deep nesting', '['.repeat(200_000), /not valid YAML/],
    ['a very large file', `# ${'x'.repeat(1_100_000)}\n${SOUND}`, /is larger than a configuration/],
    ['binary', '\u0000\u0001\u0002', /given.yaml:1:1: must be a map/],
    [
      'a key of the object prototype',
      `${SOUND}__proto__: { a: 1 }\nconstructor: 1`,
      /__proto__ is not a key[\s\S]*constructor is not a key/,
    ],
  ])('%s', (_, text, message) => {
    const path = join(folder, 'given.yaml');
    writeFileSync(path, text);
    expect(() => loadConfig({ file: path, env: {} })).toThrow(message);
  });

  test('aliases without end', () => {
    const before = performance.now();
    const text = `key: { format: &a avro }\nkafka: { brokers: [${'*a, '.repeat(20_000)}] }`;
    expect(() => loadConfig({ text, env: {} })).toThrow(/used too often/);
    expect(performance.now() - before).toBeLessThan(10_000 * slowness());
  });

  test('an alias of itself', () => {
    expect(() => loadConfig({ env: {}, text: 'kafka: &k { ssl: { ca_file: *k } }' })).toThrow(
      /must be text, found a map/,
    );
    expect(() => loadConfig({ env: {}, text: 'streams: &s { users: *s }' })).toThrow(
      /streams\.users\.users is not a key/,
    );
  });
});

describe('overrides', () => {
  test.each([
    [
      'an entry far beyond the list',
      'harvest.accounts.4000000000.id=1',
      /harvest\.accounts has no place 4000000000 yet/,
    ],
    ['an entry of nothing', 'kafka.brokers.99999999=x:1', /./],
    ['the prototype', '__proto__.polluted=1', /__proto__ is not a key/],
    ['the prototype of a section', 'kafka.__proto__.polluted=1', /__proto__ is not a key/],
    ['a path without end', `${'kafka.'.repeat(100_000)}x=1`, /is not a key|must be|leads/],
  ])('%s is refused', (_, override, message) => {
    expect(refusal(SOUND, [override])).toMatch(message);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a path that is no file to read', () => {
  const big = join(folder, 'big');
  writeFileSync(big, Buffer.alloc(8 * 2 ** 20, 'x'));
  const link = join(folder, 'link');
  symlinkSync('/dev/zero', link);
  const directory = join(folder, 'directory');
  mkdirSync(directory);

  test.each([
    ['an endless device', '/dev/zero', /it is no ordinary file/],
    ['a link to an endless device', link, /it is no ordinary file/],
    ['a device that gives nothing', '/dev/null', /it is no ordinary file/],
    ['a directory', directory, /it is a directory/],
    ['a directory with a slash', `${directory}/`, /it is a directory/],
    ['a file of eight megabytes', big, /it is larger than what belongs here can be/],
    ['nothing', join(folder, 'absent'), /there is no such file/],
    ['a path below a file', join(big, 'below'), /ENOTDIR/],
  ])('%s is refused as secret, as certificate and as configuration', (_, path, reason) => {
    const secret = SOUND.replace('access_token: t', `access_token: '\${file:${path}}'`);
    expect(refusal(secret)).toMatch(reason);
    expect(refusal(SOUND.replace("url: 'http://r'", `url: 'http://r', ca_file: '${path}'`))).toMatch(reason);
    expect(() => loadConfig({ file: path, env: {} })).toThrow(reason);
  });

  test('a pipe that nobody writes to holds nobody up', async () => {
    const pipe = join(folder, 'pipe');
    expect((await run('mkfifo', [pipe])).code).toBe(0);
    expect(refusal(SOUND.replace('access_token: t', `access_token: '\${file:${pipe}}'`))).toMatch(/no ordinary file/);
  });

  test('a file without a size of its own is read whole', () => {
    // Such are those of /proc; a mounted secret may be one too.
    const config = loadConfig({
      text: SOUND.replace('access_token: t', "access_token: '${file:/proc/sys/kernel/ostype}'"),
      env: {},
    });
    expect(config.harvest.accounts[0]!.access_token!.reveal()).toBe('Linux');
  });
});

describe('a text with what nobody sees in it', () => {
  const KEYS: readonly (readonly [string, readonly string[]])[] = [
    ['harvest.accounts.0.access_token', []],
    ['harvest.accounts.0.oauth.client_secret', OAUTH],
    ['harvest.accounts.0.oauth.refresh_token', OAUTH],
    ['kafka.sasl.password', ['kafka.sasl.mechanism=plain', 'kafka.sasl.username=u']],
    ['kafka.sasl.username', ['kafka.sasl.mechanism=plain', 'kafka.sasl.password=p']],
    ['kafka.ssl.key_passphrase', []],
    ['schema_registry.auth.password', ['schema_registry.auth.username=u']],
    ['schema_registry.auth.username', ['schema_registry.auth.password=p']],
    ['schema_registry.auth.bearer_token', []],
    ['kafka.client_id', []],
  ];
  const WRONG: readonly (readonly [string, string, string])[] = [
    ['a line break at its end', 'canary\n', 'ends with a line break, as echo writes one: use printf, or echo -n'],
    ['the line break of Windows at its end', 'canary\r\n', 'ends with a line break'],
    ['a byte order mark', '\uFEFFcanary', 'begins with a byte order mark'],
    ['a tab inside', 'can\tary', 'holds a control character'],
    ['a line break at its beginning', '\ncanary', 'holds a control character'],
  ];

  test.each(KEYS.flatMap(([key, others]) => WRONG.map((wrong) => [key, ...wrong, others] as const)))(
    '%s with %s is refused and told',
    (key, _, value, reason, others) => {
      const said = refusal(SOUND, [...others, `${key}=${value}`]).split('\n');
      expect(said).toHaveLength(1);
      expect(said[0]).toContain(`--set ${key}: ${key} ${reason}`);
      if (!/username|client_id/.test(key)) expect(said[0]).not.toContain('canary');
    },
  );

  test('is refused also when it comes out of a file', () => {
    const file = join(folder, 'password');
    writeFileSync(file, 'canary\n\n');
    const text = SOUND.replace('access_token: t', `access_token: '\${file:${file}}'`);
    expect(refusal(text)).toMatch(/access_token ends with a line break/);
  });

  test('blanks inside and letters of any language are taken', () => {
    const overrides = ['kafka.sasl.mechanism=plain', 'kafka.sasl.username=Łódź', 'kafka.sasl.password= pass word '];
    expect(loadConfig({ text: SOUND, env: {}, overrides }).kafka.sasl!.password!.reveal()).toBe(' pass word ');
  });
});

test.each([
  'streams.clients.poll_interval_seconds',
  'streams.clients.count_interval_seconds',
  'streams.clients.reconcile_interval_seconds',
  'harvest.overlap_seconds',
  'harvest.budgets.general.per_seconds',
])('%s beyond what dates can hold is refused', (key) => {
  expect(refusal(SOUND, [`${key}=9007199254740991`])).toMatch(/must be at most 31622400, found 9007199254740991/);
});
