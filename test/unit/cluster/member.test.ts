// Members of a group in virtual time, with a coordinator that goes away, forgets and evicts: whatever happened, once it is calm each
// account has exactly one owner, and what did not have to move has not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Leader } from '../../../src/cluster/leader.ts';
import { type Cause, Member, type MemberEvent } from '../../../src/cluster/member.ts';
import type { Assignment } from '../../../src/cluster/protocol.ts';
import { GroupDouble } from '../../support/group-double.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const ACCOUNTS = Array.from({ length: 8 }, (_, at) => String(100 + at));
const SESSION_MS = 10_000;

class Table {
  readonly clock = new VirtualClock();
  readonly group = new GroupDouble(this.clock, SESSION_MS);
  mates: Mate[] = [];

  sit(balanceAfterMs = 600_000): Mate {
    const mate = new Mate(this, `pub-${this.mates.length}`, balanceAfterMs);
    this.mates.push(mate);
    return mate;
  }

  /** Owners by account, of what living members believe. */
  owners(): Map<string, string[]> {
    const owners = new Map<string, string[]>();
    for (const { accounts, name } of this.mates)
      for (const account of accounts) owners.set(account, [...(owners.get(account) ?? []), name]);
    return owners;
  }
}

class Mate {
  readonly name: string;
  readonly member: Member;
  readonly events: MemberEvent[] = [];
  readonly #table: Table;
  readonly #link;
  assignment: Assignment | null = null;
  memberId = '';

  constructor(table: Table, name: string, balanceAfterMs: number) {
    const { clock, group } = table;
    this.#table = table;
    this.name = name;
    this.#link = group.link();
    this.member = new Member({
      coordinator: this.#link,
      leader: new Leader({ balanceAfterMs, movesAtOnce: 2, pauseMs: 1_000 }, clock),
      ...{ self: { name, zone: '', url: '', version: '0' }, groupId: 'g', brokers: 'b:9092' },
      ...{ heartbeatMs: 500, clock, random: () => 0.5 },
      emit: (event) => this.#hear(event),
    });
    this.member.setAccounts(ACCOUNTS, {});
    void this.member.run();
  }

  get accounts(): string[] {
    return this.assignment?.accounts.map(([account]) => account) ?? [];
  }

  get causes(): Cause[] {
    return this.events.flatMap((event) => (event.name === 'assigned' ? [event.cause] : []));
  }

  has(name: MemberEvent['name']): boolean {
    return this.events.some((event) => event.name === name);
  }

  /** SIGKILL. */
  kill(): void {
    this.#link.cut();
    this.#table.mates = this.#table.mates.filter((mate) => mate !== this);
  }

  /** SIGTERM, once its accounts are closed. */
  async leave(): Promise<void> {
    this.member.leaving();
    await this.#table.clock.pass(1_000);
    this.member.goodbye();
    this.#table.mates = this.#table.mates.filter((mate) => mate !== this);
  }

  #hear(event: MemberEvent): void {
    if (event.name !== 'beat') this.events.push(event);
    if (event.name === 'evicted') this.assignment = null;
    if (event.name !== 'assigned') return;
    this.assignment = event.assignment;
    this.memberId = event.memberId;
  }
}

test('an account is owned again within the session time-out of its dead owner and a heartbeat [P11]', async () => {
  const table = new Table();
  const [dead, other] = [table.sit(), table.sit()];
  await table.clock.pass(2_000);
  dead.kill();
  await table.clock.pass(SESSION_MS - 1_000);
  expect(other.accounts).toHaveLength(ACCOUNTS.length / 2);
  await table.clock.pass(2_500);
  expect(other.accounts).toHaveLength(ACCOUNTS.length);
});

test('an owner that says good-bye is replaced within two heartbeats, and its accounts are told to come from it [P11 P12]', async () => {
  const table = new Table();
  const first = table.sit();
  await table.clock.pass(1_000);
  const second = table.sit();
  await table.clock.pass(1_000);
  first.member.leaving();
  await table.clock.pass(1_000);
  expect(second.assignment!.accounts).toEqual(ACCOUNTS.map((account) => [account, 'pub-0']));
  expect(first.accounts).toEqual([]);
});

test('a member that goes while it joins for the first time is not waited for by the others [P11]', async () => {
  const table = new Table();
  const first = table.sit();
  // Between two of its heartbeats.
  await table.clock.pass(1_200);
  const gone = table.sit();
  await table.clock.pass(100);
  gone.member.goodbye();
  const next = table.sit();
  await table.clock.pass(2_000);
  expect(gone.causes).toEqual([]);
  expect([first, next].map(({ assignment }) => assignment!.fleet.map(({ name }) => name))).toEqual([
    ['pub-0', 'pub-2'],
    ['pub-0', 'pub-2'],
  ]);
});

