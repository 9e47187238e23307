import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dayAt } from '../../support/epoch.ts';
import { openHarvest, type SimulatedHarvest } from '../../support/simulated-harvest.ts';

let harvest: SimulatedHarvest;
beforeAll(async () => {
  harvest = await openHarvest();
});
beforeEach(() => harvest.advance(60));
afterAll(() => harvest.close());

const post = (path: string, body: unknown) => harvest.ask(path, { method: 'POST', body });
const patch = (path: string, body: unknown) => harvest.ask(path, { method: 'PATCH', body });
const remove = (path: string) => harvest.ask(path, { method: 'DELETE' });

async function newClient(name: string): Promise<number> {
  return (await post('/v2/clients', { name, currency: 'EUR' })).json.id;
}

async function newProject(name: string): Promise<{ client: number; project: number; task: number; user: number }> {
  const client = await newClient(`Client of ${name}`);
  const bill = { bill_by: 'Project', hourly_rate: 100, budget_by: 'none', is_billable: true };
  const project = (await post('/v2/projects', { client_id: client, name, ...bill })).json.id;
  const task = (await post('/v2/tasks', { name: `Task of ${name}` })).json.id;
  const user = harvest.simulator.data.me().id;
  await post(`/v2/projects/${project}/task_assignments`, { task_id: task });
  await post(`/v2/projects/${project}/user_assignments`, { user_id: user });
  return { client, project, task, user };
}

describe('creating and editing', () => {
  test('a POST answers 201 with the address of the record, which can be read there', async () => {
    const made = await post('/v2/clients', { name: 'Ünique', currency: 'IDR' });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`${harvest.url}/api/v2/clients/${made.json.id}`);
    expect((await harvest.ask(made.headers.get('location') as string)).json).toEqual(made.json);
  });

  test('form data is taken as well', async () => {
    const made = await harvest.ask('/v2/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'name=By+form&billable_by_default=false&default_hourly_rate=12.5',
    });
    expect(made.json).toMatchObject({ name: 'By form', billable_by_default: false, default_hourly_rate: 12.5 });
  });

  test('members that are missing or ill-typed are refused in sentences', async () => {
    expect((await post('/v2/clients', {})).json).toEqual({ message: "Name can't be blank" });
    const two = await post('/v2/users', { first_name: 'Ann' });
    expect([two.status, two.json.message]).toEqual([422, "Last name can't be blank, Email can't be blank"]);
    expect((await post('/v2/tasks', { name: 'x', is_active: 'perhaps' })).status).toBe(422);
  });

  test('an edit moves updated_at of the record, and a rename shows everywhere at once', async () => {
    const { project, task } = await newProject('Renamed');
    const spent = { project_id: project, task_id: task, spent_date: dayAt(-1), hours: 2 };
    const entry = (await post('/v2/time_entries', spent)).json;
    harvest.advance(10);
    const renamed = (await patch(`/v2/projects/${project}`, { name: 'New name' })).json;
    expect(Date.parse(renamed.updated_at) - Date.parse(entry.updated_at)).toBe(10_000);
    const shown = (await harvest.ask(`/v2/time_entries/${entry.id}`)).json;
    expect(shown.project.name).toBe('New name');
    expect(shown.updated_at).toBe(entry.updated_at);
  });

  test('a new contact moves its client', async () => {
    const client = await newClient('Moves');
    harvest.advance(5);
    await post('/v2/contacts', { client_id: client, first_name: 'Zoë' });
    const { created_at, updated_at } = (await harvest.ask(`/v2/clients/${client}`)).json;
    expect(Date.parse(updated_at) - Date.parse(created_at)).toBe(5000);
  });

  test('whether renames and rates move the neighbours is a knob', async () => {
    const { simulator } = harvest;
    const { project, task, user } = await newProject('Touched');
    const entry = (
      await post('/v2/time_entries', { project_id: project, task_id: task, spent_date: dayAt(-1), hours: 2 })
    ).json;
    simulator.settings.touches = { ...simulator.settings.touches, renamed: true, rate: true };
    harvest.advance(5);
    await patch(`/v2/projects/${project}`, { name: 'Touched and moved' });
    await post(`/v2/users/${user}/cost_rates`, { amount: 9 });
    simulator.settings.touches = { ...simulator.settings.touches, renamed: false, rate: false };
    expect((await harvest.ask(`/v2/time_entries/${entry.id}`)).json.updated_at).not.toBe(entry.updated_at);
    expect(simulator.data.me().updated_at).toBe(simulator.data.seconds());
  });
});

