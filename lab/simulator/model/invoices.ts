// Invoices with their messages and payments (HARVEST-STREAMS, Life of a record).
import { addDays, dateOf, midnightOf } from '../calendar.ts';
import { invalid, notFound } from '../refusal.ts';
import { type DocumentFields, Documents, type LineItemChange, messageDraft, totalsOf } from './documents.ts';
import { type Fields, money, Noun, present } from './noun.ts';
import type { InvoiceMessageRow, InvoiceRow, PaymentRow } from './rows.ts';
import { DateIndex, Index } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly invoices: Invoices;
    readonly invoice_messages: InvoiceMessages;
    readonly invoice_payments: InvoicePayments;
  }
}

export interface InvoiceImport {
  readonly project_ids: readonly number[];
  readonly time?: { readonly from?: string; readonly to?: string };
  readonly expenses?: { readonly from?: string; readonly to?: string };
}

export type InvoiceFields = DocumentFields<InvoiceRow> & { line_items_import?: InvoiceImport };

const TERM_DAYS: Readonly<Record<string, number>> = { 'net 15': 15, 'net 30': 30, 'net 45': 45, 'net 60': 60 };

export class Invoices extends Documents<InvoiceRow> {
  readonly byDate = this.index(new DateIndex((invoice: InvoiceRow) => invoice.issue_date));

  /** `line_items_import` bills the uninvoiced time and expenses of the projects: those records move as well. */
  create(fields: InvoiceFields): InvoiceRow {
    const { account } = this;
    const issue_date = fields.issue_date ?? account.today();
    const payment_term = fields.payment_term ?? 'upon receipt';
    const invoice = this.add({
      ...this.draft(fields, 1000),
      estimate_id: account.estimates.get(fields.estimate_id ?? null)?.id ?? null,
      retainer_id: fields.retainer_id ?? null,
      state: 'draft',
      period_start: null,
      period_end: null,
      issue_date,
      due_date: fields.due_date ?? addDays(issue_date, TERM_DAYS[payment_term] ?? 0),
      payment_term,
      payment_options: fields.payment_options ?? [],
      paid_at: null,
      paid_date: null,
      closed_at: null,
      recurring_invoice_id: null,
    });
    if (fields.line_items_import) this.#bill(invoice, fields.line_items_import);
    account.clients.touch(account.clients.expect(invoice.client_id));
    return invoice;
  }

  override update(id: number, { line_items_import, ...rest }: InvoiceFields): InvoiceRow {
    return super.update(id, rest);
  }

  /** In any state. Messages and payments go along; its time and expenses become uninvoiced. */
  override delete(id: number): InvoiceRow {
    const invoice = this.find(id);
    const { invoice_messages, invoice_payments, time_entries, expenses } = this.account;
    for (const message of [...invoice_messages.byInvoice.of(id)]) invoice_messages.drop(message);
    for (const payment of [...invoice_payments.byInvoice.of(id)]) invoice_payments.drop(payment);
    for (const entry of time_entries.all()) if (entry.invoice_id === id) time_entries.update(entry.id, UNBILLED);
    for (const expense of expenses.all()) if (expense.invoice_id === id) expenses.update(expense.id, UNBILLED);
    this.drop(invoice);
    return invoice;
  }

  dueAmount(invoice: InvoiceRow): number {
    const paid = this.account.invoice_payments.byInvoice.of(invoice.id).reduce((sum, { amount }) => sum + amount, 0);
    return money(totalsOf(invoice).amount - paid);
  }

  /** The effect of a message with that event; 422 when the state forbids it. */
  applyEvent(invoice: InvoiceRow, event: string | null): void {
    const now = this.account.seconds();
    const draft = invoice.state === 'draft';
    if (event === null || event === 'send') {
      this.edit(invoice, { sent_at: now, ...(draft && { state: 'open' }) });
    } else if (event === 'close' && invoice.state === 'open') {
      this.edit(invoice, { state: 'closed', closed_at: now });
    } else if (event === 're-open' && (invoice.state === 'closed' || invoice.state === 'paid')) {
      this.edit(invoice, { state: 'open', closed_at: null });
    } else if (event === 'draft' && invoice.state === 'open') {
      this.edit(invoice, { state: 'draft', sent_at: null });
    } else {
      throw invalid(`Event type ${event} is not allowed for a ${invoice.state} invoice`);
    }
  }

  /** After a payment came or went: paid when nothing is due, open again when something is. A draft stays one. */
  settle(invoice: InvoiceRow, latest: PaymentRow | null): void {
    if (invoice.state !== 'paid' && latest && this.dueAmount(invoice) <= 0) {
      this.edit(invoice, { state: 'paid', paid_at: latest.paid_at, paid_date: latest.paid_date });
    } else if (invoice.state === 'paid' && this.dueAmount(invoice) > 0) {
      this.edit(invoice, { state: 'open', paid_at: null, paid_date: null });
    }
  }

