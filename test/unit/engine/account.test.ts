// The real engine, client, codec and index against the simulator in process and a log with Kafka's transactions in memory.
import { describe, expect, test } from 'vitest';
import { mutate, seededRandom } from '../../../lab/simulator/index.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { account, benchAccount, falseChanges, named, viewDifferences } from '../../support/account.ts';
import { clockFrom } from '../../support/epoch.ts';
import { MemoryLog } from '../../support/memory-log.ts';

describe('catching up once', () => {
  test('makes the log equal to Harvest, all streams, every row a first read [P1]', async () => {
    const { simulator } = account();
    const log = new MemoryLog();
    await benchAccount(simulator, log).catchUp();
    expect(await viewDifferences(simulator, log)).toEqual([]);
    expect(log.topics.size).toBe(catalog.length);
    expect(new Set(log.history.map(({ op }) => op))).toEqual(new Set(['r']));
  });

  test('publishes nothing the second time [P2]', async () => {
    const { simulator } = account();
    const log = new MemoryLog();
    await benchAccount(simulator, log).catchUp();
    const before = log.history.length;
    await benchAccount(simulator, log).catchUp();
    expect(log.history).toHaveLength(before);
  });

  test('publishes what changed, as updates and creations, children of changed parents included', async () => {
    const { simulator, pass } = account();
    const log = new MemoryLog();
    await benchAccount(simulator, log).catchUp();
    const before = log.history.length;
    pass(10_000);
    const [client] = simulator.data.clients.all();
    const [invoice] = simulator.data.invoices.all().filter(({ state }) => state === 'open');
    simulator.data.clients.update(client!.id, { address: 'moved away' });
    simulator.data.clients.create({ name: 'A new one' });
    simulator.data.invoice_payments.create({ invoice_id: invoice!.id, amount: 0.01 });
    await benchAccount(simulator, log).catchUp();
    const published = log.history.slice(before).map(({ stream, op }) => `${op} ${stream}`);
    expect(published).toEqual(expect.arrayContaining(['u clients', 'c clients', 'u invoices', 'c invoice_payments']));
    expect(await viewDifferences(simulator, log, ['clients', 'invoices', 'invoice_payments'])).toEqual([]);
  });
});

describe('commits whose outcome is unknown [P4]', () => {
  test.each([1, 2, 3, 4, 5])('lead to the same log, with nothing twice (seed %i) [P2]', async (seed) => {
    const { simulator } = account({ seed });
    const log = new MemoryLog();
    const random = seededRandom(seed);
    const bench = benchAccount(simulator, log);
    bench.sink.fate = () => (random() < 0.15 ? 'lost' : random() < 0.15 ? 'reply lost' : 'acknowledged');
    await bench.catchUp();
    expect(named(bench.events, 'account.waiting').length).toBeGreaterThan(3);
    expect(named(bench.events, 'commit.doubted').length).toBeGreaterThan(3);
    expect(await viewDifferences(simulator, log)).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
  });

  test('and processes that die at any moment leave no gap and repeat nothing [P2]', async () => {
    const { simulator } = account();
    const log = new MemoryLog();
    for (const commits of [1, 2, 5, 9, 14]) {
      const bench = benchAccount(simulator, log);
      let left = commits;
      const death = new AbortController();
      bench.sink.fate = () => {
        if (left-- > 0) return 'acknowledged';
        death.abort();
        return left % 2 ? 'lost' : 'reply lost';
      };
      await bench.account.run(death.signal).catch(() => {});
    }
    await benchAccount(simulator, log).catchUp();
    expect(await viewDifferences(simulator, log)).toEqual([]);
    expect(falseChanges(log)).toEqual([]);
  });
});

