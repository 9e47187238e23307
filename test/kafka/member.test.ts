// Members of a group on a real broker, each with a thread of its own: who has which account, and what moves when.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Broker } from '../../lab/stack/broker.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type Coordinator, createCoordinator } from '../../src/cluster/coordinator.ts';
import { type Group, type GroupEvent, joinGroup } from '../../src/cluster/group.ts';
import type { GroupSettings } from '../../src/cluster/messages.ts';
import { patientClient } from '../support/clients.ts';
import { brokerOfFile } from '../support/kafka.ts';
import { until } from '../support/patience.ts';
import { uniquePrefix } from '../support/stack.ts';

const ACCOUNTS = Array.from({ length: 12 }, (_, at) => String(100 + at));

let broker: Broker;
let discard = async () => {};
let groupId: string;
const members: Mate[] = [];

beforeAll(async () => {
  ({ broker, discard } = await brokerOfFile({ 'group.initial.rebalance.delay.ms': '0' }));
});
afterAll(() => discard());
beforeEach(() => {
  groupId = uniquePrefix();
});
afterEach(async () => {
  for (const { group } of members.splice(0)) await group.goodbye();
});

/** A member, and what it was told. */
class Mate {
  readonly events: GroupEvent[] = [];
  readonly group: Group;

  constructor(name: string, settings: Partial<GroupSettings> = {}, accounts = ACCOUNTS) {
    const kafka = { brokers: [broker.bootstrap], compression: 'none' as const };
    const listen = (event: GroupEvent) => this.events.push(event);
    const self = { name, zone: '', url: '', version: '0' };
    this.group = joinGroup(
      {
        ...{ groupId, self, sessionTimeoutMs: 6_000, heartbeatMs: 300, balanceAfterMs: 600_000 },
        ...{ movesAtOnce: 4, handOverMs: 500, stallMs: 60_000, ...settings },
      },
      kafka,
      { clock: systemClock, log: () => {}, listen },
    );
    this.group.setAccounts(accounts, {});
    members.push(this);
  }

  get rounds() {
    return this.events.filter((event) => event.name === 'assigned');
  }

  /** As the last assignment says. */
  get accounts(): string[] {
    return (this.rounds.at(-1)?.assignment.accounts ?? []).map(([account]) => account).sort();
  }

  get term(): number {
    return this.rounds.at(-1)?.assignment.term ?? 0;
  }

  has(name: GroupEvent['name']): boolean {
    return this.events.some((event) => event.name === name);
  }
}

const all = (...mates: readonly Mate[]) => mates.flatMap(({ accounts }) => accounts).sort();
/** Each has heard of the same round, and together they have every account. */
const agreed = (...mates: readonly Mate[]) =>
  until('the members agree', () => {
    const terms = new Set(mates.map(({ term }) => term));
    return terms.size === 1 && !terms.has(0) && all(...mates).join() === ACCOUNTS.join();
  });

test('the first member has all accounts; one that joins moves none until it is calm, then a few at a time [P12]', async () => {
  const first = new Mate('first', { balanceAfterMs: 500 });
  await agreed(first);
  const second = new Mate('second', { balanceAfterMs: 500 });
  await until('the loads are even', () => second.accounts.length === 6);
  await agreed(first, second);
  const moves = second.rounds.map(({ assignment }) => assignment.accounts.filter(([, from]) => from !== null).length);
  expect(Math.max(...moves)).toBe(4);
  expect(second.rounds[0]!.assignment.accounts).toEqual([]);
  expect(second.rounds.at(-1)!.assignment.accounts.every(([, from]) => from === 'first' || from === null)).toBe(true);
  expect(first.has('evicted')).toBe(false);
});

test('a member that leaves gives its accounts away and those of others stay; its successors are told whom to wait for [P12]', async () => {
  const first = new Mate('first');
  await agreed(first);
  const [second, third] = [new Mate('second'), new Mate('third')];
  await until('three members', () =>
    [first, second, third].every(({ rounds }) => rounds.at(-1)?.assignment.fleet.length === 3),
  );
  first.group.leaving();
  await until('nothing is left', () => first.accounts.length === 0);
  await agreed(second, third);
  expect([second.accounts.length, third.accounts.length]).toEqual([6, 6]);
  expect(second.rounds.at(-1)!.assignment.accounts.every(([, from]) => from === 'first')).toBe(true);
  const before = second.accounts;
  await first.group.goodbye();
  third.group.leaving();
  await until('all at one', () => second.accounts.length === ACCOUNTS.length);
  expect(second.accounts).toEqual(expect.arrayContaining(before));
});

