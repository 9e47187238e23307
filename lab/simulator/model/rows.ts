// The records of the account, one compact row each, in Harvest's own names. Names of other records are never
// copied here: they are joined when read, as Harvest does (HARVEST-API, Values). Datetimes are whole seconds.

export interface Row {
  readonly id: number;
  readonly created_at: number;
  updated_at: number;
}

export interface Company {
  base_uri: string;
  full_domain: string;
  name: string;
  is_active: boolean;
  week_start_day: 'Saturday' | 'Sunday' | 'Monday';
  wants_timestamp_timers: boolean;
  time_format: 'decimal' | 'hours_minutes';
  date_format: string;
  plan_type: string;
  clock: '12h' | '24h';
  currency: string;
  currency_code_display: string;
  currency_symbol_display: string;
  decimal_symbol: string;
  thousands_separator: string;
  color_scheme: string;
  weekly_capacity: number;
  expense_feature: boolean;
  invoice_feature: boolean;
  estimate_feature: boolean;
  approval_feature: boolean;
  team_feature: boolean;
  saml_sign_in_required: boolean | null;
  day_entry_notes_required: boolean | null;
}

export interface ClientRow extends Row {
  name: string;
  is_active: boolean;
  address: string | null;
  statement_key: string;
  currency: string;
}

export interface ContactRow extends Row {
  client_id: number;
  title: string | null;
  first_name: string;
  last_name: string | null;
  email: string | null;
  phone_office: string | null;
  phone_mobile: string | null;
  fax: string | null;
}

export interface UserRow extends Row {
  first_name: string;
  last_name: string;
  email: string;
  telephone: string | null;
  timezone: string;
  has_access_to_all_future_projects: boolean;
  is_contractor: boolean;
  is_active: boolean;
  weekly_capacity: number;
  access_roles: readonly string[];
  avatar_url: string | null;
  employee_id: string | null;
  calendar_integration_enabled: boolean;
  calendar_integration_source: string | null;
}

export interface RoleRow extends Row {
  name: string;
  user_ids: readonly number[];
}

export interface RateRow extends Row {
  user_id: number;
  amount: number;
  start_date: string | null;
  end_date: string | null;
}

export interface TaskRow extends Row {
  name: string;
  billable_by_default: boolean;
  default_hourly_rate: number | null;
  is_default: boolean;
  is_active: boolean;
}

export type BudgetBy = 'project' | 'project_cost' | 'task' | 'task_fees' | 'person' | 'none';

export interface ProjectRow extends Row {
  client_id: number;
  name: string;
  code: string | null;
  is_active: boolean;
  is_billable: boolean;
  is_fixed_fee: boolean;
  bill_by: 'Project' | 'Tasks' | 'People' | 'none';
  hourly_rate: number | null;
  budget_by: BudgetBy;
  budget_is_monthly: boolean;
  budget: number | null;
  cost_budget: number | null;
  cost_budget_include_expenses: boolean;
  notify_when_over_budget: boolean;
  over_budget_notification_percentage: number | null;
  over_budget_notification_date: string | null;
  show_budget_to_all: boolean;
  fee: number | null;
  notes: string | null;
  starts_on: string | null;
  ends_on: string | null;
}

export interface UserAssignmentRow extends Row {
  project_id: number;
  user_id: number;
  is_active: boolean;
  is_project_manager: boolean;
  use_default_rates: boolean;
  hourly_rate: number | null;
  budget: number | null;
}

export interface TaskAssignmentRow extends Row {
  project_id: number;
  task_id: number;
  is_active: boolean;
  billable: boolean;
  hourly_rate: number | null;
  budget: number | null;
}

export interface ExternalReference {
  readonly id: string;
  readonly group_id: string | null;
  readonly account_id: string | null;
  readonly permalink: string | null;
  readonly service: string | null;
  readonly service_icon_url: string | null;
}

export type ApprovalStatus = 'unsubmitted' | 'submitted' | 'approved';

