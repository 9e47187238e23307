import { expect, test } from 'vitest';
import {
  createSimulator,
  type Mutation,
  mutate,
  type Simulator,
  seededRandom,
} from '../../../src/lab/simulator/index.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { START } from '../../support/simulated-harvest.ts';

const STEPS = 3000;

function storm(seed: number, each?: (simulator: Simulator, mutation: Mutation) => void): Simulator {
  let now = START;
  const simulator = createSimulator({ timeEntries: 400, now: () => now });
  const random = seededRandom(seed);
  for (let step = 0; step < STEPS; step++) {
    now += Math.floor(random() * 120_000);
    each?.(simulator, mutate(simulator, random));
  }
  return simulator;
}

/** Every reference of every row that leads nowhere. */
function dangling({ data }: Simulator): string[] {
  const found: string[] = [];
  const check = (from: string, id: number | null, table: { get(id: number | null): unknown }) => {
    if (id !== null && !table.get(id)) found.push(`${from} → ${id}`);
  };
  for (const row of data.contacts.all()) check(`contact ${row.id} client`, row.client_id, data.clients);
  for (const row of data.projects.all()) check(`project ${row.id} client`, row.client_id, data.clients);
  for (const row of data.roles.all()) for (const id of row.user_ids) check(`role ${row.id} user`, id, data.users);
  for (const noun of [data.billable_rates, data.cost_rates]) {
    for (const row of noun.all()) check(`rate ${row.id} user`, row.user_id, data.users);
  }
  for (const row of data.user_assignments.all()) {
    check(`user assignment ${row.id} user`, row.user_id, data.users);
    check(`user assignment ${row.id} project`, row.project_id, data.projects);
  }
  for (const row of data.task_assignments.all()) {
    check(`task assignment ${row.id} task`, row.task_id, data.tasks);
    check(`task assignment ${row.id} project`, row.project_id, data.projects);
  }
  for (const row of [...data.time_entries.all(), ...data.expenses.all()]) {
    check(`tracked ${row.id} user`, row.user_id, data.users);
    check(`tracked ${row.id} project`, row.project_id, data.projects);
    check(`tracked ${row.id} user assignment`, row.user_assignment_id, data.user_assignments);
    check(`tracked ${row.id} invoice`, row.invoice_id, data.invoices);
  }
  for (const row of data.time_entries.all()) {
    check(`entry ${row.id} task`, row.task_id, data.tasks);
    check(`entry ${row.id} task assignment`, row.task_assignment_id, data.task_assignments);
  }
  for (const row of data.expenses.all()) {
    check(`expense ${row.id} category`, row.expense_category_id, data.expense_categories);
  }
  for (const row of [...data.invoices.all(), ...data.estimates.all()]) {
    check(`document ${row.id} client`, row.client_id, data.clients);
    check(`document ${row.id} creator`, row.creator_id, data.users);
    for (const line of row.line_items) check(`line ${line.id} project`, line.project_id, data.projects);
  }
  for (const row of data.invoices.all()) check(`invoice ${row.id} estimate`, row.estimate_id, data.estimates);
  for (const row of data.invoice_messages.all()) check(`message ${row.id}`, row.invoice_id, data.invoices);
  for (const row of data.invoice_payments.all()) check(`payment ${row.id}`, row.invoice_id, data.invoices);
  for (const row of data.estimate_messages.all()) check(`message ${row.id}`, row.estimate_id, data.estimates);
  return found;
}

test.each([1, 2, 3])('3,000 changes leave no reference dangling and every stream readable (seed %i)', (seed) => {
  const simulator = storm(seed);
  expect(dangling(simulator)).toEqual([]);
  for (const { name, parent, kind } of catalog) {
    const scopes = parent
      ? simulator.parentIds(name).map((parentId) => ({ parentId }))
      : kind === 'report'
        ? simulator.months()
        : [{}];
    for (const scope of scopes) expect(() => simulator.truth(name, scope)).not.toThrow();
  }
});

test('a change tells what it did: created and edited records are there, deleted ones are not', () => {
  const kinds = new Map<string, number>();
  storm(4, ({ data }, { kind, stream, id, text }) => {
    kinds.set(`${kind} ${stream}`, (kinds.get(`${kind} ${stream}`) ?? 0) + 1);
    if (stream === 'company') return;
    const table = data[stream as 'clients'];
    expect(table.get(id) !== undefined, text).toBe(kind !== 'delete');
    if (kind !== 'delete') expect(table.find(id).updated_at, text).toBe(data.seconds());
  });
  const streams = new Set([...kinds.keys()].map((key) => key.split(' ')[1]));
  for (const { name, kind } of catalog) {
    // Reports follow from the rest, and project assignments are user assignments seen from the person.
    if (kind === 'report' || name === 'project_budget' || name === 'project_assignments') continue;
    expect(streams.has(name), name).toBe(true);
  }
  expect([...kinds.keys()].filter((key) => key.startsWith('delete')).length).toBeGreaterThan(12);
});

test('one timer per person, whatever happens', () => {
  const { data } = storm(5, (simulator, { stream }) => {
    if (stream !== 'time_entries') return;
    const running = simulator.data.time_entries.all().filter(({ timer_started_at }) => timer_started_at !== null);
    expect(new Set(running.map(({ user_id }) => user_id)).size).toBe(running.length);
  });
  expect(data.time_entries.size).toBeGreaterThan(0);
});

test('the lists by date stay sorted and complete through every change', () => {
  const { data } = storm(6);
  for (const noun of [data.time_entries, data.expenses, data.invoices, data.estimates]) {
    const rows: readonly object[] = noun.byDate.newestFirst();
    const all: readonly object[] = noun.all();
    expect(new Set(rows)).toEqual(new Set(all));
    expect(rows).toHaveLength(all.length);
  }
  const places = data.time_entries.byDate.newestFirst().map(({ spent_date, id }) => `${spent_date} ${id}`);
  expect(places).toEqual(places.toSorted().reverse());
});

test('the same seed makes the same changes', () => {
  const told = (seed: number) => {
    const texts: string[] = [];
    storm(seed, (_simulator, { text }) => texts.push(text));
    return texts;
  };
  expect(told(7)).toEqual(told(7));
});