test('a walk that was interrupted goes on at its page [P4]', async () => {
  const { simulator } = account({ timeEntries: 9_000 });
  const log = new MemoryLog();
  const first = benchAccount(simulator, log, { streams: ['time_entries'] });
  const death = new AbortController();
  let pages = 0;
  first.sink.fate = () => {
    if (log.topics.has('time_entries') && ++pages === 2) death.abort();
    return 'acknowledged';
  };
  await first.account.run(death.signal);
  const asked = simulator.log.all().length;
  await benchAccount(simulator, log, { streams: ['time_entries'] }).catchUp();
  const paths = simulator.log
    .all()
    .slice(asked)
    .map(({ target }) => target);
  expect(paths[0]).toMatch(/page=[34]/);
  expect(await viewDifferences(simulator, log, ['time_entries'])).toEqual([]);
});

describe('a stream that is refused', () => {
  test('stands still with reason and remedy, the others run [P9]', async () => {
    const { simulator } = account();
    const restore = simulator.faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 403 } });
    const log = new MemoryLog();
    const bench = benchAccount(simulator, log);
    await bench.catchUp();
    const status = bench.account.status().streams.find(({ stream }) => stream === 'tasks')!;
    expect(status).toMatchObject({ state: 'FORBIDDEN', complete: false, rows: 0, cursor: null });
    expect(status.remedy).toContain('Administrator');
    expect(status.nextProbeAt).not.toBeNull();
    const others = bench.account.status().streams.filter(({ stream }) => stream !== 'tasks');
    expect(others.every(({ complete }) => complete)).toBe(true);
    expect(log.notifications.map(({ body }) => body)).toContainEqual(
      expect.objectContaining({ event: 'stream.changed', stream: 'tasks', to: 'FORBIDDEN' }),
    );

    restore();
    const later = benchAccount(simulator, log);
    await later.catchUp();
    expect(named(later.events, 'stream.changed')).toContainEqual(
      expect.objectContaining({ stream: 'tasks', from: 'FORBIDDEN', to: 'RUNNING' }),
    );
    expect(await viewDifferences(simulator, log, ['tasks'])).toEqual([]);
  });

  test('takes its children along, and nothing is deleted [P8]', async () => {
    const { simulator } = account();
    const log = new MemoryLog();
    await benchAccount(simulator, log).catchUp();
    const before = log.history.length;
    simulator.faults.add({ match: { path: '/users' }, do: { kind: 'status', status: 403 } });
    const bench = benchAccount(simulator, log);
    await bench.catchUp();
    const states = Object.fromEntries(bench.account.status().streams.map(({ stream, state }) => [stream, state]));
    expect(states).toMatchObject({ users: 'FORBIDDEN', cost_rates: 'FORBIDDEN', clients: 'RUNNING' });
    expect(log.history).toHaveLength(before);
  });

  test('is not asked without pause when its probe meets an error of the server', async () => {
    const { simulator } = account();
    const restore = simulator.faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 403 } });
    const log = new MemoryLog();
    await benchAccount(simulator, log).catchUp();
    restore();
    simulator.faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 500 } });
    const before = simulator.log.all().length;
    const bench = benchAccount(simulator, log, { streams: ['tasks'], chance: 0.5 });
    await bench.catchUp();
    // One probe, with the client's own few tries.
    expect(simulator.log.all().length - before).toBeLessThanOrEqual(4);
    expect(bench.account.status().streams[0]).toMatchObject({ state: 'FORBIDDEN', retrying: { attempt: 1 } });
  });

  test('by 422 is blocked, and says what Harvest said [P9]', async () => {
    const { simulator } = account();
    simulator.faults.add({
      match: { stream: 'tasks' },
      do: { kind: 'status', status: 422, body: '{"message":"per_page is out of range"}' },
    });
    const bench = benchAccount(simulator, new MemoryLog());
    await bench.catchUp();
    const status = bench.account.status().streams.find(({ stream }) => stream === 'tasks')!;
    expect(status.state).toBe('BLOCKED');
    expect(status.reason).toContain('per_page is out of range');
  });
});

