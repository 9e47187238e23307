// What a leader adds to the pure assignment: terms, names, and calm before anything moves for balance.
import { expect, test } from 'vitest';
import { Leader } from '../../../src/cluster/leader.ts';
import { type Metadata, SHAPE } from '../../../src/cluster/protocol.ts';

const ACCOUNTS = Array.from({ length: 8 }, (_, at) => String(100 + at));
const SETTINGS = { balanceAfterMs: 30_000, movesAtOnce: 2, pauseMs: 5_000 };

function member(said: Partial<Metadata> = {}): Metadata {
  return {
    ...{ v: SHAPE, name: 'pub', zone: '', version: '0', url: '', leaving: false, term: 0 },
    ...{ accounts: ACCOUNTS, claims: [], weight: {} },
    ...said,
  };
}

/** A leader in a time of its own, and rounds in which each member claims what it was given. */
function table() {
  let now = 0;
  const leader = new Leader(SETTINGS, { monotonic: () => now });
  const said = new Map<string, Metadata>([['a', member()]]);
  const round = () => {
    const led = leader.lead(said, 'a');
    for (const [id, { accounts, term }] of led.assignments) {
      said.set(id, { ...said.get(id)!, term, claims: accounts.map(([account]) => [account, term]) });
    }
    return led;
  };
  const moved = () => [...round().assignments.values()].flatMap(({ accounts }) => accounts).filter(([, from]) => from);
  return { leader, said, round, moved, at: (ms: number) => (now = ms) };
}

test('a member that joins gets accounts only after a time of calm, a few at a time, with a pause between [P12]', () => {
  const { leader, said, moved, at } = table();
  moved();
  at(60_000);
  said.set('b', member());
  expect(moved()).toEqual([]);
  expect(leader.balanceAt).toBe(90_000);
  at(89_999);
  expect(moved()).toEqual([]);
  at(90_000);
  expect(moved().map(([, from]) => from)).toEqual(['pub', 'pub']);
  expect(leader.balanceAt).toBe(95_000);
  at(94_000);
  expect(moved()).toEqual([]);
  at(95_000);
  expect(moved()).toHaveLength(2);
  expect(leader.balanceAt).toBeNull();
});

test('another member that comes or goes begins the time of calm anew [P12]', () => {
  const { leader, said, round, moved, at } = table();
  round();
  at(10_000);
  said.set('b', member());
  round();
  at(39_000);
  said.set('c', member());
  expect(moved()).toEqual([]);
  expect(leader.balanceAt).toBe(69_000);
});

test('each round has a greater term than any member has heard of [P5]', () => {
  const { said, round } = table();
  expect(round().assignments.get('a')!.term).toBe(1);
  said.set('b', member({ term: 41 }));
  expect(round().assignments.get('b')!.term).toBe(42);
});

test('members that were given the same name are told apart, and each learns its own', () => {
  const { said, round } = table();
  said.set('b', member());
  said.set('c', member({ name: 'other' }));
  const { assignments } = round();
  expect([...assignments].map(([id, { name }]) => `${id} ${name}`)).toEqual(['a pub', 'b pub-2', 'c other']);
  expect(assignments.get('c')!.fleet.map(({ name }) => name)).toEqual(['pub', 'pub-2', 'other']);
});

test('a member whose words cannot be read is in the fleet and gets nothing', () => {
  const { leader, said } = table();
  const { assignments } = leader.lead(new Map([...said, ['z', null]]), 'a');
  expect(assignments.get('z')).toMatchObject({ name: 'unreadable', accounts: [] });
  expect(assignments.get('a')!.accounts).toHaveLength(ACCOUNTS.length);
});
