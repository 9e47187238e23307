// The command line refuses some words before anything is asked of anybody: 64, what was wrong, what was meant.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../../src/cli/program.ts';

const SECOND_ACCOUNT = ['topics.prefix=t-{account_id}', 'harvest.accounts.1.id=12', 'harvest.accounts.1.access_token=t']
  .map((setting) => `--set ${setting}`)
  .join(' ');

const JDBC = '--jdbc-url jdbc:postgresql://db:5432/sink';

let errors: string;

beforeEach(() => {
  errors = '';
  vi.stubEnv('HARVEST_ACCOUNT_ID', '1234567');
  vi.stubEnv('HARVEST_ACCESS_TOKEN', 't');
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.stdout.removeAllListeners('error');
});

test.each([
  ['reconcile client', 'there is no stream named client; did you mean clients?\n  The streams are company, '],
  ['release', "missing required argument 'stream'"],
  ['state reset clients --to 2026-02-30', "argument '2026-02-30' is invalid. must be a date written YYYY-MM-DD"],
  ['state reset clients --to 2999-01-01', '--to 2999-01-01 lies in the future\n  A stream can only be sent back.'],
  ['state reset roles --to 2026-01-01', 'Leave it away: harvest-kafka state reset roles'],
  ['dead-letters list client', 'did you mean clients?'],
  ['dead-letters replay clients time_entry', 'did you mean time_entries?'],
  ['run --only clients,taskz', 'there is no stream named taskz; did you mean tasks?'],
  ['run --only clients --only projectz', 'did you mean projects?'],
  ['reconcile clients --account 1234568', 'did you mean 1234567?\n  The accounts are 1234567.'],
  ['run --once --set cluster.enabled=true', 'are for an instance by itself'],
  ['run --only clients --set cluster.enabled=true', 'Add --set cluster.enabled=false.'],
  ['move 1234567', "required option '--to <name>' not specified"],
  ['reconcile clients --wait soon', 'must be a whole number above 0'],
  [
    'reconcile tasks --set streams.tasks.enabled=false',
    'switched off in the configuration\n  Set streams.tasks.enabled',
  ],
  ['sink ddl --dialect oracle', "argument 'oracle' is invalid. Allowed choices are postgres."],
  ['sink ddl --schema Sink;', '--schema Sink; is no plain name of a schema\n  Use at most 40 lower-case'],
  ['sink connector', "required option '--jdbc-url <url>' not specified"],
  ['sink connector --jdbc-url postgres://db', '--jdbc-url must begin like jdbc:postgresql://host:5432/database'],
  [`sink connector ${JDBC} --registry-url registry:8081`, '--registry-url must be an http:// or https:// address'],
  [`sink connector ${JDBC} --with tasks`, '--with must be written key=value'],
  [`sink apply ${JDBC} --connect-url connect:8083`, '--connect-url must be an http:// or https:// address'],
  [`reconcile tasks ${SECOND_ACCOUNT}`, 'name one with --account\n  The accounts are 1234567, 12.'],
])('the command line `%s` is refused with 64 and what was meant', async (line, said) => {
  expect(await main(['node', 'harvest-kafka', ...line.split(' ')])).toBe(64);
  expect(errors).toContain(said);
});

/** The output of a command, and its exit code. */
async function printed(line: string): Promise<{ readonly code: number; readonly output: string }> {
  let output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
  return { code: await main(['node', 'harvest-kafka', ...line.split(' ')]), output };
}

test('the streams are listed before there is an account or a token', async () => {
  vi.stubEnv('HARVEST_ACCOUNT_ID', undefined);
  vi.stubEnv('HARVEST_ACCESS_TOKEN', undefined);
  const { code, output } = await printed('streams');
  expect([code, errors]).toEqual([0, '']);
  expect(output).toMatch(/^time_entries +list +harvest\.time_entries/m);
});

