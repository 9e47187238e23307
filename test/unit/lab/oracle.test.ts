// The judge on trial: each promise is broken on purpose in a log that keeps them all, and has to be found.
import { beforeEach, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../../../lab/simulator/index.ts';
import type { OutMessage } from '../../../src/engine/ports.ts';
import { benchAccount } from '../../support/account.ts';
import { streamNamed, testCodec } from '../../support/codec.ts';
import { evidenceOf, judge, WatchedLog } from '../../support/oracle.ts';
import { START } from '../../support/simulated-harvest.ts';
import { Witness } from '../../support/witness.ts';

let now: number;
let simulator: Simulator;
let log: WatchedLog;
let witness: Witness;
beforeEach(async () => {
  now = START;
  const budgets = { general: null, reports: null };
  simulator = createSimulator({ timeEntries: 60, years: 0.2, now: () => now, budgets });
  log = new WatchedLog(simulator);
  witness = new Witness(simulator);
  await benchAccount(simulator, log).catchUp();
});

const verdict = () => judge(simulator, evidenceOf(log), { witness });

/** Publishes what a faulty publisher would. */
function publish(...messages: readonly OutMessage[]): void {
  log.append({ messages, rows: new Map(), deadLetters: [], notifications: [], signalsDone: [] });
}

const lastOf = (stream: string): OutMessage => log.topics.get(stream)!.at(-1)!;
const tombstoneOf = (stream: string): OutMessage => ({ ...lastOf(stream), value: null, op: 'd', sourceTsMs: null });

test('topics that are as they should be are found to be so, while a timer runs on', async () => {
  expect(simulator.truth('time_entries').some(({ is_running }) => is_running)).toBe(true);
  const { differences, falseChanges, falseDeletions, rows } = await verdict();
  expect({ differences, falseChanges, falseDeletions }).toEqual({
    differences: [],
    falseChanges: [],
    falseDeletions: [],
  });
  expect(rows.time_entries).toBe(simulator.data.time_entries.size);
  now += 3_600_000;
  const later = await judge(simulator, evidenceOf(log), { streams: ['time_entries'] });
  expect(later.differences).toEqual([]);
});

describe('P1: it finds', () => {
  test('a row that is missing, one that is left over, and one that is stale [P1]', async () => {
    const { data } = simulator;
    log.topics.get('tasks')!.pop();
    data.contacts.delete(data.contacts.all().at(-1)!.id);
    data.clients.update(data.clients.all()[0]!.id, { address: 'moved away' });
    const { differences } = await verdict();
    // The stale one differs in its updated_at as well.
    expect(differences).toHaveLength(4);
    expect(differences.filter((each) => /^tasks \d+: in Harvest/.test(each))).toHaveLength(1);
    expect(differences.filter((each) => /^contacts \d+: on the topic/.test(each))).toHaveLength(1);
    expect(differences.filter((each) => /^clients \d+\.address: Harvest says "moved away"/.test(each))).toHaveLength(1);
  });
});

describe('P2 and P3: it finds', () => {
  test('a value that is published again [P2]', async () => {
    publish(lastOf('clients'));
    expect((await verdict()).falseChanges).toEqual([expect.stringContaining('the same value again')]);
  });

  test('a tombstone for what never was, and one after another [P2]', async () => {
    const stranger = { ...tombstoneOf('clients'), key: keyOf('clients', 1) };
    publish(stranger, tombstoneOf('clients'), tombstoneOf('clients'));
    expect((await verdict()).falseChanges).toHaveLength(2);
  });

  test('an older version after a newer one, a tombstone in between notwithstanding [P3]', async () => {
    const last = lastOf('clients');
    const value = log.topics.get('clients')![0]!.value;
    publish(tombstoneOf('clients'), { ...last, value, sourceTsMs: last.sourceTsMs! - 1000 });
    expect((await verdict()).falseChanges).toEqual([expect.stringContaining('an older version')]);
  });
});

describe('P8: it finds', () => {
  test('a tombstone for what is still there, at the moment and afterwards, and its return [P8]', async () => {
    const last = lastOf('projects');
    publish(tombstoneOf('projects'));
    publish(last);
    const { falseDeletions } = await verdict();
    expect(falseDeletions).toEqual([
      expect.stringContaining('which Harvest has not lost'),
      expect.stringContaining('back after its tombstone'),
    ]);
    expect(log.early).toHaveLength(1);
  });

  test('a tombstone that comes before the deletion [P8]', async () => {
    const { id } = simulator.data.roles.all()[0]!;
    const message = log.topics.get('roles')!.find(({ key }) => key.equals(keyOf('roles', id)))!;
    publish({ ...message, value: null, op: 'd' });
    simulator.data.roles.delete(id);
    expect((await verdict()).falseDeletions).toEqual([]);
    expect(log.early).toEqual([`roles ${id}`]);
  });

  test.each(['time_clients', 'project_assignments', 'project_budget'])(
    'a %s row that never left [P8]',
    async (stream) => {
      publish(tombstoneOf(stream));
      expect((await verdict()).falseDeletions).toHaveLength(1);
    },
  );

  test('nothing where a row did leave, as an answer showed', async () => {
    const { data } = simulator;
    const assignment = data.user_assignments
      .all()
      .filter(({ is_active, project_id }) => is_active && data.projects.expect(project_id).is_active)
      .at(-1)!;
    const message = log.topics
      .get('project_assignments')!
      .find(({ key }) => key.equals(keyOf('project_assignments', assignment.id)))!;
    data.user_assignments.update(assignment.id, { is_active: false });
    ask(`/v2/users/${assignment.user_id}/project_assignments`);
    data.user_assignments.update(assignment.id, { is_active: true });
    publish({ ...message, value: null, op: 'd' });
    expect((await verdict()).falseDeletions).toEqual([]);
  });

  test('a tombstone for what a role only hides [P8]', async () => {
    simulator.settings.role = 'member';
    const { from, to } = simulator.windows().at(-1)!;
    ask(`/v2/reports/time/clients?from=${from}&to=${to}`);
    simulator.settings.role = 'administrator';
    publish(tombstoneOf('time_clients'));
    expect((await verdict()).falseDeletions).toHaveLength(1);
  });
});

/** Asks as a client does, so that the witness sees the answer. */
function ask(path: string): void {
  const outcome = simulator.handle({
    method: 'GET',
    url: path,
    headers: {
      authorization: `Bearer ${simulator.token}`,
      'harvest-account-id': String(simulator.accountId),
      'user-agent': 'oracle tests (https://example.com)',
    },
  });
  expect(outcome).toMatchObject({ status: 200 });
}

const keyOf = (stream: string, id: number): Buffer => testCodec().key(streamNamed(stream), id);
