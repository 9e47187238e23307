// Clients and their contacts (HARVEST-API, Deletes).
import { invalid, notRemovable } from '../refusal.ts';
import { type Fields, Noun, present } from './noun.ts';
import type { ClientRow, ContactRow } from './rows.ts';
import { Index } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly clients: Clients;
    readonly contacts: Contacts;
  }
}

export class Clients extends Noun<ClientRow> {
  create(fields: Fields<ClientRow>): ClientRow {
    present({ Name: fields.name });
    this.#refuseTakenName(fields.name);
    return this.add({
      name: fields.name as string,
      is_active: fields.is_active ?? true,
      address: fields.address ?? null,
      statement_key: this.account.dice.hex(32),
      currency: fields.currency ?? this.account.company.currency,
    });
  }

  override update(id: number, fields: Fields<ClientRow>): ClientRow {
    const client = this.find(id);
    if (fields.name !== undefined && fields.name !== client.name) this.#refuseTakenName(fields.name);
    const renamed = fields.name !== undefined && fields.name !== client.name;
    this.edit(client, fields);
    if (renamed && this.account.settings.touches.renamed) this.#touchShowing(client);
    return client;
  }

  override delete(id: number): ClientRow {
    const client = this.find(id);
    const { projects, invoices, estimates, contacts } = this.account;
    const needed = projects.byClient.of(id).length + invoices.byClient.of(id).length + estimates.byClient.of(id).length;
    if (needed > 0) {
      throw notRemovable('Client is not removable. It still has projects, invoices and/or estimates.');
    }
    for (const contact of [...contacts.byClient.of(id)]) contacts.drop(contact);
    this.drop(client);
    return client;
  }

  #refuseTakenName(name: string | undefined): void {
    if (this.all().some((client) => client.name === name)) throw invalid('Name has already been taken');
  }

  #touchShowing(client: ClientRow): void {
    const { projects, invoices, estimates, contacts } = this.account;
    for (const contact of contacts.byClient.of(client.id)) contacts.touch(contact);
    for (const invoice of invoices.byClient.of(client.id)) invoices.touch(invoice);
    for (const estimate of estimates.byClient.of(client.id)) estimates.touch(estimate);
    for (const project of projects.byClient.of(client.id)) {
      projects.touch(project);
      projects.touchTracked(project);
    }
  }
}

export class Contacts extends Noun<ContactRow> {
  readonly byClient = this.index(new Index((contact: ContactRow) => contact.client_id));

  create(fields: Fields<ContactRow>): ContactRow {
    present({ Client: this.account.clients.get(fields.client_id ?? null), 'First name': fields.first_name });
    const contact = this.add({
      client_id: fields.client_id as number,
      title: fields.title ?? null,
      first_name: fields.first_name as string,
      last_name: fields.last_name ?? null,
      email: fields.email ?? '',
      phone_office: fields.phone_office ?? '',
      phone_mobile: fields.phone_mobile ?? '',
      fax: fields.fax ?? '',
    });
    this.account.clients.touch(this.account.clients.expect(contact.client_id));
    return contact;
  }
}
