// Estimates with their messages (HARVEST-STREAMS, Life of a record).
import { invalid } from '../refusal.ts';
import { type DocumentFields, Documents, messageDraft } from './documents.ts';
import { type Fields, Noun } from './noun.ts';
import type { EstimateMessageRow, EstimateRow } from './rows.ts';
import { DateIndex, Index } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly estimates: Estimates;
    readonly estimate_messages: EstimateMessages;
  }
}

export type EstimateFields = DocumentFields<EstimateRow>;

export class Estimates extends Documents<EstimateRow> {
  readonly byDate = this.index(new DateIndex((estimate: EstimateRow) => estimate.issue_date));

  create(fields: EstimateFields): EstimateRow {
    return this.add({
      ...this.draft(fields, 1),
      state: 'draft',
      issue_date: fields.issue_date ?? this.account.today(),
      accepted_at: null,
      declined_at: null,
    });
  }

  override delete(id: number): EstimateRow {
    const estimate = this.find(id);
    const { estimate_messages, invoices } = this.account;
    for (const message of [...estimate_messages.byEstimate.of(id)]) estimate_messages.drop(message);
    for (const invoice of invoices.all()) if (invoice.estimate_id === id) invoice.estimate_id = null;
    this.drop(estimate);
    return estimate;
  }

  /** The effect of a message with that event; 422 when the state forbids it. */
  applyEvent(estimate: EstimateRow, event: string | null): void {
    const now = this.account.seconds();
    const { state } = estimate;
    if (event === null && state !== 'draft') return;
    if ((event === null || event === 'send') && state !== 'accepted') {
      this.edit(estimate, { state: 'sent', sent_at: now, accepted_at: null, declined_at: null });
    } else if (event === 'accept' && (state === 'draft' || state === 'sent')) {
      this.edit(estimate, { state: 'accepted', accepted_at: now });
    } else if (event === 'decline' && state === 'sent') {
      this.edit(estimate, { state: 'declined', declined_at: now });
    } else if (event === 're-open' && (state === 'accepted' || state === 'declined')) {
      this.edit(estimate, { state: 'sent', accepted_at: null, declined_at: null });
    } else if ((event !== 'view' && event !== 'invoice') || state === 'draft') {
      throw invalid(`Event type ${event} is not allowed for a ${state} estimate`);
    }
  }
}

export class EstimateMessages extends Noun<EstimateMessageRow> {
  readonly byEstimate = this.index(new Index((message: EstimateMessageRow) => message.estimate_id));

  create(fields: Fields<EstimateMessageRow>): EstimateMessageRow {
    const { account } = this;
    const estimate = account.estimates.find(fields.estimate_id ?? -1);
    const draft = messageDraft(account, fields);
    account.estimates.applyEvent(estimate, draft.event_type);
    return this.add({ ...draft, estimate_id: estimate.id });
  }

  /** Never undoes what the message did to the estimate. */
  override delete(id: number): EstimateMessageRow {
    const message = super.delete(id);
    const { estimates, settings } = this.account;
    if (settings.touches.childDeleted) estimates.touch(estimates.expect(message.estimate_id));
    return message;
  }
}
