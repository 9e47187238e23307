import { expect, test } from 'vitest';
import { createSimulator, type Json, type JsonObject, type Simulator } from '../../../lab/simulator/index.ts';
import { type DocumentedField, documentedFields } from '../../support/harvest-fields.ts';
import { START } from '../../support/simulated-harvest.ts';
import { harvestStreams } from '../../support/truth.ts';

const make = (timeEntries: number, seed = 1) =>
  createSimulator({ timeEntries, seed, now: () => START, settings: { legacyMembers: true } });

/** Streams that Harvest answers for: what is derived lies in the records of others. */
const SERVED = harvestStreams.map(({ name }) => name);

/** Every record of the stream, whatever parent or window it lies in. */
function everything(simulator: Simulator, stream: string): JsonObject[] {
  return simulator.scopes(stream).flatMap((scope) => simulator.truth(stream, scope));
}

/** The values at a path such as `line_items[].project.name`; null above it ends the way, undefined is an absence. */
function valuesAt(value: Json | undefined, path: readonly string[]): (Json | undefined)[] {
  const [head, ...rest] = path;
  if (head === undefined) return [value];
  if (value === null || value === undefined) return [];
  const name = head.replace('[]', '');
  const member = (value as JsonObject)[name];
  if (!head.endsWith('[]')) return valuesAt(member, rest);
  return (member as readonly Json[]).flatMap((each) => valuesAt(each, rest));
}

const FORMS: Record<DocumentedField['type'], (value: Json | undefined) => boolean> = {
  integer: (value) => Number.isSafeInteger(value),
  decimal: (value) => typeof value === 'number' && Number.isFinite(value),
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(String(value)),
  datetime: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(value)),
  time: (value) => /^\d{1,2}:\d\d(am|pm)$/.test(String(value)),
  object: (value) => typeof value === 'object' && !Array.isArray(value),
  'array of integer': (value) => Array.isArray(value) && value.every(Number.isSafeInteger),
  'array of string': (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  'array of object': (value) => Array.isArray(value) && value.every((each) => typeof each === 'object'),
};

const large = make(4000);

test.each(SERVED)('%s has every documented member in its documented form', (stream) => {
  const records = everything(large, stream);
  expect(records.length).toBeGreaterThan(0);
  const wrong: string[] = [];
  for (const { path, type, nullable } of documentedFields[stream]!) {
    const values = records.flatMap((record) => valuesAt(record, path.split('.')));
    if (values.every((value) => value === undefined)) wrong.push(`${path} is nowhere`);
    for (const value of values) {
      if (value === null && nullable) continue;
      if (!FORMS[type](value)) wrong.push(`${path} is ${JSON.stringify(value)}`);
    }
  }
  expect([...new Set(wrong)]).toEqual([]);
});

test.each(SERVED)('%s has no member that Harvest does not have', (stream) => {
  const known = new Set(documentedFields[stream]!.map(({ path }) => path.split('.')[0]!.replace('[]', '')));
  const unknown = everything(large, stream).flatMap((record) => Object.keys(record).filter((name) => !known.has(name)));
  expect([...new Set(unknown)]).toEqual([]);
});

test('members that can be null are null somewhere and have a value somewhere', () => {
  for (const stream of ['time_entries', 'expenses', 'projects', 'invoices', 'estimates', 'invoice_payments']) {
    const records = everything(large, stream);
    for (const { path, nullable } of documentedFields[stream]!.filter((field) => !field.path.includes('.'))) {
      // Undocumented flags that no recording shows null.
      if (!nullable || path === 'is_explicitly_locked' || path === 'receipt' || path === 'payment_gateway') continue;
      if (path === 'payment_options') continue;
      const values = records.map((record) => record[path]);
      expect(values.includes(null), `${stream}.${path} is never null`).toBe(true);
      expect(
        values.some((value) => value !== null),
        `${stream}.${path} is always null`,
      ).toBe(true);
    }
  }
});

test.each([1, 60, 700])('an account of %i entries has something in every stream', (timeEntries) => {
  const simulator = make(timeEntries);
  for (const stream of SERVED) {
    expect(everything(simulator, stream).length, stream).toBeGreaterThan(0);
  }
});

test('the same seed makes the same account, another seed another one', () => {
  const told = (seed: number) => JSON.stringify(make(300, seed).truth('time_entries'));
  expect(told(5)).toBe(told(5));
  expect(told(5)).not.toBe(told(6));
});

test('nothing lies in the future but rates, and ids of time exceed 32 bits', () => {
  const now = new Date(START).toISOString();
  for (const entry of large.truth('time_entries')) {
    expect(entry.id).toBeGreaterThan(2 ** 31);
    expect(String(entry.updated_at) <= now && String(entry.created_at) <= String(entry.updated_at)).toBe(true);
    expect(String(entry.spent_date) <= now.slice(0, 10)).toBe(true);
  }
  const rates = everything(large, 'billable_rates');
  expect(rates.some(({ start_date }) => start_date !== null && String(start_date) > now)).toBe(true);
});

test('there are several currencies, amounts above a million, archived things and letters of many alphabets', () => {
  const clients = large.truth('clients');
  expect(new Set(clients.map(({ currency }) => currency)).size).toBeGreaterThanOrEqual(5);
  expect(large.truth('invoices').some(({ amount }) => Number(amount) > 1_000_000)).toBe(true);
  for (const stream of ['clients', 'projects', 'users', 'tasks', 'user_assignments', 'task_assignments']) {
    const active = large.truth(stream).map(({ is_active }) => is_active);
    expect(active.includes(true) && active.includes(false), stream).toBe(true);
  }
  expect(JSON.stringify(clients)).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
  expect(large.truth('time_entries').some(({ is_running }) => is_running)).toBe(true);
});

test('paid invoices owe nothing and invoiced hours name an invoice that is there', () => {
  const invoices = new Map(large.truth('invoices').map((invoice) => [invoice.id, invoice]));
  for (const { state, due_amount, paid_date } of invoices.values()) {
    if (state === 'paid') expect([due_amount, typeof paid_date]).toEqual([0, 'string']);
  }
  const billed = large.truth('time_entries').filter(({ is_billed }) => is_billed);
  expect(billed.length).toBeGreaterThan(0);
  for (const { invoice } of billed) expect(invoices.has((invoice as JsonObject).id!)).toBe(true);
});
