// Invoices, estimates, their messages and payments as JSON (HARVEST-STREAMS, Lists).
import { dateTime, dateTimeOrNull } from '../calendar.ts';
import type { Account } from '../model/account.ts';
import { lineAmount, totalsOf } from '../model/documents.ts';
import type {
  DocumentRow,
  EstimateMessageRow,
  EstimateRow,
  InvoiceMessageRow,
  InvoiceRow,
  LineItem,
  MessageRow,
  PaymentRow,
} from '../model/rows.ts';
import { clientOf, type JsonObject, projectOf, stamps, userOf } from './json.ts';

export function invoice(account: Account, row: InvoiceRow): JsonObject {
  return {
    ...documentMembers(account, row),
    due_amount: account.invoices.dueAmount(row),
    state: row.state,
    period_start: row.period_start,
    period_end: row.period_end,
    issue_date: row.issue_date,
    due_date: row.due_date,
    payment_term: row.payment_term,
    payment_options: row.payment_options,
    paid_at: dateTimeOrNull(row.paid_at),
    paid_date: row.paid_date,
    closed_at: dateTimeOrNull(row.closed_at),
    recurring_invoice_id: row.recurring_invoice_id,
    estimate: row.estimate_id === null ? null : { id: row.estimate_id },
    retainer: row.retainer_id === null ? null : { id: row.retainer_id },
    line_items: row.line_items.map((line) => ({
      ...lineItem(line),
      project: line.project_id === null ? null : projectOf(account, line.project_id),
    })),
  };
}

export function estimate(account: Account, row: EstimateRow): JsonObject {
  return {
    ...documentMembers(account, row),
    state: row.state,
    issue_date: row.issue_date,
    accepted_at: dateTimeOrNull(row.accepted_at),
    declined_at: dateTimeOrNull(row.declined_at),
    line_items: row.line_items.map(lineItem),
  };
}

function documentMembers(account: Account, row: DocumentRow) {
  const totals = totalsOf(row);
  // The documentation says null and recordings show 0.0 for amounts of unset percentages: both occur here.
  const unset = row.id % 2 === 0 ? null : 0;
  return {
    id: row.id,
    client: clientOf(account, row.client_id),
    creator: row.creator_id === null ? null : userOf(account, row.creator_id),
    client_key: row.client_key,
    number: row.number,
    purchase_order: row.purchase_order,
    amount: totals.amount,
    tax: row.tax,
    tax_amount: row.tax === null ? unset : totals.tax_amount,
    tax2: row.tax2,
    tax2_amount: row.tax2 === null ? unset : totals.tax2_amount,
    discount: row.discount,
    discount_amount: row.discount === null ? unset : totals.discount_amount,
    subject: row.subject,
    notes: row.notes,
    currency: row.currency,
    sent_at: dateTimeOrNull(row.sent_at),
    ...stamps(row),
  };
}

function lineItem(line: LineItem) {
  const { id, kind, description, quantity, unit_price, taxed, taxed2 } = line;
  return { id, kind, description, quantity, unit_price, amount: lineAmount(line), taxed, taxed2 };
}

export function invoiceMessage(_account: Account, row: InvoiceMessageRow): JsonObject {
  const { include_link_to_client_invoice, attach_pdf, thank_you, reminder, send_reminder_on } = row;
  const own = { include_link_to_client_invoice, attach_pdf, thank_you, reminder, send_reminder_on };
  return { ...messageMembers(row), ...own };
}

export function estimateMessage(_account: Account, row: EstimateMessageRow): JsonObject {
  return messageMembers(row);
}

function messageMembers(row: MessageRow) {
  const { id, sent_by, sent_by_email, sent_from, sent_from_email, subject, body, send_me_a_copy, event_type } = row;
  const members = { id, sent_by, sent_by_email, sent_from, sent_from_email, subject, body, send_me_a_copy, event_type };
  return { ...members, recipients: row.recipients.map(({ name, email }) => ({ name, email })), ...stamps(row) };
}

export function payment(_account: Account, row: PaymentRow): JsonObject {
  const { id, amount, paid_date, recorded_by, recorded_by_email, notes, transaction_id } = row;
  return {
    ...{ id, amount, paid_at: dateTime(row.paid_at), paid_date, recorded_by, recorded_by_email, notes, transaction_id },
    payment_gateway: { id: row.payment_gateway_id, name: row.payment_gateway_name },
    ...stamps(row),
  };
}
