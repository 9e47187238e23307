// What the parts of the generation share: the plan, and how a row of the past is put in.
import { addDays, dayOfDate, midnightOf } from '../calendar.js';
/** A second within working hours of that day. */
export const workingSecond = (dice, date) => midnightOf(date) + dice.between(8 * 3600, 18 * 3600);
/** Puts a row of the past in: created then, changed some time later in a third of the cases, never in the future. */
export function insertPast({ account, dice }, table, createdAt, draft) {
    const latest = account.seconds() - 60;
    const created_at = Math.min(createdAt, latest);
    const edited = dice.chance(0.3) ? created_at + dice.between(60, 30 * 86_400) : created_at;
    const row = { id: table.takeId(), ...draft, created_at, updated_at: Math.min(edited, latest) };
    return table.insert(row);
}
/** `count` dates from start to end, ascending, spread evenly with some chance. */
export function spread(dice, count, start, end) {
    const days = dayOfDate(end) - dayOfDate(start);
    const offsets = Array.from({ length: count }, (_, at) => Math.floor(((at + dice.random()) / count) * (days + 1)));
    return offsets.map((offset) => addDays(start, Math.min(offset, days)));
}
/**
 * Chooses what was worked on at a date: among what had begun by then, the newer the likelier. `items` are in the order
 * they began; ask with ascending dates.
 */
export function underWay(dice, items, projectOf) {
    let begun = 0;
    return (date) => {
        const evening = midnightOf(date) + 86_400;
        while (begun < items.length && projectOf(items[begun]).created_at < evening)
            begun += 1;
        const choices = Math.max(1, begun);
        return items[choices - 1 - Math.floor(dice.random() ** 2 * choices)];
    };
}