describe('timers', () => {
  test('an entry without hours runs, grows on each read, and stops the other one', async () => {
    const { project, task } = await newProject('Timed');
    const start = { project_id: project, task_id: task, spent_date: dayAt(0) };
    const first = (await post('/v2/time_entries', start)).json;
    expect(first).toMatchObject({ is_running: true, hours: 0, ended_time: null });
    harvest.advance(1800);
    const grown = (await harvest.ask(`/v2/time_entries/${first.id}`)).json;
    expect(grown).toMatchObject({ hours: 0.5, hours_without_timer: 0, updated_at: first.updated_at });

    const second = (await post('/v2/time_entries', start)).json;
    expect((await harvest.ask(`/v2/time_entries/${first.id}`)).json).toMatchObject({ is_running: false, hours: 0.5 });
    await patch(`/v2/time_entries/${second.id}/stop`, {});
    expect((await patch(`/v2/time_entries/${second.id}/stop`, {})).status).toBe(422);
    expect((await patch(`/v2/time_entries/${first.id}/restart`, {})).json.is_running).toBe(true);
    harvest.advance(3600);
    const running = (await harvest.ask(`/v2/time_entries/${first.id}`)).json;
    expect(running).toMatchObject({ hours: 1.5, hours_without_timer: 0.5 });
    expect((await patch(`/v2/time_entries/${first.id}/stop`, {})).json.hours).toBe(1.5);
  });

  test('rounding changes rounded hours without any record changing', async () => {
    const { project, task } = await newProject('Rounded');
    const spent = { project_id: project, task_id: task, spent_date: dayAt(0), hours: 1.02 };
    const entry = (await post('/v2/time_entries', spent)).json;
    harvest.simulator.settings.rounding = { minutes: 15, direction: 'up' };
    const rounded = (await harvest.ask(`/v2/time_entries/${entry.id}`)).json;
    harvest.simulator.settings.rounding = null;
    expect(rounded).toEqual({ ...entry, rounded_hours: 1.25 });
  });
});

