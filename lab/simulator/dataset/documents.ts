// Invoices with messages and payments, and estimates with messages, in every state.
import { addDays, dateOf, midnightOf } from '../calendar.ts';
import { totalsOf } from '../model/documents.ts';
import { money } from '../model/noun.ts';
import type { ClientRow, DocumentRow, InvoiceRow, LineItem, MessageRow, ProjectRow, Row } from '../model/rows.ts';
import { insertPast, type Making, spread, underWay, workingSecond } from './making.ts';
import { ESTIMATE_KINDS, INVOICE_KINDS, PRICE_LEVEL } from './words.ts';

const TERMS = { 'upon receipt': 0, 'net 15': 15, 'net 30': 30, 'net 45': 45, 'net 60': 60, custom: 21 } as const;

/** The invoices while their time and expenses are being made: those come after, and fill their lines. */
export interface InvoiceDraft {
  readonly invoice: InvoiceRow;
  readonly project: ProjectRow;
  hours: number;
  amount: number;
  expenses: number;
}

export interface OpenInvoices {
  /** The invoice that billed the project's work of that month, if any did. */
  billing(projectId: number, month: string): InvoiceDraft | undefined;
  /** Writes the lines, messages, payments and states once everything billed is known. */
  finish(): void;
}

/** One invoice bills one month of one project. */
export function fillInvoices(making: Making): OpenInvoices {
  const { account, dice, counts, start, today } = making;
  const billable = account.projects.all().filter(({ is_billable }) => is_billable);
  const drafts = new Map<string, InvoiceDraft>();
  const projectAt = underWay(dice, billable, (project) => project);
  spread(dice, counts.invoices, addDays(start, 35), today).forEach((issue_date, at) => {
    const lastDay = addDays(`${issue_date.slice(0, 7)}-01`, -1);
    const month = lastDay.slice(0, 7);
    const project = projectAt(lastDay);
    const invoice = insertInvoice(making, project, issue_date, month, at);
    const key = `${project.id} ${month}`;
    drafts.set(drafts.has(key) ? `${key} again ${at}` : key, { invoice, project, hours: 0, amount: 0, expenses: 0 });
  });
  return {
    billing: (projectId, month) => drafts.get(`${projectId} ${month}`),
    finish: () => {
      [...drafts.values()].forEach((draft, at) => {
        writeLines(making, draft, at);
        writeHistory(making, draft.invoice, at);
      });
    },
  };
}

function insertInvoice(making: Making, project: ProjectRow, issue_date: string, month: string, at: number): InvoiceRow {
  const { account, dice } = making;
  const client = account.clients.expect(project.client_id);
  const payment_term = dice.pick(Object.keys(TERMS) as (keyof typeof TERMS)[]);
  const period = dice.chance(0.8);
  return insertPast(making, account.invoices, workingSecond(dice, issue_date), {
    ...documentMembers(making, client, at),
    number: at % 9 === 0 ? `INV-${2000 + at}` : String(1000 + at),
    estimate_id: null,
    retainer_id: at % 11 === 5 ? 50_000 + at : null,
    state: 'draft',
    period_start: period ? `${month}-01` : null,
    period_end: period ? addDays(`${issue_date.slice(0, 7)}-01`, -1) : null,
    issue_date,
    due_date: addDays(issue_date, TERMS[payment_term]),
    payment_term,
    payment_options: at % 3 === 0 ? ['ach', 'credit_card'] : [],
    paid_at: null,
    paid_date: null,
    closed_at: null,
    recurring_invoice_id: at % 13 === 4 ? 700_000 + at : null,
  });
}

