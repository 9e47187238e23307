// `streams.<name>.fields`: which names are taken, and what is said of those that are not.
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { harvestStreams } from '../../support/truth.ts';

const BASE = [
  'harvest.accounts.0.id=1',
  'harvest.accounts.0.access_token=t',
  'kafka.brokers=localhost:9092',
  'schema_registry.url=http://localhost:8081',
];
const load = (...overrides: readonly string[]) => loadConfig({ text: '', env: {}, overrides: [...BASE, ...overrides] });

/** The refusal of a list of names; of `hash` unless told otherwise. */
function refusal(stream: string, names: string, key = 'hash'): string {
  try {
    load('privacy.salt=s', `streams.${stream}.fields.${key}=${names}`);
  } catch (thrown) {
    const { exitCode, message } = thrown as { exitCode: number; message: string };
    expect(exitCode).toBe(78);
    return message;
  }
  throw new Error(`${names} of ${stream} were accepted`);
}

test('fields of a stream, of records in it and of arrays of records are taken', () => {
  const { streams, privacy } = load(
    'privacy.salt=pepper',
    'streams.invoices.fields.exclude=client_key, line_items.description,line_items.project.name',
    'streams.invoices.fields.hash=client.name',
  );
  expect(streams.invoices!.fields).toEqual({
    exclude: ['client_key', 'line_items.description', 'line_items.project.name'],
    hash: ['client.name'],
  });
  expect(privacy.salt!.reveal()).toBe('pepper');
  expect(streams.clients!.fields).toBeUndefined();
});

test('a name that is no field is refused with the nearest that is', () => {
  expect(refusal('invoices', 'client_kye')).toContain(
    'streams.invoices.fields.hash names client_kye, which is no field of invoices; did you mean client_key?',
  );
  expect(refusal('invoices', 'line_items.descripton')).toContain('did you mean line_items.description?');
  expect(refusal('clients', 'shoe_size')).toMatch(/no field of clients$/);
  expect(refusal('clients', '_extra')).toContain('no field of clients');
  expect(refusal('clients', 'a b')).toContain('must be names of fields');
});

test.each([
  ['clients', 'id'],
  ['clients', 'updated_at'],
  ['contacts', 'client'],
  ['contacts', 'client.id'],
  ['invoice_payments', 'invoice_id'],
  ['time_entries', 'spent_date'],
  ['time_entries', 'is_running'],
  ['time_team', 'currency'],
  ['company', 'week_start_day'],
  ['company', 'invoice_feature'],
])('of %s, %s cannot be named: records are told apart by it', (stream, name) => {
  for (const key of ['exclude', 'hash']) expect(refusal(stream, name, key)).toContain('it stays as it is');
});

test('a name inside another, a name twice, and all that a record holds are refused', () => {
  expect(refusal('invoices', 'creator,creator.name')).toContain('names creator.name, which lies in creator, named too');
  expect(refusal('invoices', 'notes,notes')).toContain('names notes, which is named twice');
  expect(refusal('invoices', 'creator.id,creator.name', 'exclude')).toContain('name creator instead');
  expect(refusal('invoices', 'estimate.id', 'exclude')).toContain('nothing of estimate would be left');
  expect(load('streams.invoices.fields.exclude=creator.name').streams.invoices!.fields!.exclude).toHaveLength(1);
});

test('a field is hashed only with a salt: without one the start ends with the command that makes one', () => {
  expect(() => load('streams.clients.fields.hash=name')).toThrow(
    /^.*privacy\.salt is required: streams\.clients\.fields\.hash needs it\. openssl rand/,
  );
  expect(load('streams.clients.fields.exclude=address').streams.clients!.fields!.exclude).toEqual(['address']);
});

test('fields of a derived stream are named at its parent, but not those that it is made of', () => {
  expect(refusal('invoice_line_items', 'description')).toContain(
    'streams.invoice_line_items.fields has no place here: name them in streams.invoices.fields, as line_items.name_of_field',
  );
  const on = 'streams.invoice_line_items.enabled=true';
  for (const name of ['line_items', 'line_items.id']) {
    expect(() => load(on, `streams.invoices.fields.exclude=${name}`)).toThrow(/of which invoice_line_items is made/);
    expect(load(`streams.invoices.fields.exclude=${name}`).streams.invoices!.fields!.exclude).toEqual([name]);
  }
  expect(load(on, 'streams.invoices.fields.exclude=line_items.description').streams.invoices!.fields).toBeDefined();
});

test('the salt is shown nowhere', () => {
  expect(JSON.stringify(load('privacy.salt=pepper'))).not.toContain('pepper');
});

test('every stream of Harvest has fields that can be named', () => {
  for (const { name } of harvestStreams) expect(refusal(name, 'nothing_of_the_kind')).toContain(`no field of ${name}`);
});
