import { canonicalJson } from './canonical-json.js';
import { EXTRA } from './schemas.js';
const STANDING = { hours: null, rounded_hours: null };
/** Whether records of this schema can have a running timer. */
export function hasTimer(schema) {
    return schema.fields.some(({ name }) => name === 'is_running');
}
/** Harvest's record without what the timer moves. */
export function stoodStill(record) {
    return { ...record, ...STANDING };
}
/** A published record without it: equal to what is published of `stoodStill(record)`. */
export function publishedStill(record) {
    return { ...record, ...STANDING, [EXTRA]: extraStill(record[EXTRA]) };
}
/** The literals of rounded hours tick too. */
function extraStill(extra) {
    if (extra === null)
        return null;
    const { hours, rounded_hours, ...rest } = JSON.parse(extra);
    return Object.keys(rest).length === 0 ? null : canonicalJson(rest);
}