  #bill(invoice: InvoiceRow, request: InvoiceImport): void {
    const { projects, time_entries, expenses, invoice_item_categories } = this.account;
    const kindOf = (use: 'use_as_service' | 'use_as_expense') =>
      invoice_item_categories.all().find((category) => category[use])?.name ?? 'Service';
    const lines: LineItemChange[] = [];
    for (const project_id of request.project_ids) {
      const project = projects.find(project_id);
      const open = <R extends { project_id: number; billable: boolean; invoice_id: number | null }>(row: R) =>
        row.project_id === project_id && row.billable && row.invoice_id === null;
      if (request.time) {
        const { from, to } = request.time;
        const entries = time_entries.byDate.newestFirst(from, to).filter(open);
        const hours = entries.reduce((sum, entry) => sum + entry.hours, 0);
        const amount = entries.reduce((sum, entry) => sum + entry.hours * (entry.billable_rate ?? 0), 0);
        for (const entry of entries) time_entries.update(entry.id, { invoice_id: invoice.id });
        const unit_price = hours === 0 ? 0 : money(amount / hours);
        const line = { project_id, kind: kindOf('use_as_service'), description: project.name };
        if (entries.length > 0) lines.push({ ...line, quantity: money(hours), unit_price });
      }
      if (request.expenses) {
        const { from, to } = request.expenses;
        const costs = expenses.byDate.newestFirst(from, to).filter(open);
        const total = money(costs.reduce((sum, expense) => sum + expense.total_cost, 0));
        for (const expense of costs) expenses.update(expense.id, { invoice_id: invoice.id });
        const line = { project_id, kind: kindOf('use_as_expense'), description: project.name };
        if (costs.length > 0) lines.push({ ...line, quantity: 1, unit_price: total });
      }
    }
    this.edit(invoice, {
      line_items: this.lineItems(invoice.line_items, lines),
      period_start: request.time?.from ?? null,
      period_end: request.time?.to ?? null,
    });
  }
}

const UNBILLED = { invoice_id: null };

export class InvoiceMessages extends Noun<InvoiceMessageRow> {
  readonly byInvoice = this.index(new Index((message: InvoiceMessageRow) => message.invoice_id));

  create(fields: Fields<InvoiceMessageRow>): InvoiceMessageRow {
    const { account } = this;
    const invoice = account.invoices.find(fields.invoice_id ?? -1);
    const draft = messageDraft(account, fields);
    account.invoices.applyEvent(invoice, draft.event_type);
    return this.add({
      ...draft,
      invoice_id: invoice.id,
      include_link_to_client_invoice: fields.include_link_to_client_invoice ?? false,
      attach_pdf: fields.attach_pdf ?? false,
      thank_you: fields.thank_you ?? false,
      reminder: false,
      send_reminder_on: null,
    });
  }

  /** Never undoes what the message did to the invoice. */
  override delete(id: number): InvoiceMessageRow {
    const message = super.delete(id);
    const { invoices, settings } = this.account;
    if (settings.touches.childDeleted) invoices.touch(invoices.expect(message.invoice_id));
    return message;
  }
}

export class InvoicePayments extends Noun<PaymentRow> {
  readonly byInvoice = this.index(new Index((payment: PaymentRow) => payment.invoice_id));

  create(fields: Fields<PaymentRow>): PaymentRow {
    const { account } = this;
    const invoice = account.invoices.find(fields.invoice_id ?? -1);
    present({ Amount: fields.amount });
    const paid_date = fields.paid_date ?? (fields.paid_at === undefined ? account.today() : dateOf(fields.paid_at));
    const me = account.me();
    const payment = this.add({
      invoice_id: invoice.id,
      amount: fields.amount as number,
      // Midnight UTC when only a date was given.
      paid_at: fields.paid_at ?? midnightOf(paid_date),
      paid_date,
      recorded_by: `${me.first_name} ${me.last_name}`,
      recorded_by_email: me.email,
      notes: fields.notes ?? '',
      transaction_id: null,
      payment_gateway_id: null,
      payment_gateway_name: null,
    });
    account.invoices.touch(invoice);
    account.invoices.settle(invoice, payment);
    return payment;
  }

  override delete(id: number): PaymentRow {
    const payment = super.delete(id);
    const { invoices, settings } = this.account;
    const invoice = invoices.get(payment.invoice_id);
    if (!invoice) throw notFound();
    if (settings.touches.childDeleted) invoices.touch(invoice);
    invoices.settle(invoice, null);
    return payment;
  }
}
