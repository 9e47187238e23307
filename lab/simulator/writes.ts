// Writes that the API takes, and their members (HARVEST-STREAMS, Life of a record). The rules stand with each noun.

import type { Call } from './answer.ts';
import { type FieldKind, readFields, typedFields } from './body.ts';
import type { Account } from './model/account.ts';
import type { Row } from './model/rows.ts';
import { notFound } from './refusal.ts';

export interface Resource {
  readonly stream: keyof Account;
  /** Of the collection; `:parent` stands for the id of the record above. */
  readonly path: string;
  /** Member that holds the parent's id. */
  readonly parent?: string;
  readonly fields: Readonly<Record<string, FieldKind>>;
  readonly methods: readonly ('POST' | 'PATCH' | 'DELETE')[];
}

const ALL = ['POST', 'PATCH', 'DELETE'] as const;
const ADD_AND_DELETE = ['POST', 'DELETE'] as const;

const documentFields: Readonly<Record<string, FieldKind>> = {
  client_id: 'integer',
  number: 'text',
  purchase_order: 'text',
  tax: 'decimal',
  tax2: 'decimal',
  discount: 'decimal',
  subject: 'text',
  notes: 'text',
  currency: 'text',
  issue_date: 'date',
  line_items: 'list',
};

const messageFields: Readonly<Record<string, FieldKind>> = {
  event_type: 'text',
  recipients: 'list',
  subject: 'text',
  body: 'text',
  send_me_a_copy: 'boolean',
};

const rateFields: Readonly<Record<string, FieldKind>> = { amount: 'decimal', start_date: 'date' };

