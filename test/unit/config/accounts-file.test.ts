// Accounts of a file of their own: beside or instead of those of the configuration, with problems told at their own place.
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';

const FILE = '/etc/accounts.yaml';

function load(accounts: string, harvest = '', settings: readonly string[] = []) {
  return loadConfig({
    text: `harvest: {accounts_file: ${FILE}${harvest}}\nkafka: {brokers: b:9092}\nschema_registry: {url: "http://r"}\ntopics: {prefix: "h-{account_id}"}\n`,
    env: { TOKEN: 'from the environment'.replaceAll(' ', '-') },
    overrides: settings,
    readFile: (path) => {
      if (path === FILE) return accounts;
      if (path === '/run/token') return 'from-a-file\n';
      throw Object.assign(new Error('no'), { code: 'ENOENT' });
    },
  });
}

const told = (config: ReturnType<typeof load>) =>
  config.harvest.accounts.map(({ id, access_token }) => `${id} ${access_token?.reveal()}`);

test('accounts of the file stand behind those of the configuration, with variables and files in their tokens', () => {
  const accounts = '- {id: "2", access_token: "${TOKEN}"}\n- {id: "3", access_token: "${file:/run/token}"}\n';
  expect(told(load(accounts, ', accounts: [{id: "1", access_token: t}]'))).toEqual([
    '1 t',
    '2 from-the-environment',
    '3 from-a-file',
  ]);
  expect(told(load(accounts))).toEqual(['2 from-the-environment', '3 from-a-file']);
});

test.each([
  ['an account that is wrong', '- {id: "2", access_token: t}\n- {id: x, access_token: t}\n', `${FILE}:2:`],
  ['a key that there is not', '- {id: "2", acces_token: t}\n', `${FILE}:1:`],
  ['a map instead of a list', 'accounts: []\n', `${FILE}: must be a list of accounts`],
  ['broken YAML', '- {id: "2"\n', `${FILE}: not valid YAML`],
])('%s is told at its place in the file', (_, accounts, place) => {
  expect(() => load(accounts)).toThrow(place);
});

test('an id that stands in both is refused, and no token of the file is ever quoted [P10]', () => {
  const accounts = '- {id: "1", access_token: hunter2}\n';
  expect(() => load(accounts, ', accounts: [{id: "1", access_token: t}]')).toThrow('names the same id twice');
  try {
    load('- {id: "2", access_token: hunter2}\n- {id: "2" access_token: hunter2}\n');
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain('hunter2');
  }
});

test('a file that cannot be read is named with its key', () => {
  const settings = ['harvest.accounts_file=/nowhere'];
  expect(() => load('', ', accounts: [{id: "1", access_token: t}]', settings)).toThrow(
    /accounts_file cannot be read from \/nowhere|accounts_file.*\/nowhere/,
  );
});
