import { Refusal } from '../refusal.js';
export const told = (kind, stream, { id }, text) => ({
    kind,
    stream,
    id,
    text: `${text} (${stream} ${id})`,
});
const PATIENCE = 10_000;
/** Draws changes by their weights until the account allows one, makes it and tells it. */
export function change(account, changes, dice) {
    const weighted = changes.map((each) => [each[1], each]);
    const goneBefore = account.gone.length;
    for (let attempt = 0; attempt < PATIENCE; attempt++) {
        const [name, , act] = dice.weighted(weighted);
        try {
            const happened = act(account, dice);
            if (happened)
                return { ...happened, name, removed: account.gone.slice(goneBefore) };
        }
        catch (error) {
            // The account does not allow this one (a client with invoices cannot go): people then do something else.
            if (!(error instanceof Refusal))
                throw error;
        }
    }
    throw new Error('the account allows none of these changes');
}
/** Any row of the table, or undefined when it is empty. */
export function anyOf(table, dice) {
    const rows = table.all();
    return rows.length === 0 ? undefined : dice.pick(rows);
}
/** One of the newest rows: people mostly work on what is fresh. */
export function freshOf(table, dice) {
    const rows = table.all();
    return rows.length === 0 ? undefined : rows[Math.max(0, rows.length - 1 - dice.below(200))];
}
