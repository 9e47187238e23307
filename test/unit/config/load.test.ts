import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PublisherError } from '../../../src/base/errors.ts';
import { type ConfigSource, describeConfig, loadConfig } from '../../../src/config/load.ts';
import { RENAMED } from '../../../src/config/renamed.ts';
import { catalog } from '../../../src/streams/catalog.ts';

const TOKEN = 'pat-0123456789-very-secret';

const SMALL = `harvest:
  accounts:
    - id: 1234567
      access_token: ${TOKEN}
kafka:
  brokers: localhost:9092
schema_registry:
  url: http://localhost:8081
`;

const load = (text: string, rest: Omit<ConfigSource, 'text'> = {}) => loadConfig({ text, env: {}, ...rest });

/** The lines of the refusal; fails when the configuration is accepted. */
function problems(text: string, rest: Omit<ConfigSource, 'text'> = {}): string[] {
  try {
    load(text, rest);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PublisherError);
    expect((thrown as PublisherError).code).toBe('config.invalid');
    expect(inspect(thrown)).not.toContain(TOKEN);
    return (thrown as PublisherError).message.split('\n');
  }
  throw new Error('the configuration was accepted');
}

describe('a small configuration', () => {
  it('is completed with the defaults of the contract', () => {
    const config = load(SMALL);
    expect(config.harvest.base_url).toBe('https://api.harvestapp.com/v2');
    expect(config.harvest.budgets).toEqual({
      general: { requests: 95, per_seconds: 15 },
      reports: { requests: 95, per_seconds: 900 },
    });
    expect(config.harvest.start_date).toBeUndefined();
    expect(config.kafka).toMatchObject({ brokers: ['localhost:9092'], ssl: false, compression: 'none' });
    expect(config.schema_registry).toMatchObject({ url: ['http://localhost:8081'], auto_register: true });
    expect(config.topics).toEqual({ prefix: 'harvest', partitions: 1, replication_factor: -1 });
    expect(config.http.listen).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(config.reports.window).toBe('month');
  });

  it('gives every stream of the catalog an interval by its kind', () => {
    const { streams } = load(`${SMALL}streams: { clients: { poll_interval_seconds: 5 } }`);
    expect(Object.keys(streams)).toEqual(catalog.map((row) => row.name));
    expect(streams.clients).toEqual({
      enabled: true,
      poll_interval_seconds: 5,
      count_interval_seconds: 300,
      reconcile_interval_seconds: 86_400,
    });
    const seconds = ['users', 'roles', 'cost_rates', 'time_team'].map((name) => streams[name]!.poll_interval_seconds);
    expect(seconds).toEqual([60, 300, 21_600, 900]);
  });

  it('gives the intervals of streams.defaults to lists that name none of their own, and to nothing else', () => {
    const { streams } = load(
      `${SMALL}streams: { defaults: { poll_interval_seconds: 7, count_interval_seconds: 8 }, clients: { poll_interval_seconds: 5 } }`,
    );
    const clients = { poll_interval_seconds: 5, count_interval_seconds: 8, reconcile_interval_seconds: 86_400 };
    expect(streams.clients).toMatchObject(clients);
    expect(streams.tasks).toMatchObject({ poll_interval_seconds: 7, count_interval_seconds: 8 });
    const others = ['roles', 'cost_rates', 'time_team'].map((name) => streams[name]!.poll_interval_seconds);
    expect(others).toEqual([300, 21_600, 900]);
    expect(Object.keys(streams)).toEqual(catalog.map((row) => row.name));
    expect(problems(SMALL, { overrides: ['streams.defaults.poll_interval_seconds=0'] })).toEqual([
      expect.stringContaining('streams.defaults.poll_interval_seconds must be at least 1'),
    ]);
  });

  it('tells whoever has the old name of a key what it is called now', () => {
    expect(problems(SMALL, { overrides: ['streams.clients.census_interval_seconds=60'] })).toEqual([
      '--set streams.clients.census_interval_seconds: streams.clients.census_interval_seconds is not a key any more; it is called streams.clients.reconcile_interval_seconds',
    ]);
    expect(problems(SMALL, { overrides: ['streams.defaults.tally_interval_seconds=60'] })).toEqual([
      expect.stringContaining('it is called streams.defaults.count_interval_seconds'),
    ]);
  });

  it('is frozen through and through', () => {
    const config = load(SMALL);
    expect(() => Object.assign(config.harvest.accounts[0]!, { id: '9' })).toThrow(TypeError);
  });

  it('keeps the token out of everything that prints [P10]', () => {
    const config = load(SMALL);
    expect(config.harvest.accounts[0]!.access_token!.reveal()).toBe(TOKEN);
    for (const printed of [
      JSON.stringify(config),
      inspect(config, { depth: 9 }),
      JSON.stringify(describeConfig(config)),
    ]) {
      expect(printed).not.toContain(TOKEN);
      expect(printed).toContain('[redacted]');
    }
  });
});