test('a member that goes while it joins for the first time leaves no seat that the others wait for [P11]', async () => {
  const first = new Mate('first', { heartbeatMs: 4_000 });
  await agreed(first);
  const admin = patientClient(broker.bootstrap).admin();
  await admin.connect();
  const seats = async () => (await admin.describeGroups([groupId])).groups[0]!.members.length;
  // Until the first member beats its heart next, it does not know that another one joins.
  const gone = new Mate('gone');
  await until('it is waited for', async () => (await seats()) === 2);
  await gone.group.goodbye();
  expect(await seats()).toBe(1);
  await admin.disconnect();
});

test('a member that the coordinator has forgotten ends what it runs and joins again without claims [P5]', async () => {
  const loser = new Mate('loser');
  await agreed(loser);
  const other = new Mate('other');
  await until('two members', () => loser.rounds.at(-1)?.assignment.fleet.length === 2);
  const { term } = loser;
  await outsider().leave(loser.rounds.at(-1)!.memberId);
  await until('it is back', () => loser.rounds.at(-1)?.cause === 'evicted');
  expect(loser.events.find(({ name }) => name === 'evicted')).toMatchObject({ why: 'unknown to the coordinator' });
  await agreed(loser, other);
  expect(loser.term).toBeGreaterThan(term);
  // Nobody is asked to release what it ran, and what it has now it was given anew.
  const given = [loser, other].flatMap(({ rounds }) => rounds.at(-1)!.assignment.accounts);
  expect(given.filter(([, from]) => from !== null)).toEqual([]);
});

test('an account that a member lost comes back to somebody under a greater term than it has heard of [P5]', async () => {
  const only = new Mate('only');
  await agreed(only);
  only.group.heard(41);
  only.group.lost('105');
  await until('another round', () => only.term > 41);
  expect(only.term).toBe(42);
  await agreed(only);
});

test('a member whose main loop stands still leaves, and is back when that goes on [P11]', async () => {
  const first = new Mate('first', { stallMs: 900 });
  await agreed(first);
  const second = new Mate('second', { stallMs: 60_000 });
  await until('two members', () => second.rounds.length > 0);
  // As a loop that is busy with one thing: nothing of this thread runs meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000);
  await until('it hears of it', () => first.has('evicted'));
  expect(first.events.find(({ name }) => name === 'evicted')).toMatchObject({ why: 'the main loop stood still' });
  await until('the other has all', () => second.accounts.length === ACCOUNTS.length);
  await until('it is back', () => first.rounds.at(-1)?.cause === 'evicted');
});

test('a consumer with the id of the group is refused, and a member with the id of a group of consumers [P9]', async () => {
  const only = new Mate('only');
  await agreed(only);
  const consumer = patientClient({ brokers: [broker.bootstrap], retry: { retries: 0 } }).consumer({
    groupId,
    retry: { retries: 0 },
  });
  const crashed = new Promise<string>((resolve) => {
    consumer.on('consumer.crash', ({ payload }) => resolve(String(payload.error)));
  });
  await consumer.connect();
  await consumer.subscribe({ topic: '__consumer_offsets' });
  await consumer.run({ eachMessage: async () => {} }).catch(() => {});
  expect(await crashed).toMatch(/inconsistent|protocol/i);
  await consumer.disconnect();
  expect(only.has('evicted')).toBe(false);

  groupId = uniquePrefix();
  const proper = patientClient(broker.bootstrap).consumer({ groupId });
  await proper.connect();
  await proper.subscribe({ topic: '__consumer_offsets' });
  const joined = new Promise<void>((resolve) => proper.on('consumer.group_join', () => resolve()));
  await proper.run({ eachMessage: async () => {} });
  await joined;
  const refused = new Mate('refused');
  await until('it is refused', () => refused.has('refused'));
  expect(refused.events.find(({ name }) => name === 'refused')).toMatchObject({
    code: 'cluster.refused',
    reason: expect.stringContaining(groupId),
  });
  await proper.disconnect();
});

test('the broker of the coordinator is restarted: the members are told, and no account moves [P12]', async () => {
  const [first, second] = [new Mate('first', { balanceAfterMs: 100 }), new Mate('second', { balanceAfterMs: 100 })];
  await until('the loads are even', () => first.accounts.length === 6 && second.accounts.length === 6);
  await agreed(first, second);
  const before = [first.accounts, second.accounts];
  await broker.kill();
  await until('they notice', () => first.has('away') && second.has('away'));
  await broker.start();
  await until('they are back', () => first.has('back') && second.has('back'));
  expect([first.accounts, second.accounts]).toEqual(before);
  expect([first.has('evicted'), second.has('evicted')]).toEqual([false, false]);
});

function outsider(): Coordinator {
  const kafka = { brokers: [broker.bootstrap], compression: 'none' as const };
  return createCoordinator({ kafka, groupId, sessionTimeoutMs: 6_000, log: () => {} });
}
