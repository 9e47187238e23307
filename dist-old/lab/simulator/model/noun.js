// What all nouns share: ids and timestamps on creation, updated_at on edits, 404 for unknown ids.
// Each noun's own file adds its rules; the account holds them all.
import { invalid, notFound } from '../refusal.js';
import { Table } from './table.js';
export class Noun extends Table {
    stream;
    account;
    constructor(account, stream, firstId) {
        super(firstId);
        this.stream = stream;
        this.account = account;
    }
    /** The row, or Harvest's 404. */
    find(id) {
        const row = this.get(id);
        if (!row)
            throw notFound();
        return row;
    }
    update(id, fields) {
        return this.edit(this.find(id), fields);
    }
    /** Deletes as Harvest does: hard, with what hangs on it; returns the row as it was. */
    delete(id) {
        const row = this.find(id);
        this.drop(row);
        return row;
    }
    /** Never back: a write that comes late stands behind what was seen before it. */
    touch(row) {
        row.updated_at = Math.max(row.updated_at, this.account.stamp());
    }
    drop(row) {
        super.drop(row);
        this.account.gone.push({ stream: this.stream, id: row.id, at: this.account.seconds() });
    }
    add(draft) {
        const now = this.account.stamp();
        return this.insert({ id: this.takeId(), ...draft, created_at: now, updated_at: now });
    }
    edit(row, fields) {
        this.assign(row, fields);
        this.touch(row);
        return row;
    }
}
/** Throws one 422 that names everything missing: `{ Name: undefined }` → "Name can't be blank". */
export function present(values) {
    const missing = Object.entries(values).filter(([, value]) => value === undefined || value === null || value === '');
    if (missing.length > 0)
        throw invalid(...missing.map(([label]) => `${label} can't be blank`));
}
export const money = (amount) => Math.round(amount * 100) / 100;