describe('the shipped file', () => {
  it('runs on the environment variables of the contract alone', () => {
    const env = {
      HARVEST_ACCOUNT_ID: '42',
      HARVEST_ACCESS_TOKEN: TOKEN,
      KAFKA_BROKERS: 'a:9092, b:9093',
      SCHEMA_REGISTRY_URL: 'http://registry:8081/',
      HARVEST_BASE_URL: 'http://localhost:9999/v2/',
    };
    const config = loadConfig({ env });
    expect(config.harvest.accounts[0]!.id).toBe('42');
    expect(config.harvest.base_url).toBe('http://localhost:9999/v2');
    expect(config.kafka.brokers).toEqual(['a:9092', 'b:9093']);
    expect(config.schema_registry.url).toEqual(['http://registry:8081']);
    expect(loadConfig({ env: { HARVEST_ACCOUNT_ID: '42', HARVEST_ACCESS_TOKEN: TOKEN } }).kafka.brokers).toEqual([
      'localhost:9092',
    ]);
  });

  it('names each variable that is missing, with its line', () => {
    expect(() => loadConfig({ env: {} })).toThrow(
      /harvest-kafka\.yaml:\d+:\d+: harvest\.accounts\.0\.id needs the environment variable HARVEST_ACCOUNT_ID, which is not set\n.*HARVEST_ACCESS_TOKEN, which is not set$/,
    );
  });
});

describe('substitution', () => {
  it('happens before a value is given its type', () => {
    const text = `${SMALL}topics: { partitions: "\${PARTITIONS:-3}", prefix: "a\${X:-}b" }\nstreams: { tasks: { enabled: "\${TASKS}" } }`;
    const config = load(text, { env: { TASKS: 'false' } });
    expect(config.topics).toMatchObject({ partitions: 3, prefix: 'ab' });
    expect(config.streams.tasks!.enabled).toBe(false);
    expect(problems(text, { env: { TASKS: 'false', PARTITIONS: 'many' } })).toEqual([
      'configuration:9:23: topics.partitions must be a whole number, found "many"',
    ]);
  });

  it('takes the default for an empty variable too, and an empty plain value as unset', () => {
    const config = load(`${SMALL}log:\n  level: \${LEVEL:-debug}\nreports:\n  window: \${WINDOW}\n`, {
      env: { LEVEL: '', WINDOW: '' },
    });
    expect(config.log.level).toBe('debug');
    expect(config.reports.window).toBe('month');
  });

  it('reads secrets from files, without the last line break', () => {
    const text = SMALL.replace(TOKEN, '${file:/run/token}');
    const config = load(text, { readFile: () => `${TOKEN}\n` });
    expect(config.harvest.accounts[0]!.access_token!.reveal()).toBe(TOKEN);
    const readFile = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' });
    };
    expect(problems(text, { readFile })).toEqual([
      'configuration:4:21: harvest.accounts.0.access_token cannot be read from /run/token (permission denied)',
    ]);
  });

  it('keeps files for secrets', () => {
    expect(problems(`${SMALL}topics: { prefix: "\${file:/etc/passwd}" }`)[0]).toContain(
      'topics.prefix may not be read from a file',
    );
  });

  it('refuses marks it does not know', () => {
    expect(problems(`${SMALL}topics: { prefix: "\${NOT A NAME}" }`)[0]).toContain('write $$ for a dollar sign');
  });

  it('does not read a value again that came from the environment', () => {
    const config = load(SMALL.replace(TOKEN, '${T}'), { env: { T: '${OTHER}$$', OTHER: 'x' } });
    expect(config.harvest.accounts[0]!.access_token!.reveal()).toBe('${OTHER}$$');
  });
});