describe('deleting', () => {
  test('a client goes with its contacts, but not while it has projects', async () => {
    const { client, project } = await newProject('Blocking');
    const contact = (await post('/v2/contacts', { client_id: client, first_name: 'Li' })).json;
    const refused = await remove(`/v2/clients/${client}`);
    expect(refused.status).toBe(422);
    expect(refused.headers.get('hint')).toBe(refused.json.message);
    expect((await remove(`/v2/projects/${project}`)).status).toBe(200);
    expect((await remove(`/v2/clients/${client}`)).json.id).toBe(client);
    expect((await harvest.ask(`/v2/contacts/${contact.id}`)).status).toBe(404);
  });

  test('a project takes time, expenses and assignments along and answers archived', async () => {
    const { project, task, user } = await newProject('Doomed');
    const spent = { project_id: project, spent_date: dayAt(-1) };
    const entry = (await post('/v2/time_entries', { ...spent, task_id: task, hours: 1 })).json;
    const category = harvest.simulator.data.expense_categories.all()[0]!.id;
    const expense = (await post('/v2/expenses', { ...spent, expense_category_id: category, total_cost: 5 })).json;
    harvest.advance(3);
    const gone = await remove(`/v2/projects/${project}`);
    expect(gone.json).toMatchObject({ id: project, is_active: false });
    expect(Date.parse(gone.json.updated_at)).toBe(harvest.simulator.data.seconds() * 1000);
    for (const path of [`time_entries/${entry.id}`, `expenses/${expense.id}`, `projects/${project}`]) {
      expect((await harvest.ask(`/v2/${path}`)).status, path).toBe(404);
    }
    expect(harvest.simulator.data.user_assignments.between(project, user)).toBeUndefined();
    expect(harvest.simulator.data.task_assignments.byProject.of(project)).toEqual([]);
  });

  test('tasks, people and assignments with hours stay', async () => {
    const { project, task, user } = await newProject('Busy');
    await post('/v2/time_entries', { project_id: project, task_id: task, spent_date: dayAt(-1), hours: 1 });
    const { data } = harvest.simulator;
    const userAssignment = data.user_assignments.between(project, user)!.id;
    const taskAssignment = data.task_assignments.between(project, task)!.id;
    for (const path of [
      `tasks/${task}`,
      `users/${user}`,
      `projects/${project}/user_assignments/${userAssignment}`,
      `projects/${project}/task_assignments/${taskAssignment}`,
    ]) {
      expect((await remove(`/v2/${path}`)).status, path).toBe(422);
    }
  });

  test('an entry of an archived project stays', async () => {
    const { project, task } = await newProject('Archived');
    const spent = { project_id: project, task_id: task, spent_date: dayAt(-1), hours: 1 };
    const entry = (await post('/v2/time_entries', spent)).json;
    await patch(`/v2/projects/${project}`, { is_active: false });
    const shown = (await harvest.ask(`/v2/time_entries/${entry.id}`)).json;
    expect(shown).toMatchObject({ is_locked: true, locked_reason: 'Item Archived', updated_at: entry.updated_at });
    expect((await remove(`/v2/time_entries/${entry.id}`)).status).toBe(422);
  });

  test('a user without hours goes with rates and assignments', async () => {
    const { project } = await newProject('Leaving');
    const names = { first_name: 'Gone', last_name: 'Soon', email: 'gone@example.com', default_hourly_rate: 50 };
    const user = (await post('/v2/users', names)).json;
    expect(user.default_hourly_rate).toBe(50);
    await post(`/v2/projects/${project}/user_assignments`, { user_id: user.id });
    await remove(`/v2/users/${user.id}`);
    expect((await harvest.ask(`/v2/users/${user.id}/billable_rates`)).status).toBe(404);
    expect(harvest.simulator.data.billable_rates.byUser.of(user.id)).toEqual([]);
    expect(harvest.simulator.data.user_assignments.byUser.of(user.id)).toEqual([]);
  });
});

