import { expect, test } from 'vitest';
import { FetchedRecord } from '../../../src/kafka/record-batch.ts';
import { AccountState, encodeRow, ownerKey, rowKey } from '../../../src/kafka/state-topic.ts';

let offset = 0;
function record(key: string, value: unknown, timestamp = 0): FetchedRecord {
  const bytes = value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return new FetchedRecord(offset++, timestamp, Buffer.from(key), bytes, Buffer.from([0]), 0);
}
const signature = (instance: string, opening = 1) =>
  record(ownerKey('p', '7'), { instance, opening, opened_at: '2026-01-01T00:00:00Z' });

test('a row is read back without the offsets that the sink keeps in it', () => {
  const state = new AccountState('p', '7', 'me');
  state.apply(record(rowKey('p', '7', 'clients'), encodeRow({ row: { cursor: 'c' }, offsets: { 0: 12 } })));
  expect(state.rows.get('clients')).toEqual({ row: { cursor: 'c' }, offsets: { 0: 12 } });
});

test('a tombstone removes the row', () => {
  const state = new AccountState('p', '7', 'me');
  state.apply(record(rowKey('p', '7', 'clients'), { cursor: 'c' }));
  state.apply(record(rowKey('p', '7', 'clients'), null));
  expect(state.rows.size).toBe(0);
});

test.each([
  ['another account', rowKey('p', '8', 'clients')],
  ['another prefix', rowKey('q', '7', 'clients')],
  ['something else', 'not JSON'],
])('rows of %s are passed over', (_, key) => {
  const state = new AccountState('p', '7', 'me');
  state.apply(record(key, { cursor: 'c' }));
  expect(state.rows.size).toBe(0);
  expect(state.changes).toBe(0);
});

test('the key is the JSON that the design names, byte for byte', () => {
  expect(rowKey('harvest', '42', 'clients')).toBe('["harvest",{"account_id":"42","stream":"clients"}]');
  expect(ownerKey('harvest', '42')).toBe('["harvest",{"account_id":"42","owner":true}]');
});

test('the time without an owner is that from the last record of the account to our own first signature', () => {
  const signed = (instance: string, opening: number, at: number) =>
    record(ownerKey('p', '7'), { instance, opening, opened_at: '2026-01-01T00:00:00Z' }, at);
  const state = new AccountState('p', '7', 'me');
  state.apply(signed('elder', 1, 1_000));
  state.apply(record(rowKey('p', '7', 'clients'), { cursor: 'c' }, 5_000));
  // Of another account: no word about this one.
  state.apply(record(rowKey('p', '8', 'clients'), { cursor: 'c' }, 9_000));
  expect(state.unownedMs).toBeNull();
  state.apply(signed('me', 1, 16_500));
  expect(state.unownedMs).toBe(11_500);
  state.apply(record(rowKey('p', '7', 'clients'), { cursor: 'd' }, 17_000));
  state.apply(signed('me', 2, 40_000));
  expect(state.unownedMs).toBe(11_500);
});

test('the first owner of an account was waited for by nobody, and a clock behind the other’s makes no time of less than nothing', () => {
  const first = new AccountState('p', '7', 'me');
  first.apply(signature('me'));
  expect(first.unownedMs).toBeNull();
  const state = new AccountState('p', '7', 'me');
  state.apply(record(rowKey('p', '7', 'clients'), { cursor: 'c' }, 5_000));
  state.apply(signature('me'));
  expect(state.unownedMs).toBe(0);
});

test('an instance that signed before us is older, one that signs after us is newer and stays so [P5]', () => {
  const state = new AccountState('p', '7', 'me');
  state.apply(signature('elder'));
  state.apply(signature('me'));
  state.apply(signature('elder', 2));
  expect(state.newer).toBeNull();
  state.apply(signature('newcomer'));
  state.apply(signature('me', 2));
  expect(state.newer?.instance).toBe('newcomer');
});

test('an instance that signs while we are still starting is older: our own signature comes after it', () => {
  const state = new AccountState('p', '7', 'me');
  state.apply(signature('rival'));
  state.apply(signature('me'));
  expect(state.newer).toBeNull();
  state.apply(signature('rival', 2));
  expect(state.newer).toBeNull();
});

test('a row that is not JSON is named, not skipped', () => {
  const state = new AccountState('p', '7', 'me');
  expect(() => state.apply(record(rowKey('p', '7', 'clients'), '{broken'))).toThrow('is not JSON');
});

const ranked = (instance: string, term: number, generation = 1, group = 'g') => {
  const owner = { instance, opening: 1, opened_at: '2026-01-01T00:00:00Z', group, member: instance, term, generation };
  return record(ownerKey('p', '7'), owner);
};
const member = (rank: { term: number; generation?: number }) =>
  new AccountState('p', '7', 'me', () => ({ group: 'g', member: 'me', generation: 1, ...rank }));

test('a member of our group with a greater term has the account, also when it signed before us [P5]', () => {
  const state = member({ term: 5 });
  state.apply(ranked('b', 6));
  expect(state.newer?.instance).toBe('b');
  state.apply(ranked('me', 5));
  expect(state.newer?.instance).toBe('b');
});

test('a member that signs after us under an older term had an accident: the account is ours [P5]', () => {
  const state = member({ term: 6 });
  state.apply(ranked('me', 6));
  state.apply(ranked('b', 5));
  expect(state.newer).toBeNull();
});

test('an assignment that names the account again raises our rank above whoever opened under the one before [P5]', () => {
  const rank = { group: 'g', member: 'me', term: 5, generation: 1 };
  const state = new AccountState('p', '7', 'me', () => rank);
  state.apply(ranked('me', 5));
  state.apply(ranked('b', 6));
  expect(state.newer?.instance).toBe('b');
  rank.term = 8;
  expect(state.newer).toBeNull();
});

test('of two members in one term the greater generation has the account, and of one generation the newer signature [P5]', () => {
  const state = member({ term: 5, generation: 2 });
  state.apply(ranked('me', 5, 2));
  state.apply(ranked('b', 5, 1));
  expect(state.newer).toBeNull();
  state.apply(ranked('c', 5, 2));
  expect(state.newer?.instance).toBe('c');
});

test('between a member and an outsider, or members of two groups, the newer signature decides whatever the terms say [P5]', () => {
  for (const outsider of [signature('outsider'), ranked('outsider', 1, 1, 'another group')]) {
    const state = member({ term: 9 });
    state.apply(ranked('me', 9));
    state.apply(outsider);
    expect(state.newer?.instance).toBe('outsider');
  }
  const state = new AccountState('p', '7', 'me');
  state.apply(ranked('b', 6));
  state.apply(signature('me'));
  expect(state.newer).toBeNull();
});

test('an older member that signs after an outsider took the account does not hide the outsider [P5]', () => {
  const state = member({ term: 9 });
  state.apply(ranked('me', 9));
  state.apply(signature('outsider'));
  state.apply(ranked('b', 3));
  expect(state.newer?.instance).toBe('outsider');
});
