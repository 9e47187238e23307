// Every key of the configuration through the environment alone.
import { expect, test } from 'vitest';
import { declared, everyKey } from '../../../src/config/declared.ts';
import { describeConfig, loadConfig } from '../../../src/config/load.ts';
import { variableOf, withoutVariables } from '../../../src/config/overrides.ts';

const ALONE = {
  HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ID: '42',
  HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ACCESS_TOKEN: 'pat-secret',
  HARVEST_KAFKA__KAFKA__BROKERS: 'a:1,b:2',
  HARVEST_KAFKA__SCHEMA_REGISTRY__URL: 'http://r',
};

const FILE = `harvest: { accounts: [{ id: 1, access_token: t }] }
kafka: { brokers: 'b:1' }
schema_registry: { url: 'http://r' }
topics: { partitions: 3 }
`;

function refusal(env: Readonly<Record<string, string>>, overrides: readonly string[] = []): string[] {
  try {
    loadConfig({ text: FILE, env, overrides });
  } catch (thrown) {
    return (thrown as Error).message.split('\n');
  }
  throw new Error('the configuration was accepted');
}

test('variables alone configure everything, with no file named', () => {
  const config = loadConfig({
    env: { ...ALONE, HARVEST_KAFKA__STREAMS__TIME_ENTRIES__ENABLED: 'false', HARVEST_KAFKA__HTTP__LISTEN: 'off' },
  });
  expect(config.harvest.accounts[0]!.id).toBe('42');
  expect(config.harvest.accounts[0]!.access_token!.reveal()).toBe('pat-secret');
  expect(config.kafka.brokers).toEqual(['a:1', 'b:2']);
  expect(config.streams.time_entries!.enabled).toBe(false);
  expect(config.http.listen).toBeNull();
  expect(JSON.stringify(describeConfig(config))).not.toContain('pat-secret');
});

test('OAuth2 tokens from the environment take the place of the access token that the shipped file asks for', () => {
  const { HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ACCESS_TOKEN: _, ...others } = ALONE;
  const oauth = Object.fromEntries(
    ['CLIENT_ID', 'CLIENT_SECRET', 'REFRESH_TOKEN', 'TOKEN_FILE'].map((key) => [
      `HARVEST_KAFKA__HARVEST__ACCOUNTS__0__OAUTH__${key}`,
      key.toLowerCase(),
    ]),
  );
  const [account] = loadConfig({ env: { ...others, ...oauth } }).harvest.accounts;
  expect(account!.oauth!.client_id).toBe('client_id');
  expect(() => loadConfig({ env: { ...ALONE, ...oauth } })).toThrow(/needs either access_token or oauth/);
});

test('a variable wins over the file, and --set over both', () => {
  const env = { HARVEST_KAFKA__TOPICS__PARTITIONS: '4', HARVEST_KAFKA__TOPICS__PREFIX: 'mine' };
  expect(loadConfig({ text: FILE, env }).topics).toMatchObject({ partitions: 4, prefix: 'mine' });
  const overrides = ['topics.partitions=5'];
  expect(loadConfig({ text: FILE, env, overrides }).topics).toMatchObject({ partitions: 5, prefix: 'mine' });
});

test('several accounts go by number, in whatever order the variables come', () => {
  const env = {
    HARVEST_KAFKA__HARVEST__ACCOUNTS__1__ACCESS_TOKEN: 'b',
    HARVEST_KAFKA__HARVEST__ACCOUNTS__1__ID: '2',
    HARVEST_KAFKA__TOPICS__PREFIX: 'h.{account_id}',
  };
  const { accounts } = loadConfig({ text: FILE, env }).harvest;
  expect(accounts.map(({ id, access_token }) => [id, access_token!.reveal()])).toEqual([
    ['1', 't'],
    ['2', 'b'],
  ]);
  expect(refusal({ HARVEST_KAFKA__HARVEST__ACCOUNTS__7__ID: '7' })).toEqual([
    'HARVEST_KAFKA__HARVEST__ACCOUNTS__7__ID: harvest.accounts has no place 7 yet',
  ]);
});