/** Taxes, discount and texts in all their variants. */
function documentMembers(
  { account, dice }: Making,
  client: ClientRow,
  at: number,
): Omit<DocumentRow, keyof Row | 'number'> {
  const creator_id = dice.chance(0.95) ? dice.pick(account.users.all()).id : null;
  return {
    client_id: client.id,
    line_items: [],
    // One has none for certain, whatever the dice say.
    creator_id: at === 7 ? null : creator_id,
    client_key: dice.hex(40),
    purchase_order: dice.chance(0.3) ? `PO-${dice.between(1, 9999)}` : dice.chance(0.5) ? null : '',
    tax: at % 2 === 0 ? dice.pick([5, 7.5, 19]) : null,
    tax2: at % 5 === 0 ? 2 : null,
    discount: at % 4 === 0 ? 10 : null,
    subject: dice.chance(0.7) ? `Work on ${client.name}` : dice.chance(0.5) ? null : '',
    notes: dice.chance(0.5) ? 'Thank you – merci – 谢谢' : dice.chance(0.5) ? null : '',
    currency: client.currency,
    sent_at: null,
  };
}

function writeLines(making: Making, { invoice, project, hours, amount, expenses }: InvoiceDraft, at: number): void {
  const { account, dice } = making;
  const level = PRICE_LEVEL[invoice.currency] ?? 1;
  const line = { project_id: project.id, taxed: at % 2 === 0, taxed2: at % 5 === 0 };
  const lines: Omit<LineItem, 'id'>[] = [];
  if (hours > 0) {
    const unit_price = money(amount / hours);
    lines.push({ ...line, kind: 'Service', description: 'Time & materials', quantity: money(hours), unit_price });
  }
  if (expenses > 0) {
    lines.push({ ...line, kind: 'Expense', description: '', quantity: 1, unit_price: money(expenses) });
  }
  if (lines.length === 0 || dice.chance(0.2)) {
    const unit_price = dice.between(100, 5000) * level + 0.75;
    const kind = dice.pick(INVOICE_KINDS);
    lines.push({ ...line, project_id: null, kind, description: null, quantity: dice.pick([1, 2.5, 12]), unit_price });
  }
  invoice.line_items = lines.map((each) => ({ id: account.invoices.takeLineId(), ...each }));
}

/** Sent, paid, closed or left a draft. */
function writeHistory(making: Making, invoice: InvoiceRow, at: number): void {
  const { account, dice, today } = making;
  // The first sixteen show every state, however small the account is.
  const fate = at < 16 ? (['open', 'paid', 'closed', 'draft'] as const)[at % 4] : null;
  const state =
    fate ??
    dice.weighted([
      [60, 'paid'],
      [22, 'open'],
      [8, 'closed'],
      [10, 'draft'],
    ] as const);
  if (state === 'draft') return;
  const sent = Math.min(invoice.created_at + dice.between(60, 86_400), account.seconds() - 60);
  insertPast(making, account.invoice_messages, sent, {
    ...messageMembers(making, null),
    invoice_id: invoice.id,
    include_link_to_client_invoice: dice.chance(0.5),
    attach_pdf: true,
    thank_you: false,
    reminder: dice.chance(0.1),
    send_reminder_on: dice.chance(0.1) ? addDays(dateOf(sent), 14) : null,
  });
  let latest = sent;
  if (state === 'closed') {
    latest = Math.min(sent + 5 * 86_400, account.seconds() - 60);
    const empty = { include_link_to_client_invoice: false, attach_pdf: false, thank_you: false, reminder: false };
    const members = { ...messageMembers(making, 'close'), ...empty, send_reminder_on: null };
    insertPast(making, account.invoice_messages, latest, { ...members, invoice_id: invoice.id });
  }
  const due = totalsOf(invoice).amount;
  const paid_date = state === 'paid' ? earlier(addDays(dateOf(sent), dice.between(1, 40)), today) : null;
  if (state === 'paid' || dice.chance(0.2)) {
    const on = paid_date ?? earlier(addDays(dateOf(sent), 3), today);
    latest = insertPayment(making, invoice, on, state === 'paid' ? due : money(due / 3));
  }
  account.invoices.assign(invoice, {
    state,
    sent_at: sent,
    paid_date,
    paid_at: paid_date === null ? null : midnightOf(paid_date),
    closed_at: state === 'closed' ? latest : null,
    updated_at: Math.max(invoice.updated_at, latest),
  });
}

const earlier = (a: string, b: string): string => (a < b ? a : b);