export const resources: readonly Resource[] = [
  {
    stream: 'clients',
    path: '/clients',
    fields: { name: 'text', is_active: 'boolean', address: 'text', currency: 'text' },
    methods: ALL,
  },
  {
    stream: 'contacts',
    path: '/contacts',
    fields: {
      client_id: 'integer',
      title: 'text',
      first_name: 'text',
      last_name: 'text',
      email: 'text',
      phone_office: 'text',
      phone_mobile: 'text',
      fax: 'text',
    },
    methods: ALL,
  },
  {
    stream: 'users',
    path: '/users',
    fields: {
      first_name: 'text',
      last_name: 'text',
      email: 'text',
      telephone: 'text',
      timezone: 'text',
      has_access_to_all_future_projects: 'boolean',
      is_contractor: 'boolean',
      is_active: 'boolean',
      weekly_capacity: 'integer',
      access_roles: 'list',
      employee_id: 'text',
      default_hourly_rate: 'decimal',
      cost_rate: 'decimal',
    },
    methods: ALL,
  },
  { stream: 'roles', path: '/roles', fields: { name: 'text', user_ids: 'list' }, methods: ALL },
  {
    stream: 'billable_rates',
    path: '/users/:parent/billable_rates',
    parent: 'user_id',
    fields: rateFields,
    methods: ['POST'],
  },
  { stream: 'cost_rates', path: '/users/:parent/cost_rates', parent: 'user_id', fields: rateFields, methods: ['POST'] },
  {
    stream: 'tasks',
    path: '/tasks',
    fields: {
      name: 'text',
      billable_by_default: 'boolean',
      default_hourly_rate: 'decimal',
      is_default: 'boolean',
      is_active: 'boolean',
    },
    methods: ALL,
  },
  {
    stream: 'projects',
    path: '/projects',
    fields: {
      client_id: 'integer',
      name: 'text',
      code: 'text',
      is_active: 'boolean',
      is_billable: 'boolean',
      is_fixed_fee: 'boolean',
      bill_by: 'text',
      hourly_rate: 'decimal',
      budget_by: 'text',
      budget_is_monthly: 'boolean',
      budget: 'decimal',
      cost_budget: 'decimal',
      cost_budget_include_expenses: 'boolean',
      notify_when_over_budget: 'boolean',
      over_budget_notification_percentage: 'decimal',
      show_budget_to_all: 'boolean',
      fee: 'decimal',
      notes: 'text',
      starts_on: 'date',
      ends_on: 'date',
    },
    methods: ALL,
  },
  {
    stream: 'user_assignments',
    path: '/projects/:parent/user_assignments',
    parent: 'project_id',
    fields: {
      user_id: 'integer',
      is_active: 'boolean',
      is_project_manager: 'boolean',
      use_default_rates: 'boolean',
      hourly_rate: 'decimal',
      budget: 'decimal',
    },
    methods: ALL,
  },
  {
    stream: 'task_assignments',
    path: '/projects/:parent/task_assignments',
    parent: 'project_id',
    fields: {
      task_id: 'integer',
      is_active: 'boolean',
      billable: 'boolean',
      hourly_rate: 'decimal',
      budget: 'decimal',
    },
    methods: ALL,
  },
  {
    stream: 'time_entries',
    path: '/time_entries',
    fields: {
      user_id: 'integer',
      project_id: 'integer',
      task_id: 'integer',
      spent_date: 'date',
      hours: 'decimal',
      started_time: 'time',
      ended_time: 'time',
      notes: 'text',
      external_reference: 'object',
    },
    methods: ALL,
  },
  {
    stream: 'expenses',
    path: '/expenses',
    fields: {
      user_id: 'integer',
      project_id: 'integer',
      expense_category_id: 'integer',
      spent_date: 'date',
      units: 'decimal',
      total_cost: 'decimal',
      notes: 'text',
      billable: 'boolean',
    },
    methods: ALL,
  },
  {
    stream: 'expense_categories',
    path: '/expense_categories',
    fields: { name: 'text', unit_name: 'text', unit_price: 'decimal', is_active: 'boolean' },
    methods: ALL,
  },
  { stream: 'invoice_item_categories', path: '/invoice_item_categories', fields: { name: 'text' }, methods: ALL },
  { stream: 'estimate_item_categories', path: '/estimate_item_categories', fields: { name: 'text' }, methods: ALL },
  {
    stream: 'invoices',
    path: '/invoices',
    fields: {
      ...documentFields,
      estimate_id: 'integer',
      retainer_id: 'integer',
      due_date: 'date',
      payment_term: 'text',
      payment_options: 'list',
      line_items_import: 'object',
    },
    methods: ALL,
  },
  {
    stream: 'invoice_messages',
    path: '/invoices/:parent/messages',
    parent: 'invoice_id',
    fields: {
      ...messageFields,
      include_link_to_client_invoice: 'boolean',
      attach_pdf: 'boolean',
      thank_you: 'boolean',
    },
    methods: ADD_AND_DELETE,
  },
  {
    stream: 'invoice_payments',
    path: '/invoices/:parent/payments',
    parent: 'invoice_id',
    fields: { amount: 'decimal', paid_at: 'datetime', paid_date: 'date', notes: 'text' },
    methods: ADD_AND_DELETE,
  },
  { stream: 'estimates', path: '/estimates', fields: documentFields, methods: ALL },
  {
    stream: 'estimate_messages',
    path: '/estimates/:parent/messages',
    parent: 'estimate_id',
    fields: messageFields,
    methods: ADD_AND_DELETE,
  },
];

/** Every noun offers this, seen without its types: the fields were typed by the table above. */
interface AnyNoun {
  find(id: number): Row;
  create(fields: object): Row;
  update(id: number, fields: object): Row;
  delete(id: number): Row;
}

const nounOf = (account: Account, resource: Resource): AnyNoun => account[resource.stream] as unknown as AnyNoun;

export function create(account: Account, resource: Resource, call: Call, parent: number | undefined): Row {
  const fields = typedFields(readFields(call), resource.fields);
  return nounOf(account, resource).create(resource.parent ? { ...fields, [resource.parent]: parent } : fields);
}

export function update(account: Account, resource: Resource, call: Call, id: number): Row {
  return nounOf(account, resource).update(id, typedFields(readFields(call), resource.fields));
}

export function remove(account: Account, resource: Resource, id: number): Row {
  return nounOf(account, resource).delete(id);
}

/** The record, which has to hang below that parent; Harvest's 404 otherwise. */
export function find(account: Account, resource: Resource, id: number, parent: number | undefined): Row {
  const row = nounOf(account, resource).find(id);
  if (resource.parent && (row as Row & Record<string, unknown>)[resource.parent] !== parent) throw notFound();
  return row;
}
