// What invoices and estimates share: line items, totals, messages. Each one's states live in its own file.
import { invalid } from '../refusal.js';
import { money, Noun, present } from './noun.js';
import { Index } from './table.js';
const FIRST_LINE_ID = 53_341_602;
export class Documents extends Noun {
    byClient = this.index(new Index((document) => document.client_id));
    #nextLineId = FIRST_LINE_ID;
    takeLineId() {
        return this.#nextLineId++;
    }
    lineItems(before, changes) {
        const lines = new Map(before.map((line) => [line.id, { ...line }]));
        for (const { _destroy, ...change } of changes) {
            const line = lines.get(change.id ?? -1);
            if (line && _destroy)
                lines.delete(line.id);
            else if (line)
                Object.assign(line, change);
            else {
                present({ 'Line item kind': change.kind, 'Line item unit price': change.unit_price });
                const id = this.takeLineId();
                lines.set(id, { ...EMPTY_LINE, ...change, id, kind: change.kind, unit_price: change.unit_price });
            }
        }
        return [...lines.values()];
    }
}
const EMPTY_LINE = { project_id: null, description: null, quantity: 1, taxed: false, taxed2: false };
/** Lines minus discount plus taxes; discount comes off before tax, as Harvest computes it. */
export function totalsOf(document) {
    const kept = 1 - (document.discount ?? 0) / 100;
    let lines = 0;
    let taxed = 0;
    let taxed2 = 0;
    for (const line of document.line_items) {
        const amount = lineAmount(line);
        lines += amount;
        if (line.taxed)
            taxed += amount;
        if (line.taxed2)
            taxed2 += amount;
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
export const lineAmount = (line) => money(line.quantity * line.unit_price);
/** The members of a message that both kinds share; an ordinary message needs a body and somebody to read it. */
export function messageDraft(account, fields) {
    const ordinary = (fields.event_type ?? null) === null;
    const recipients = fields.recipients ?? [];
    if (ordinary)
        present({ Body: fields.body });
    if (ordinary && recipients.length === 0 && !fields.send_me_a_copy)
        throw invalid("Recipients can't be blank");
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