test('an unknown variable is refused with the nearest one, a wrong value with the name of its variable', () => {
  const env = {
    HARVEST_KAFKA__KAFKA__BROKER: 'x:1',
    HARVEST_KAFKA__KAFKA__COMPRESSION: 'gzp',
    HARVEST_KAFKA__STREAMS__TIME_ENTRY__ENABLED: 'false',
    HARVEST_KAFKA__BROKERS: 'x:1',
    HARVEST_KAFKA__STREAMS__TASKS__CENSUS_INTERVAL_SECONDS: '1',
  };
  expect(refusal(env)).toEqual([
    'HARVEST_KAFKA__BROKERS: brokers is not a key; did you mean HARVEST_KAFKA__KAFKA__BROKERS?',
    'HARVEST_KAFKA__KAFKA__BROKER: kafka.broker is not a key; did you mean HARVEST_KAFKA__KAFKA__BROKERS?',
    'HARVEST_KAFKA__KAFKA__COMPRESSION: kafka.compression must be one of none, gzip, found "gzp"; did you mean gzip?',
    'HARVEST_KAFKA__STREAMS__TASKS__CENSUS_INTERVAL_SECONDS: streams.tasks.census_interval_seconds is not a key any more; it is called HARVEST_KAFKA__STREAMS__TASKS__RECONCILE_INTERVAL_SECONDS',
    'HARVEST_KAFKA__STREAMS__TIME_ENTRY__ENABLED: streams.time_entry is not a key; did you mean HARVEST_KAFKA__STREAMS__TIME_ENTRIES?',
  ]);
});

test('a section that variables begin names one of them when something in it is missing', () => {
  const env = { HARVEST_KAFKA__KAFKA__SASL__MECHANISM: 'plain', HARVEST_KAFKA__KAFKA__SASL__USERNAME: 'u' };
  expect(refusal(env)).toEqual(['HARVEST_KAFKA__KAFKA__SASL__MECHANISM: kafka.sasl.password is required']);
});

test('a variable that is empty says nothing, and other variables of the program are none of the configuration', () => {
  const env = {
    HARVEST_KAFKA__TOPICS__PARTITIONS: '',
    HARVEST_KAFKA_SERVICE_HOST: '10.0.0.1',
    HARVEST_KAFKA_PORT: 'tcp://10.0.0.1:8080',
  };
  expect(loadConfig({ text: FILE, env }).topics.partitions).toBe(3);
});

test('a value is taken as it is, with its dollar signs, but for a secret that is a file', () => {
  const sasl = (PASSWORD: string) => {
    const env = { MECHANISM: 'plain', USERNAME: 'u', PASSWORD };
    const named = Object.entries(env).map(([key, value]) => [`HARVEST_KAFKA__KAFKA__SASL__${key}`, value] as const);
    return loadConfig({ text: FILE, env: Object.fromEntries(named), readFile: () => 'of a file\n' }).kafka.sasl!;
  };
  for (const password of ['pa$$word', '${HOME}', '$$${x', '$&$1'])
    expect(sasl(password).password!.reveal()).toBe(password);
  expect(sasl('${file:/run/secrets/password}').password!.reveal()).toBe('of a file');
});

test('a secret is never quoted, whatever is wrong with it [P10]', () => {
  const said = refusal({ HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ACCESS_TOKEN: 'canary with blanks' }).join('\n');
  expect(said).toMatch(/^HARVEST_KAFKA__HARVEST__ACCOUNTS__0__ACCESS_TOKEN: .* must be printable ASCII/);
  expect(said).not.toContain('canary');
});

test('the demo does not write to the broker of a daemon whose variables are set', () => {
  const env = { HARVEST_KAFKA__KAFKA__BROKERS: 'production:9092', KAFKA_BROKERS: 'lab:1', HARVEST_ACCOUNT_ID: '7' };
  expect(withoutVariables(env)).toEqual({ KAFKA_BROKERS: 'lab:1', HARVEST_ACCOUNT_ID: '7' });
});

test('every key has a variable of its own', () => {
  const keys = everyKey(declared);
  const variables = keys.map((key) => variableOf(key.split('.')));
  expect(keys.length).toBeGreaterThan(100);
  expect(new Set(variables).size).toBe(keys.length);
  const back = (variable: string) => variable.replace('HARVEST_KAFKA__', '').toLowerCase().split('__').join('.');
  expect(variables.map(back)).toEqual(keys);
});
