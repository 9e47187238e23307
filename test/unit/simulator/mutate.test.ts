import { expect, test } from 'vitest';
import { createSimulator, type Mutation, mutate, type Simulator, seededRandom } from '../../../lab/simulator/index.ts';
import { START } from '../../support/simulated-harvest.ts';
import { harvestStreams } from '../../support/truth.ts';
import { dangling } from './dangling.ts';

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

test.each([1, 2, 3])('3,000 changes leave no reference dangling and every stream readable (seed %i)', (seed) => {
  const simulator = storm(seed);
  expect(dangling(simulator)).toEqual([]);
  for (const { name } of harvestStreams) {
    for (const scope of simulator.scopes(name)) expect(() => simulator.truth(name, scope)).not.toThrow();
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
  for (const { name, kind } of harvestStreams) {
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