test('streams of a module that is off stand still until it is on [P1]', async () => {
  const { simulator, pass } = account();
  simulator.data.company.expense_feature = false;
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log);
  await bench.catchUp();
  const off = bench.account.status().streams.filter(({ state }) => state === 'FEATURE_OFF');
  expect(off.map(({ stream }) => stream)).toEqual(
    expect.arrayContaining(['expenses', 'expense_categories', 'expenses_team']),
  );
  expect(log.topics.has('expenses')).toBe(false);

  simulator.data.company.expense_feature = true;
  pass(1_000);
  await benchAccount(simulator, log).catchUp();
  expect(await viewDifferences(simulator, log)).toEqual([]);
});

test('a revoked token stops the account with its own exit code [P9]', async () => {
  const { simulator } = account();
  simulator.faults.add({ do: { kind: 'revoke-tokens' } });
  const bench = benchAccount(simulator, new MemoryLog());
  await expect(bench.catchUp()).rejects.toMatchObject({ code: 'harvest.unauthorised', exitCode: 77 });
  expect(bench.account.status()).toMatchObject({ phase: 'stopped' });
});

test('the older of two instances stops with its own exit code, and what it had in hand is not written [P5]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  const older = benchAccount(simulator, log);
  let takenOver: Promise<void> | null = null;
  older.sink.fate = () => {
    takenOver ??= benchAccount(simulator, log).catchUp();
    return 'acknowledged';
  };
  await expect(older.catchUp()).rejects.toMatchObject({ code: 'kafka.fenced', exitCode: 79 });
  await takenOver;
  expect(await viewDifferences(simulator, log)).toEqual([]);
  expect(falseChanges(log)).toEqual([]);
});

test('a topic that was emptied is noticed, said and refilled; the others are left alone [P1]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  await benchAccount(simulator, log).catchUp();
  const before = log.topics.get('projects')!.length;
  log.empty('clients');
  const bench = benchAccount(simulator, log);
  await bench.catchUp();
  expect(named(bench.events, 'topic.refilled').map(({ stream }) => stream)).toEqual(['clients']);
  expect(await viewDifferences(simulator, log)).toEqual([]);
  expect(log.topics.get('projects')).toHaveLength(before);
});

test('a lost state topic is rebuilt without publishing anything again [P1]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  await benchAccount(simulator, log).catchUp();
  const before = log.history.length;
  log.rows.clear();
  await benchAccount(simulator, log).catchUp();
  expect(log.history).toHaveLength(before);
  expect(log.rows.get('time_entries')).toMatchObject({ complete: true });
});

test('a record that does not convert goes to the dead letters once, and stops nothing [P7]', async () => {
  const { simulator } = account();
  const [task] = simulator.data.tasks.all();
  simulator.data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  const log = new MemoryLog();
  await benchAccount(simulator, log).catchUp();
  await benchAccount(simulator, log).catchUp();
  expect(log.deadLetters).toHaveLength(1);
  expect(log.deadLetters[0]).toMatchObject({ stream: 'tasks', key: String(task!.id) });
  expect(JSON.parse(log.deadLetters[0]!.value)).toMatchObject({ billable_by_default: 'perhaps' });
  const others = simulator.truth('tasks').length - 1;
  expect(log.compacted('tasks').size).toBe(others);
});

test('a record that is too large for its topic goes to the dead letters, and stops nothing [P7]', async () => {
  const { simulator } = account();
  const [project] = simulator.data.projects.all();
  simulator.data.projects.update(project!.id, { notes: 'x'.repeat(5_000) });
  const log = new MemoryLog();
  log.maxValueBytes.set('projects', 4_000);
  const bench = benchAccount(simulator, log);
  await bench.catchUp();
  expect(log.deadLetters.map(({ stream, key }) => `${stream} ${key}`)).toEqual([`projects ${project!.id}`]);
  expect(log.deadLetters[0]!.error.message).toContain('its topic takes 4000');
  expect(log.compacted('projects').size).toBe(simulator.truth('projects').length - 1);
});