function insertPayment(making: Making, invoice: InvoiceRow, paid_date: string, amount: number): number {
  const { account, dice } = making;
  const automatic = dice.chance(0.4);
  const recorder = dice.pick(account.users.all());
  const at = Math.max(midnightOf(paid_date) + 9 * 3600, invoice.created_at + 120);
  const payment = insertPast(making, account.invoice_payments, at, {
    invoice_id: invoice.id,
    amount,
    paid_at: midnightOf(paid_date),
    paid_date,
    recorded_by: automatic ? null : `${recorder.first_name} ${recorder.last_name}`,
    recorded_by_email: automatic ? null : recorder.email,
    notes: automatic ? null : dice.pick(['', 'Paid by phone', 'Überweisung']),
    transaction_id: automatic ? `ch_${dice.hex(16)}` : null,
    payment_gateway_id: automatic ? 1234 : null,
    payment_gateway_name: automatic ? 'Stripe' : null,
  });
  return payment.created_at;
}

function messageMembers({ account, dice }: Making, event_type: string | null): Omit<MessageRow, keyof Row> {
  const sender = dice.pick(account.users.all());
  const name = `${sender.first_name} ${sender.last_name}`;
  const manual = event_type === null;
  const recipients = [
    { name: 'Richard Roe', email: 'richard@example.com' },
    { name: null, email: 'accounts@example.com' },
  ];
  return {
    sent_by: dice.chance(0.9) ? name : null,
    sent_by_email: sender.email,
    sent_from: name,
    sent_from_email: sender.email,
    recipients: manual ? recipients.slice(0, dice.between(1, 2)) : [],
    subject: manual ? 'Your papers from Blå Fjord' : null,
    body: manual ? 'Dear customer,\n\nplease find them attached.\n' : null,
    send_me_a_copy: dice.chance(0.5),
    event_type,
  };
}

export function fillEstimates(making: Making): void {
  const { account, dice, counts, start, today } = making;
  const invoices = account.invoices.all();
  spread(dice, counts.estimates, start, today).forEach((date, at) => {
    const client = dice.pick(account.clients.all());
    const created = workingSecond(dice, date);
    const states = ['sent', 'accepted', 'declined', 'draft'] as const;
    const state = at < 12 ? states[at % 4]! : dice.pick(states);
    const now = account.seconds() - 60;
    const sent_at = state === 'draft' ? null : Math.min(created + 3600, now);
    const answered = sent_at === null ? null : Math.min(sent_at + 2 * 86_400, now);
    const estimate = insertPast(making, account.estimates, created, {
      ...documentMembers(making, client, at),
      line_items: estimateLines(making, client, at),
      number: String(1000 + at),
      sent_at,
      state,
      issue_date: at % 6 === 5 ? null : date,
      accepted_at: state === 'accepted' ? answered : null,
      declined_at: state === 'declined' ? answered : null,
    });
    if (sent_at !== null && answered !== null) {
      const message = (event: string | null, when: number) =>
        insertPast(making, account.estimate_messages, when, {
          ...messageMembers(making, event),
          estimate_id: estimate.id,
        });
      message(null, sent_at);
      if (state !== 'sent') message(state === 'accepted' ? 'accept' : 'decline', answered);
      estimate.updated_at = Math.max(estimate.updated_at, answered);
    }
    const invoice = invoices[at * 3];
    if (state === 'accepted' && invoice) invoice.estimate_id = estimate.id;
  });
}

function estimateLines({ account, dice }: Making, client: ClientRow, at: number): readonly LineItem[] {
  const level = PRICE_LEVEL[client.currency] ?? 1;
  return Array.from({ length: at % 5 === 4 ? 0 : dice.between(1, 4) }, () => ({
    id: account.estimates.takeLineId(),
    project_id: null,
    kind: dice.pick(ESTIMATE_KINDS),
    description: dice.chance(0.7) ? 'Discovery – über alles' : null,
    quantity: dice.pick([1, 3, 7.5]),
    unit_price: dice.between(50, 900) * level + 0.5,
    taxed: dice.chance(0.5),
    taxed2: dice.chance(0.2),
  }));
}
