// Invoices and estimates share line items, totals and messages. The states of each stand in a file of its own.
import { invalid } from '../refusal.ts';
import { type Fields, money, Noun, type Nouns, present } from './noun.ts';
import type { DocumentRow, LineItem, MessageRow, Row } from './rows.ts';
import { Index } from './table.ts';

/** A line as sent by a caller: without `id` it is added, with one edited, with `_destroy` removed. */
export type LineItemChange = Partial<LineItem> & { _destroy?: boolean };

/** The members of a document that a caller may give. */
export type DocumentFields<R extends DocumentRow> = Omit<Fields<R>, 'line_items'> & {
  line_items?: readonly LineItemChange[];
};

const FIRST_LINE_ID = 53_341_602;

export abstract class Documents<R extends DocumentRow> extends Noun<R> {
  readonly byClient = this.index(new Index((document: R) => document.client_id));
  #nextLineId = FIRST_LINE_ID;

  takeLineId(): number {
    return this.#nextLineId++;
  }

  /** The members of a new document that both kinds share. */
  protected draft(fields: DocumentFields<DocumentRow>, firstNumber: number): Omit<DocumentRow, keyof Row> {
    const { account } = this;
    const client = account.clients.get(fields.client_id ?? null);
    present({ Client: client });
    return {
      client_id: client!.id,
      line_items: this.lineItems([], fields.line_items ?? []),
      creator_id: account.me().id,
      client_key: account.dice.hex(40),
      number: fields.number ?? String(firstNumber + this.size),
      purchase_order: fields.purchase_order ?? '',
      tax: fields.tax ?? null,
      tax2: fields.tax2 ?? null,
      discount: fields.discount ?? null,
      subject: fields.subject ?? '',
      notes: fields.notes ?? '',
      currency: fields.currency ?? client!.currency,
      sent_at: null,
    };
  }

  override update(id: number, { line_items, ...rest }: DocumentFields<R>): R {
    const document = this.find(id);
    const fields = rest as Fields<DocumentRow>;
    if (fields.client_id !== undefined) present({ Client: this.account.clients.get(fields.client_id) });
    if (line_items) fields.line_items = this.lineItems(document.line_items, line_items);
    return this.edit(document, fields as Fields<R>);
  }

  protected lineItems(before: readonly LineItem[], changes: readonly LineItemChange[]): readonly LineItem[] {
    const lines = new Map(before.map((line) => [line.id, { ...line }]));
    for (const { _destroy, ...change } of changes) {
      const line = lines.get(change.id ?? -1);
      if (line && _destroy) lines.delete(line.id);
      else if (line) Object.assign(line, change);
      else {
        present({ 'Line item kind': change.kind, 'Line item unit price': change.unit_price });
        const id = this.takeLineId();
        lines.set(id, { ...EMPTY_LINE, ...change, id, kind: change.kind!, unit_price: change.unit_price! });
      }
    }
    return [...lines.values()];
  }
}

const EMPTY_LINE = { project_id: null, description: null, quantity: 1, taxed: false, taxed2: false };

export interface Totals {
  readonly amount: number;
  readonly discount_amount: number;
  readonly tax_amount: number;
  readonly tax2_amount: number;
}

/** Lines minus discount plus taxes; discount comes off before tax, as Harvest computes it. */
export function totalsOf(document: DocumentRow): Totals {
  const kept = 1 - (document.discount ?? 0) / 100;
  let lines = 0;
  let taxed = 0;
  let taxed2 = 0;
  for (const line of document.line_items) {
    const amount = lineAmount(line);
    lines += amount;
    if (line.taxed) taxed += amount;
    if (line.taxed2) taxed2 += amount;
  }
  const tax_amount = money((taxed * kept * (document.tax ?? 0)) / 100);
  const tax2_amount = money((taxed2 * kept * (document.tax2 ?? 0)) / 100);
  const discount_amount = money(lines * (1 - kept));
  return {
    amount: money(lines - discount_amount + tax_amount + tax2_amount),
    discount_amount,
    tax_amount,
    tax2_amount,
  };
}

export const lineAmount = (line: LineItem): number => money(line.quantity * line.unit_price);

/** The members of a message that both kinds share; an ordinary message needs a body and somebody to read it. */
export function messageDraft(account: Nouns, fields: Partial<MessageRow>): Omit<MessageRow, keyof Row> {
  const ordinary = (fields.event_type ?? null) === null;
  const recipients = fields.recipients ?? [];
  if (ordinary) present({ Body: fields.body });
  if (ordinary && recipients.length === 0 && !fields.send_me_a_copy) throw invalid("Recipients can't be blank");
  const me = account.me();
  const name = `${me.first_name} ${me.last_name}`;
  return {
    sent_by: name,
    sent_by_email: me.email,
    sent_from: name,
    sent_from_email: me.email,
    recipients: recipients.map(({ name = null, email = null }) => ({ name, email })),
    subject: fields.subject ?? null,
    body: fields.body ?? null,
    send_me_a_copy: fields.send_me_a_copy ?? false,
    event_type: fields.event_type ?? null,
  };
}