test('members that the schema does not know travel in _extra and are announced once [P7]', async () => {
  const { simulator } = account({ settings: { unknownMembers: { vat_id: 'ATU1', flags: { beta: true } } } });
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log, { streams: ['clients'] });
  await bench.catchUp();
  expect(named(bench.events, 'drift.seen').length).toBeGreaterThan(0);
  expect(await viewDifferences(simulator, log, ['clients'])).toEqual([]);
  const again = benchAccount(simulator, log, { streams: ['clients'] });
  await again.catchUp();
  expect(named(again.events, 'drift.seen')).toEqual([]);
});

test('requests that keep failing are repeated, said, and do not hold up the others [P9]', async () => {
  const { simulator } = account();
  simulator.faults.add({ match: { stream: 'tasks', times: 6 }, do: { kind: 'status', status: 500 } });
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log);
  await bench.catchUp();
  expect(named(bench.events, 'stream.retrying').map(({ stream }) => stream)).toContain('tasks');
  expect(await viewDifferences(simulator, log)).toEqual([]);
});

test('requests that never succeed end `run --once` after six tries, and the others are read [P9]', async () => {
  const { simulator } = account();
  simulator.faults.add({ match: { stream: 'tasks' }, do: { kind: 'status', status: 500 } });
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log);
  await expect(bench.catchUp()).rejects.toMatchObject({ code: 'harvest.server', exitCode: 75 });
  expect(named(bench.events, 'stream.retrying').at(-1)!.attempt).toBeGreaterThanOrEqual(6);
  expect(named(bench.events, 'account.opened')).toHaveLength(1);
  const others = catalog.map(({ name }) => name).filter((name) => name !== 'tasks');
  expect(await viewDifferences(simulator, log, others)).toEqual([]);
});

test('another report window replaces the rows of the old one [P8]', async () => {
  const { simulator } = account();
  const log = new MemoryLog();
  await benchAccount(simulator, log).catchUp();
  await benchAccount(simulator, log, { settings: { grain: 'year' } }).catchUp();
  const years = [...log.compacted('time_clients').values()];
  const totals = simulator.windows().length;
  expect(years.length).toBeGreaterThan(0);
  expect(years.length).toBeLessThan(totals * simulator.truth('clients').length);
  const rows = log.rows.get('time_clients') as { rows: number };
  expect(rows.rows).toBe(years.length);
});

test('a storm of changes between runs never publishes a value twice or an older one after a newer [P2 P3]', async () => {
  const { simulator, pass } = account();
  const log = new MemoryLog();
  const random = seededRandom(7);
  for (let round = 0; round < 8; round++) {
    await benchAccount(simulator, log).catchUp();
    for (let change = 0; change < 40; change++) {
      pass(1_000);
      mutate(simulator, random);
    }
  }
  expect(falseChanges(log)).toEqual([]);
});

test.each([
  ['Date runs ten minutes ahead', 600, 0],
  ['Date is ten minutes behind', -600, 0],
  ['our own clock runs ten minutes ahead', 0, 600],
  ['our own clock is ten minutes behind', 0, -600],
  ['our own clock is years behind', 0, -100_000_000],
])('a change is never left out because a clock is off: %s [P1]', async (_, dateOffsetSeconds, localSeconds) => {
  const { simulator, pass } = account({ settings: { dateOffsetSeconds } });
  const log = new MemoryLog();
  const clock = clockFrom(() => simulator.now() + localSeconds * 1000);
  const streams = ['company', 'clients'];
  await benchAccount(simulator, log, { streams, clock }).catchUp();
  pass(5_000);
  simulator.data.clients.create({ name: 'made while a clock was off' });
  await benchAccount(simulator, log, { streams, clock }).catchUp();
  expect(await viewDifferences(simulator, log, streams)).toEqual([]);
});
