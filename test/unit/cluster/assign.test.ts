// Laws of the assignment: whatever the members say, each account has one owner that can run it, and none moves without a cause.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Assigned, assign } from '../../../src/cluster/assign.ts';
import { type Metadata, SHAPE } from '../../../src/cluster/protocol.ts';

const ACCOUNTS = Array.from({ length: 12 }, (_, at) => String(100 + at));

function member(said: Partial<Metadata> = {}): Metadata {
  return {
    ...{ v: SHAPE, name: 'pub', zone: '', version: '0', url: '', leaving: false, term: 0 },
    ...{ accounts: ACCOUNTS, claims: [], weight: {} },
    ...said,
  };
}

const metadata = fc
  .record({
    accounts: fc.subarray(ACCOUNTS, { minLength: 6 }),
    claims: fc.uniqueArray(fc.tuple(fc.constantFrom(...ACCOUNTS), fc.integer({ min: 1, max: 9 })), {
      selector: ([account]) => account,
    }),
    leaving: fc.boolean(),
    zone: fc.constantFrom('a', 'b'),
    weight: fc.dictionary(fc.constantFrom(...ACCOUNTS), fc.integer({ min: 1, max: 5 })),
  })
  .map(member);
const members = fc
  .array(metadata, { minLength: 1, maxLength: 5 })
  .map((all) => new Map(all.map((each, at) => [`m${at}`, each])));

function ownersOf({ shares }: Assigned): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const [id, { accounts }] of shares) {
    for (const { account } of accounts) owners.set(account, [...(owners.get(account) ?? []), id]);
  }
  return owners;
}

/** The same members in the next round, each claiming what it was given. */
function after(all: ReadonlyMap<string, Metadata>, { shares }: Assigned, term: number): Map<string, Metadata> {
  return new Map(
    [...all].map(([id, said]) => {
      const claims = shares.get(id)!.accounts.map(({ account }) => [account, term] as const);
      return [id, { ...said, term, claims }];
    }),
  );
}

const loadOf = ({ shares }: Assigned, id: string) => shares.get(id)!.accounts.length;