describe('invoices', () => {
  test('billing moves the entries; deleting the invoice frees them and takes messages and payments along', async () => {
    const { client, project, task } = await newProject('Billed');
    const spent = { project_id: project, task_id: task, spent_date: dayAt(-1), hours: 3 };
    const entry = (await post('/v2/time_entries', spent)).json;
    harvest.advance(7);
    const invoice = (
      await post('/v2/invoices', { client_id: client, line_items_import: { project_ids: [project], time: {} } })
    ).json;
    expect(invoice).toMatchObject({ amount: 300, due_amount: 300, state: 'draft' });
    const billed = (await harvest.ask(`/v2/time_entries/${entry.id}`)).json;
    expect(billed).toMatchObject({ is_billed: true, is_locked: true, invoice: { id: invoice.id } });
    expect(Date.parse(billed.updated_at) - Date.parse(entry.updated_at)).toBe(7000);

    const message = { body: 'Here', recipients: [{ name: 'A', email: 'a@example.com' }] };
    await post(`/v2/invoices/${invoice.id}/messages`, message);
    await post(`/v2/invoices/${invoice.id}/payments`, { amount: 100 });
    await remove(`/v2/invoices/${invoice.id}`);
    expect((await harvest.ask(`/v2/invoices/${invoice.id}/messages`)).status).toBe(404);
    expect(harvest.simulator.data.invoice_messages.byInvoice.of(invoice.id)).toEqual([]);
    expect(harvest.simulator.data.invoice_payments.byInvoice.of(invoice.id)).toEqual([]);
    expect((await harvest.ask(`/v2/time_entries/${entry.id}`)).json).toMatchObject({ is_billed: false, invoice: null });
  });

  test('states follow messages and payments', async () => {
    const client = await newClient('States');
    const line_items = [{ kind: 'Service', quantity: 2, unit_price: 50 }];
    const { id } = (await post('/v2/invoices', { client_id: client, line_items })).json;
    const state = async () => (await harvest.ask(`/v2/invoices/${id}`)).json;
    const event = (event_type: string) => post(`/v2/invoices/${id}/messages`, { event_type });
    for (const refused of ['close', 're-open', 'draft', 'view']) expect((await event(refused)).status).toBe(422);
    expect((await post(`/v2/invoices/${id}/messages`, { body: 'to nobody' })).status).toBe(422);
    await event('send');
    expect((await state()).state).toBe('open');
    await event('close');
    expect((await state()).state).toBe('closed');
    await event('re-open');
    const part = await post(`/v2/invoices/${id}/payments`, { amount: 40, paid_date: '2025-11-01' });
    expect(part.json).toMatchObject({ paid_at: '2025-11-01T00:00:00Z', payment_gateway: { id: null, name: null } });
    expect(await state()).toMatchObject({ state: 'open', due_amount: 60, paid_at: null });
    const rest = await post(`/v2/invoices/${id}/payments`, { amount: 60, paid_date: '2025-11-02' });
    expect(await state()).toMatchObject({ state: 'paid', due_amount: 0, paid_date: '2025-11-02' });
    await remove(`/v2/invoices/${id}/payments/${rest.json.id}`);
    expect(await state()).toMatchObject({ state: 'open', due_amount: 60, paid_date: null });
  });

  test('a PATCH adds lines, edits those with an id and removes those to be destroyed', async () => {
    const client = await newClient('Lines');
    const line = (unit_price: number) => ({ kind: 'Service', unit_price });
    const made = (await post('/v2/invoices', { client_id: client, line_items: [line(1), line(2)] })).json;
    const [first, second] = made.line_items;
    const line_items = [line(4), { id: first.id, unit_price: 10 }, { id: second.id, _destroy: true }];
    const edited = (await patch(`/v2/invoices/${made.id}`, { line_items })).json;
    expect(edited.line_items.map(({ unit_price }: { unit_price: number }) => unit_price)).toEqual([10, 4]);
    expect(edited.amount).toBe(14);
  });
});

test('estimates are sent, accepted, opened again; deleting a message undoes nothing', async () => {
  const client = await newClient('Estimated');
  const { id } = (await post('/v2/estimates', { client_id: client })).json;
  const event = (event_type: string) => post(`/v2/estimates/${id}/messages`, { event_type });
  const shown = async () => (await harvest.ask(`/v2/estimates/${id}`)).json;
  expect((await event('view')).status).toBe(422);
  const sent = await event('send');
  expect(await shown()).toMatchObject({ state: 'sent', sent_at: sent.json.created_at });
  await event('accept');
  expect((await event('decline')).status).toBe(422);
  expect((await event('send')).status).toBe(422);
  await event('re-open');
  expect(await shown()).toMatchObject({ state: 'sent', accepted_at: null });
  await remove(`/v2/estimates/${id}/messages/${sent.json.id}`);
  expect((await shown()).state).toBe('sent');
});

test('rates: a later one ends its predecessor the day before, one without start replaces all', async () => {
  const user = harvest.simulator.data.users.all()[1]!.id;
  const path = `/v2/users/${user}/billable_rates`;
  await post(path, { amount: 10 });
  await post(path, { amount: 20, start_date: '2024-03-01' });
  await post(path, { amount: 30, start_date: '2025-03-01' });
  await post(path, { amount: 25, start_date: '2024-06-01' });
  const { json } = await harvest.ask(path);
  expect(
    json.billable_rates.map((rate: Record<string, unknown>) => [rate.amount, rate.start_date, rate.end_date]),
  ).toEqual([
    [10, null, '2024-02-29'],
    [20, '2024-03-01', '2024-05-31'],
    [25, '2024-06-01', null],
  ]);
  await post(path, { amount: 99 });
  expect((await harvest.ask(path)).json.billable_rates).toHaveLength(1);
  expect((await harvest.ask(`/v2/users/${user}`)).json.default_hourly_rate).toBe(99);
});
