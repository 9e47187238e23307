// What the command line refuses before anything is asked of anybody: 64, what was wrong, what was meant.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../../src/cli/program.ts';

const SECOND_ACCOUNT = ['topics.prefix=t-{account_id}', 'harvest.accounts.1.id=12', 'harvest.accounts.1.access_token=t']
  .map((setting) => `--set ${setting}`)
  .join(' ');

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
  ['census client', 'there is no stream named client; did you mean clients?\n  The streams are company, '],
  ['release', "missing required argument 'stream'"],
  ['state reset clients --to 2026-02-30', "argument '2026-02-30' is invalid. must be a date written YYYY-MM-DD"],
  ['state reset clients --to 2999-01-01', '--to 2999-01-01 lies in the future\n  A stream can only be sent back.'],
  ['state reset roles --to 2026-01-01', 'Leave it away: harvest-kafka state reset roles'],
  ['dead-letters list client', 'did you mean clients?'],
  ['dead-letters replay clients time_entry', 'did you mean time_entries?'],
  ['run --only clients,taskz', 'there is no stream named taskz; did you mean tasks?'],
  ['run --only clients --only projectz', 'did you mean projects?'],
  ['census clients --account 1234568', 'did you mean 1234567?\n  The accounts are 1234567.'],
  ['census clients --wait soon', 'must be a whole number above 0'],
  ['census tasks --set streams.tasks.enabled=false', 'switched off in the configuration\n  Set streams.tasks.enabled'],
  [`census tasks ${SECOND_ACCOUNT}`, 'name one with --account\n  The accounts are 1234567, 12.'],
])('%s', async (line, said) => {
  expect(await main(['node', 'harvest-kafka', ...line.split(' ')])).toBe(64);
  expect(errors).toContain(said);
});