describe('overrides', () => {
  it('win over the file, reach into lists and make what is missing', () => {
    const overrides = [
      'harvest.accounts.0.id=77',
      'kafka.sasl.mechanism=plain',
      'kafka.sasl.username=u',
      'kafka.sasl.password=0123',
    ];
    const config = load(SMALL, { overrides });
    expect(config.harvest.accounts[0]!.id).toBe('77');
    expect(config.kafka.sasl!.password!.reveal()).toBe('0123');
    expect(
      load('', {
        overrides: [
          'harvest.accounts.0.id=1',
          'harvest.accounts.0.access_token=a=b',
          'kafka.brokers=a:1,b:2',
          'schema_registry.url=http://r',
        ],
      }).harvest.accounts[0]!.access_token!.reveal(),
    ).toBe('a=b');
  });

  it('are named in problems instead of a line', () => {
    const overrides = ['topics.partitons=3', 'kafka.compression=lz4', 'nonsense', 'kafka.brokers.0.x=1'];
    expect(problems(SMALL, { overrides })).toEqual([
      '--set …: must be written key=value, for example topics.prefix=harvest',
      '--set kafka.brokers.0.x: kafka.brokers.0.x leads through a key that holds a single value',
      '--set kafka.compression: kafka.compression must be one of none, gzip, found "lz4"',
      '--set topics.partitons: topics.partitons is not a key; did you mean topics.partitions?',
    ]);
  });

  it('are named too when a key inside them is unknown', () => {
    expect(problems(SMALL, { overrides: ['streams.client.enabled=false'] })).toEqual([
      '--set streams.client.enabled: streams.client is not a key; did you mean streams.clients?',
    ]);
  });

  it('mend a value of the file that could not be read', () => {
    const config = load(SMALL.replace(TOKEN, '${MISSING}'), { overrides: ['harvest.accounts.0.access_token=t'] });
    expect(config.harvest.accounts[0]!.access_token!.reveal()).toBe('t');
  });
});

describe('problems', () => {
  it('are all reported at once, each with its place', () => {
    const text = `harvst: {}
harvest:
  start_date: 2024-02-31
  accounts:
    - id: 12x
      access_token: ${TOKEN}
      oauth: { client_id: a }
  budgets: { general: { requests: 0 } }
kafka:
  broker: x
  ssl: maybe
  compression: gzp
streams:
  time_entry: { enabled: false }
  users: { poll_interval_seconds: 1.5 }
http: { listen: 8080 }
decimal_handling_mode: [double]
`;
    expect(problems(text)).toEqual([
      'configuration:1:1: harvst is not a key; did you mean harvest?',
      'configuration:1:1: schema_registry.url is required',
      'configuration:3:15: harvest.start_date must be a date written YYYY-MM-DD, found "2024-02-31"',
      'configuration:5:7: harvest.accounts.0 needs either access_token or oauth',
      'configuration:5:11: harvest.accounts.0.id must be the digits of an account id, found "12x"',
      'configuration:7:14: harvest.accounts.0.oauth.client_secret is required',
      'configuration:7:14: harvest.accounts.0.oauth.token_file is required',
      'configuration:8:35: harvest.budgets.general.requests must be at least 1, found 0',
      'configuration:10:3: kafka.broker is not a key; did you mean kafka.brokers?',
      'configuration:10:3: kafka.brokers is required',
      'configuration:11:8: kafka.ssl must be true or false or a map, found "maybe"',
      'configuration:12:16: kafka.compression must be one of none, gzip, found "gzp"; did you mean gzip?',
      'configuration:14:3: streams.time_entry is not a key; did you mean streams.time_entries?',
      'configuration:15:35: streams.users.poll_interval_seconds must be a whole number, found 1.5',
      'configuration:16:17: http.listen must be host:port, [ipv6]:port or off, found "8080"',
      'configuration:17:24: decimal_handling_mode must be text, found a list',
    ]);
  });

  it('say what is missing when nothing is there', () => {
    for (const text of ['', '# only a comment\n', '---\n', 'harvest:\nkafka: ~\nschema_registry:\n']) {
      expect(problems(text).map((line) => line.replace(/^.*?: /, ''))).toEqual([
        'harvest.accounts is required',
        'kafka.brokers is required',
        'schema_registry.url is required',
      ]);
    }
  });

  it('tell of an environment variable that is empty', () => {
    const text = SMALL.replace(TOKEN, '${MY_TOKEN}');
    expect(problems(text, { env: { MY_TOKEN: '' } })).toEqual([
      expect.stringMatching(/harvest\.accounts\.0 needs either access_token or oauth; \$\{MY_TOKEN\} is empty$/),
    ]);
  });

  it('point to the section a misplaced key belongs to', () => {
    expect(problems(`${SMALL}brokers: x`)).toEqual([
      'configuration:9:1: brokers is not a key; did you mean kafka.brokers?',
    ]);
  });

  it('never quote a secret, whatever is wrong with it [P10]', () => {
    const secrets = [
      SMALL.replace(TOKEN, `[${TOKEN}]`),
      SMALL.replace(TOKEN, `"${TOKEN} with blank"`),
      SMALL.replace(TOKEN, `*${TOKEN}`),
      SMALL.replace(TOKEN, `!${TOKEN} [`),
      SMALL.replace(TOKEN, `"${TOKEN}`),
      SMALL.replace(TOKEN, `@${TOKEN}`),
      SMALL.replace(TOKEN, `a\n   ${TOKEN}: : :\n  -`),
      SMALL.replace('http://localhost:8081', `http://user:${TOKEN}@localhost`),
      SMALL.replace('http://localhost:8081', `{ x: ${TOKEN} }`),
    ];
    for (const text of secrets) expect(problems(text).join()).not.toContain(TOKEN);
  });

  it('include a key that is given twice and one account that is', () => {
    expect(problems(`${SMALL}topics: {}\ntopics: {}`)).toEqual(['configuration:10:1: this key is given twice']);
    const two = SMALL.replace('kafka:', '    - { id: 1234567, access_token: b }\nkafka:');
    const twice = `${two}topics: { prefix: "{account_id}" }`;
    expect(problems(twice)).toEqual(['configuration:3:5: harvest.accounts names the same id twice']);
  });

  it('want one way to log in, not two and not half of one', () => {
    const auth = (inside: string) => `${SMALL.trimEnd()}\n  auth: ${inside}\n`;
    const message = 'configuration:9:9: schema_registry.auth needs either username and password, or bearer_token';
    expect(problems(auth('{ username: u }'))).toEqual([message]);
    expect(problems(auth('{ username: u, password: p, bearer_token: t }'))).toEqual([message]);
    expect(load(auth('{ bearer_token: t }')).schema_registry.auth!.bearer_token!.reveal()).toBe('t');
    expect(problems(SMALL.replace(`access_token: ${TOKEN}`, 'access_token:'))).toEqual([
      'configuration:3:7: harvest.accounts.0 needs either access_token or oauth',
    ]);
  });

  it('name a certificate file that cannot be read', () => {
    const readFile = () => {
      throw Object.assign(new Error('no'), { code: 'ENOENT' });
    };
    expect(problems(`${SMALL}`.replace('localhost:9092', 'a:1\n  ssl: { ca_file: /ca.pem }'), { readFile })).toEqual([
      'configuration:7:19: kafka.ssl.ca_file names a file that cannot be read: /ca.pem (there is no such file)',
    ]);
  });
});