describe('an assignment', () => {
  test('gives each account that a staying member has to exactly one such member, and names the others [P11]', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 5 }), (all, moves) => {
        const assigned = assign(all, moves);
        const owners = ownersOf(assigned);
        for (const account of new Set([...all.values()].flatMap(({ accounts }) => accounts))) {
          const capable = [...all].filter(([, said]) => !said.leaving && said.accounts.includes(account));
          const given = owners.get(account) ?? [];
          expect(given.length).toBe(capable.length > 0 ? 1 : 0);
          for (const id of given) expect(capable.map(([each]) => each)).toContain(id);
          expect(assigned.unassigned.some((each) => each.account === account)).toBe(capable.length === 0);
        }
      }),
    );
  });

  test('leaves an account with whoever claims it under the greatest term and can go on running it [P12]', () => {
    fc.assert(
      fc.property(members, (all) => {
        const owners = ownersOf(assign(all, 0));
        for (const account of ACCOUNTS) {
          const claims = [...all].flatMap(([id, { claims }]) =>
            claims.filter(([claimed]) => claimed === account).map(([, term]) => ({ id, term })),
          );
          const greatest = Math.max(...claims.map(({ term }) => term));
          const winner = claims.filter(({ term }) => term === greatest).sort((a, b) => (a.id < b.id ? -1 : 1))[0];
          if (winner === undefined) continue;
          const { leaving, accounts } = all.get(winner.id)!;
          if (!leaving && accounts.includes(account)) expect(owners.get(account)).toEqual([winner.id]);
        }
      }),
    );
  });

  test('of a round in which a member left moves its accounts and no others [P12]', () => {
    fc.assert(
      fc.property(members, fc.nat(4), fc.boolean(), (all, which, vanishes) => {
        const first = assign(all, 0);
        const said = after(all, first, 10);
        const leaver = [...said.keys()][which % said.size]!;
        if (vanishes) said.delete(leaver);
        else said.set(leaver, { ...said.get(leaver)!, leaving: true });
        const before = ownersOf(first);
        for (const [account, [owner]] of ownersOf(assign(said, 0))) {
          const [earlier] = before.get(account) ?? [];
          if (earlier !== undefined && earlier !== leaver && owner !== earlier) {
            throw new Error(`${account} moved from ${earlier} to ${owner}, and ${leaver} left`);
          }
        }
      }),
    );
  });

  test('is the same whoever makes it, in whatever order the members come', () => {
    fc.assert(
      fc.property(members, fc.nat(5), (all, moves) => {
        const turned = new Map([...all].reverse());
        const told = (assigned: Assigned) => JSON.stringify([...assigned.shares].sort(([a], [b]) => (a < b ? -1 : 1)));
        expect(told(assign(turned, moves))).toBe(told(assign(all, moves)));
      }),
    );
  });

  test('evens loads in as many rounds as its moves take, so many at once, and then rests [P12]', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), (atOnce, newcomers) => {
        let all = new Map([['m0', member({ claims: ACCOUNTS.map((account) => [account, 1] as const) })]]);
        for (let at = 1; at <= newcomers; at++) all.set(`m${at}`, member());
        const share = Math.floor(ACCOUNTS.length / (newcomers + 1));
        const needed = ACCOUNTS.length - share;
        let rounds = 0;
        for (;;) {
          const assigned = assign(all, atOnce);
          const moved = [...assigned.shares.values()].flatMap(({ accounts }) => accounts).filter(({ from }) => from);
          if (moved.length === 0) break;
          expect(moved.length).toBeLessThanOrEqual(atOnce);
          for (const { from } of moved) expect(from).toBe('m0');
          rounds++;
          all = after(all, assigned, rounds + 1);
        }
        expect(rounds).toBeLessThanOrEqual(Math.ceil(needed / atOnce));
        const loads = [...all.keys()].map((id) => loadOf(assign(all, 0), id));
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('gives what a member of zone a ran to one of zone b, of two that have equally much', () => {
    const gone = member({ zone: 'a', leaving: true, accounts: ['1'], claims: [['1', 3]] });
    const all = new Map([
      ['m0', gone],
      ['m1', member({ zone: 'a', accounts: ['1'] })],
      ['m2', member({ zone: 'b', accounts: ['1'] })],
    ]);
    expect(assign(all, 0).shares.get('m2')!.accounts).toEqual([{ account: '1', from: 'm0' }]);
    const vanished = new Map([...all].filter(([id]) => id !== 'm0'));
    const memory = { zones: new Map([['1', 'a']]), weights: new Map() };
    expect(assign(vanished, 0, memory).shares.get('m2')!.accounts).toEqual([{ account: '1', from: null }]);
  });

  test('moves an account where a person wants it, from its owner, and nowhere else', () => {
    const all = new Map([
      ['m0', member({ accounts: ['1', '2'], claims: [['1', 3] as const, ['2', 3] as const] })],
      ['m1', member({ accounts: ['1'] })],
    ]);
    const wish = (account: string, to: string) => assign(all, 0, undefined, new Map([[account, to]])).shares;
    expect(wish('1', 'm1').get('m1')!.accounts).toEqual([{ account: '1', from: 'm0' }]);
    // One that does not have it, is where it should be, or is not there.
    for (const [account, to] of [
      ['2', 'm1'],
      ['1', 'm0'],
      ['1', 'm9'],
    ] as const) {
      expect(
        wish(account, to)
          .get('m0')!
          .accounts.map((each) => each.account),
      ).toEqual(['1', '2']);
    }
  });

  test('names an account that two members claim under one term, and leaves it with one of them', () => {
    const claims = [['100', 7]] as const;
    const all = new Map([
      ['m1', member({ claims })],
      ['m0', member({ claims })],
    ]);
    const assigned = assign(all, 0);
    expect(assigned.disputed).toEqual(['100']);
    expect(ownersOf(assigned).get('100')).toEqual(['m0']);
  });
});