export interface TimeEntryRow extends Row {
  spent_date: string;
  user_id: number;
  project_id: number;
  task_id: number;
  user_assignment_id: number | null;
  task_assignment_id: number | null;
  /** Hours of the entry without the running timer. */
  hours: number;
  notes: string | null;
  billable: boolean;
  budgeted: boolean;
  billable_rate: number | null;
  cost_rate: number | null;
  invoice_id: number | null;
  approval_status: ApprovalStatus;
  is_explicitly_locked: boolean;
  timer_started_at: number | null;
  /** Minutes since midnight. */
  started_time: number | null;
  ended_time: number | null;
  external_reference: ExternalReference | null;
}

export interface Receipt {
  readonly file_name: string;
  readonly file_size: number;
  readonly content_type: string;
}

export interface ExpenseRow extends Row {
  spent_date: string;
  user_id: number;
  project_id: number;
  expense_category_id: number;
  user_assignment_id: number | null;
  receipt: Receipt | null;
  invoice_id: number | null;
  notes: string | null;
  units: number | null;
  total_cost: number;
  billable: boolean;
  approval_status: ApprovalStatus;
  is_explicitly_locked: boolean;
}

export interface ExpenseCategoryRow extends Row {
  name: string;
  unit_name: string | null;
  unit_price: number | null;
  is_active: boolean;
}

export interface InvoiceItemCategoryRow extends Row {
  name: string;
  use_as_service: boolean;
  use_as_expense: boolean;
}

export interface EstimateItemCategoryRow extends Row {
  name: string;
}

export interface LineItem {
  readonly id: number;
  project_id: number | null;
  kind: string;
  description: string | null;
  quantity: number;
  unit_price: number;
  taxed: boolean;
  taxed2: boolean;
}

/** Members that invoices and estimates have in common. */
export interface DocumentRow extends Row {
  client_id: number;
  line_items: readonly LineItem[];
  creator_id: number | null;
  client_key: string;
  number: string;
  purchase_order: string | null;
  tax: number | null;
  tax2: number | null;
  discount: number | null;
  subject: string | null;
  notes: string | null;
  currency: string;
  sent_at: number | null;
}

export interface InvoiceRow extends DocumentRow {
  estimate_id: number | null;
  retainer_id: number | null;
  state: 'draft' | 'open' | 'paid' | 'closed';
  period_start: string | null;
  period_end: string | null;
  issue_date: string;
  due_date: string;
  payment_term: string;
  payment_options: readonly string[];
  paid_at: number | null;
  paid_date: string | null;
  closed_at: number | null;
  recurring_invoice_id: number | null;
}

export interface EstimateRow extends DocumentRow {
  state: 'draft' | 'sent' | 'accepted' | 'declined';
  issue_date: string | null;
  accepted_at: number | null;
  declined_at: number | null;
}

export interface Recipient {
  readonly name: string | null;
  readonly email: string | null;
}

export interface MessageRow extends Row {
  sent_by: string | null;
  sent_by_email: string | null;
  sent_from: string | null;
  sent_from_email: string | null;
  recipients: readonly Recipient[];
  subject: string | null;
  body: string | null;
  send_me_a_copy: boolean;
  event_type: string | null;
}

export interface InvoiceMessageRow extends MessageRow {
  invoice_id: number;
  include_link_to_client_invoice: boolean;
  attach_pdf: boolean;
  thank_you: boolean;
  reminder: boolean;
  send_reminder_on: string | null;
}

export interface EstimateMessageRow extends MessageRow {
  estimate_id: number;
}

export interface PaymentRow extends Row {
  invoice_id: number;
  amount: number;
  paid_at: number;
  paid_date: string;
  recorded_by: string | null;
  recorded_by_email: string | null;
  notes: string | null;
  transaction_id: string | null;
  payment_gateway_id: number | null;
  payment_gateway_name: string | null;
}