test('a coordinator that is away for longer than the session moves nothing [P12]', async () => {
  const table = new Table();
  const mates = [table.sit(0), table.sit(0)];
  await table.clock.pass(60_000);
  const before = mates.map(({ accounts }) => accounts);
  const rounds = mates.map(({ causes }) => causes.length);
  table.group.goAway();
  await table.clock.pass(3 * SESSION_MS);
  table.group.comeBack();
  await table.clock.pass(SESSION_MS);
  expect(before.map(({ length }) => length)).toEqual([4, 4]);
  expect(mates.map(({ accounts }) => accounts)).toEqual(before);
  expect(mates.map(({ causes }) => causes.length)).toEqual(rounds);
  expect(mates.map((mate) => [mate.has('away'), mate.has('back'), mate.has('evicted')])).toEqual([
    [true, true, false],
    [true, true, false],
  ]);
});

test('a member that was evicted claims nothing: whoever got its accounts keeps them [P12]', async () => {
  const table = new Table();
  const first = table.sit();
  await table.clock.pass(1_000);
  const second = table.sit();
  await table.clock.pass(1_000);
  table.group.evict(first.memberId);
  await table.clock.pass(SESSION_MS);
  expect(first.has('evicted')).toBe(true);
  expect(first.causes.at(-1)).toBe('evicted');
  expect([first.accounts, second.accounts]).toEqual([[], ACCOUNTS]);
});

test('terms go on above those of before when the group was forgotten meanwhile [P5]', async () => {
  const table = new Table();
  const first = table.sit();
  await table.clock.pass(1_000);
  first.member.lost('100');
  await table.clock.pass(1_000);
  const before = first.assignment!.term;
  table.group.forget();
  await table.clock.pass(5_000);
  expect(first.assignment!.term).toBeGreaterThan(before);
  expect(first.accounts).toHaveLength(ACCOUNTS.length);
});

test('an account that a person wants on another member goes there by its name, and is asked for in one round only', async () => {
  const table = new Table();
  const first = table.sit();
  await table.clock.pass(1_000);
  const second = table.sit();
  await table.clock.pass(1_000);
  first.member.move('103', 'pub-1');
  await table.clock.pass(1_000);
  expect(second.assignment!.accounts).toEqual([['103', 'pub-0']]);
  second.member.move('103', 'pub-0');
  await table.clock.pass(1_000);
  expect([first.accounts.length, second.accounts.length]).toEqual([ACCOUNTS.length, 0]);
});

test('a second wish for an account, while the round of the first goes on, is carried out as well', async () => {
  const table = new Table();
  const [first, second, third] = [table.sit(), table.sit(), table.sit()];
  await table.clock.pass(2_000);
  const account = first.accounts[0]!;
  first.member.move(account, 'pub-1');
  await table.clock.pass(20);
  first.member.move(account, 'pub-2');
  await table.clock.pass(3_000);
  expect([second.accounts.includes(account), third.accounts.includes(account)]).toEqual([false, true]);
});

test('a member whose main loop stands still gives everything away, and gets nothing until that goes on [P11]', async () => {
  const table = new Table();
  const first = table.sit();
  await table.clock.pass(1_000);
  const second = table.sit();
  await table.clock.pass(1_000);
  first.member.suspend();
  await table.clock.pass(2_000);
  expect([first.accounts, second.accounts]).toEqual([[], ACCOUNTS]);
  second.kill();
  await table.clock.pass(3 * SESSION_MS);
  expect(first.accounts).toEqual([]);
  first.member.resume();
  await table.clock.pass(SESSION_MS);
  expect(first.accounts).toEqual(ACCOUNTS);
});

describe('whatever happens', () => {
  const happening = fc.record({
    what: fc.constantFrom('sit', 'kill', 'leave', 'evict', 'away', 'back', 'lost', 'suspend', 'resume', 'forget'),
    who: fc.nat(9),
    thenMs: fc.integer({ min: 0, max: 15_000 }),
  });

  test('once it is calm each account has exactly one owner, who agrees with all others on it [P11 P12]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 14 }), async (happenings) => {
        const table = new Table();
        table.sit(5_000);
        for (const { what, who, thenMs } of happenings) {
          const mate = table.mates[who % table.mates.length];
          if (what === 'sit' && table.mates.length < 4) table.sit(5_000);
          if (what === 'away') table.group.goAway();
          if (what === 'back') table.group.comeBack();
          if (what === 'forget') table.group.forget();
          if (what === 'kill') mate?.kill();
          if (what === 'leave') await mate?.leave();
          if (what === 'evict' && mate) table.group.evict(mate.memberId);
          if (what === 'lost' && mate?.accounts[0]) mate.member.lost(mate.accounts[0]);
          if (what === 'suspend') mate?.member.suspend();
          if (what === 'resume') mate?.member.resume();
          await table.clock.pass(thenMs);
        }
        table.group.comeBack();
        for (const { member } of table.mates) member.resume();
        if (table.mates.length === 0) table.sit(5_000);
        await table.clock.pass(2 * SESSION_MS + 60_000);
        const owners = table.owners();
        expect([...owners.keys()].sort()).toEqual(ACCOUNTS);
        expect([...owners.values()].filter(({ length }) => length !== 1)).toEqual([]);
        expect(new Set(table.mates.map(({ assignment }) => assignment?.term)).size).toBe(1);
        const loads = table.mates.map(({ accounts }) => accounts.length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });
});