test('tables and connector are printed before there is an account, a token or a broker', async () => {
  vi.stubEnv('HARVEST_ACCOUNT_ID', undefined);
  vi.stubEnv('HARVEST_ACCESS_TOKEN', undefined);
  const ddl = await printed('sink ddl --set streams.roles.enabled=false');
  expect([ddl.code, errors]).toEqual([0, '']);
  expect(ddl.output).toMatch(/^create table if not exists "harvest"\."time_entries" \($/m);
  expect(ddl.output).not.toContain('"roles" (');
  const connector = await printed(`sink connector ${JDBC}`);
  expect([connector.code, errors]).toEqual([0, '']);
  expect(JSON.parse(connector.output)).toMatchObject({
    name: 'harvest-sink',
    config: { 'connection.url': 'jdbc:postgresql://db:5432/sink', 'collection.name.format': 'harvest.${topic}' },
  });
});

test('a prefix with the account id in it needs the account id, and no token', async () => {
  vi.stubEnv('HARVEST_ACCESS_TOKEN', undefined);
  const line = `sink connector ${JDBC} --set topics.prefix=hours.{account_id}`;
  expect(JSON.parse((await printed(line)).output)).toMatchObject({
    name: 'hours.1234567-sink',
    config: { 'transforms.table.regex': 'hours\\.1234567\\.(.+)' },
  });
  vi.stubEnv('HARVEST_ACCOUNT_ID', undefined);
  expect(await main(['node', 'harvest-kafka', ...line.split(' ')])).toBe(64);
  expect(errors).toContain('topics.prefix holds {account_id}, and no account is given\n  Set HARVEST_ACCOUNT_ID');
});

test('several accounts have a connector and a schema each', async () => {
  const { output } = await printed(`sink connector ${JDBC} ${SECOND_ACCOUNT}`);
  expect(
    (JSON.parse(output) as { name: string; config: Record<string, string> }[]).map(({ name, config }) => [
      name,
      config['collection.name.format'],
    ]),
  ).toEqual([
    ['t-1234567-sink', 'harvest_1234567.${topic}'],
    ['t-12-sink', 'harvest_12.${topic}'],
  ]);
  expect((await printed(`sink ddl ${SECOND_ACCOUNT}`)).output.match(/^create schema.*$/gm)).toEqual([
    'create schema if not exists "harvest_1234567";',
    'create schema if not exists "harvest_12";',
  ]);
});

test.each([
  [
    'sink connector --jdbc-url jdbc:postgresql://db/sink?user=me&password=canary',
    '--jdbc-url holds a user or password',
  ],
  ['sink connector --jdbc-url jdbc:postgresql://me:canary@db/sink', '--jdbc-url holds a user or password'],
  [`sink connector ${JDBC} --password canary`, '--password must be where Connect finds the secret'],
  [`sink connector ${JDBC} --with ssl.truststore.password=canary`, '--with ssl.truststore.password must be where'],
  [`sink connector ${JDBC} --registry-url http://me:canary@r`, '--registry-url holds a user name or password'],
  [`sink apply ${JDBC} --connect-url http://me:canary@c`, '--connect-url holds a user name or password'],
])('a secret in the command line is refused and not repeated, as in `%s` [P10]', async (line, said) => {
  const { code, output } = await printed(line);
  expect(code).toBe(64);
  expect(errors).toContain(said);
  expect(output + errors).not.toContain('canary');
});

test('a run without a token says where tokens are made', async () => {
  vi.stubEnv('HARVEST_ACCESS_TOKEN', undefined);
  expect(await main(['node', 'harvest-kafka', 'run'])).toBe(78);
  expect(errors).toMatch(
    /HARVEST_ACCESS_TOKEN, which is not set\n {2}Tokens are made at https:\/\/id\.getharvest\.com\/developers/,
  );
});

test.each([
  'run',
  'check',
  'streams',
  'state show',
  'state reset',
  'reconcile',
  'release',
  'dead-letters list',
  'dead-letters replay',
  'verify',
  'schemas diff',
  'schemas register',
  'sink ddl',
  'sink connector',
  'sink apply',
  'spec',
  'demo',
])('the help of %s ends with examples of it, and shows no empty list as a default', async (name) => {
  const { code, output } = await printed(`${name} --help`);
  expect(code).toBe(0);
  expect(output).toContain(`\nExamples:\n  harvest-kafka ${name}`);
  expect(output).not.toContain('default: []');
});

test.each(['--version', '-V', 'version'])('%s prints the version of the package', async (line) => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  expect(await printed(line)).toEqual({ code: 0, output: `${version}\n` });
});