it('one anchor may serve two accounts', () => {
  const config = load(`harvest:
  accounts:
    - { id: 1, access_token: &t abc }
    - { id: 2, access_token: *t }
kafka: { brokers: [a:1, "[::1]:2"] }
schema_registry: { url: [http://a, https://b/x/] }
topics: { prefix: "h.{account_id}" }
http: { listen: "[::1]:0" }`);
  expect(config.harvest.accounts[1]!.access_token!.reveal()).toBe('abc');
  expect(config.kafka.brokers).toEqual(['a:1', '[::1]:2']);
  expect(config.schema_registry.url).toEqual(['http://a', 'https://b/x']);
  expect(config.http.listen).toEqual({ host: '::1', port: 0 });
  expect(load(`${SMALL}http: { listen: off }`).http.listen).toBeNull();
});

it('several accounts need a prefix each, for their rows could not be told apart', () => {
  const two = SMALL.replace('kafka:', '    - { id: 2, access_token: b }\nkafka:');
  expect(problems(two)).toEqual([
    expect.stringContaining('topics.prefix must hold {account_id}, since there are several accounts'),
  ]);
});

it.each(Object.entries(RENAMED))('the old key %s is refused with its new name, %s', (old, name) => {
  expect(problems(`${SMALL}streams: { clients: { ${old}: 60 } }`)).toEqual([
    expect.stringContaining(`streams.clients.${old} is not a key any more; it is called streams.clients.${name}`),
  ]);
  const renames = readFileSync(new URL('../../../docs/renames.json', import.meta.url), 'utf8');
  expect(JSON.parse(renames)).toContainEqual({
    what: 'configuration',
    old: `streams.<name>.${old}`,
    new: `streams.<name>.${name}`,
  });
});

it('a child stream needs the stream of its parents', () => {
  expect(problems(`${SMALL}streams: { estimates: { enabled: false } }`)).toEqual([
    expect.stringContaining('streams.estimate_messages.enabled is read through estimates: enable streams.estimates'),
  ]);
});
