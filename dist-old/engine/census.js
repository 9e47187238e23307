// What is missing: the rules of tally, census and hold (design section 4). Pure; census-step.ts and list-step.ts ask Harvest.
//
// A tally compares Harvest's count with ours and costs one request. When it does not add up, a census of cause `tally` looks
// for the place: a dated list is halved by days, and only halves that do not add up are gone into, so that k deletions among n
// rows cost O(k log n) requests; a list that goes by id is walked. What a list no longer has is a suspect, and only Harvest's
// own 404 for its id makes it a deletion.
import { isoSeconds } from '../base/clock.js';
export function limitOf(rows, { share, atLeast }) {
    return Math.max(atLeast, Math.floor(rows * share));
}
/** The row after a tally that found `missing` rows of ours missing at Harvest (negative: Harvest has more than we). */
export function tallied(row, missing, limit, now) {
    const at = isoSeconds(now);
    // What would be taken along is asked for again: a role that came back answers 200 for what was 404.
    const doubted = row.hold?.kind === 'cascade';
    const counted = {
        ...row,
        tallied_at: at,
        missing,
        ...(doubted && { suspects: [...row.suspects, ...row.gone], gone: [] }),
    };
    if (missing > limit && !row.hold?.released) {
        const reason = missingReason(missing, row.rows);
        return { ...counted, census: null, suspects: [], hold: holdOf(row, 'missing', reason, at) };
    }
    // A role that shrank also hides members of records: what came back is read whole.
    const isBack = row.hold?.kind === 'missing' && missing <= limit;
    const settled = isBack ? { hold: null, census_due: 'asked' } : {};
    if (missing === 0)
        return { ...counted, ...settled, explained: 0 };
    if (doubted)
        return counted;
    // More rows than we know are mostly just being made: only what stays is looked for.
    const isNews = missing !== row.explained && (missing > 0 || row.missing < 0);
    return { ...counted, ...settled, ...(isNews && !isBack && { census_due: row.census_due ?? 'tally' }) };
}
/** Why a stream is held that misses too much. */
export function missingReason(missing, rows) {
    return `${missing} of ${rows} rows are missing at Harvest at once: deleted, or hidden from this token`;
}
export function holdOf(row, kind, reason, at) {
    return { kind, reason, since: row.hold?.kind === kind ? row.hold.since : at, released: false };
}
/** The census that begins now. `days` are the rows of the index by day, for lists that have days. */
export function beginCensus(stream, cause, missing, days) {
    const ranges = stream.dated === null ? null : cause === 'tally' ? searched(days, missing) : parted(days);
    return { cause, started_at: '', ranges, next: null, floor: null, pages: 0, read: 0, found: 0, missing };
}
/** Where a search for `missing` rows begins: with the whole, or with every page once halving would ask for more than those. */
function searched(days, missing) {
    const pages = parted(days);
    const places = Math.max(1, Math.abs(missing));
    // Places share the first halvings; then each goes its own way down to a page, which is read.
    const requests = places * (Math.log2(Math.max(1, pages.length / places)) + 2);
    return requests < pages.length ? [{ from: null, to: null, total: null }] : pages;
}
/** A part of a page that may have grown past it by the time it is read. */
const FULL = 0.9;
/** Rows of an index by day, in ascending order, how many have no day, and how many fit into a page. */
export class Histogram {
    #days;
    undated;
    page;
    constructor(counts, pageRows) {
        this.page = pageRows * FULL;
        this.undated = counts.get(null) ?? 0;
        this.#days = [...counts]
            .filter((entry) => entry[0] !== null)
            .sort((a, b) => a[0] - b[0]);
    }
    /** Rows in the range; rows without a day are in the whole alone. */
    count({ from, to }) {
        let sum = from === null && to === null ? this.undated : 0;
        for (const [day, count] of this.#days)
            if (day >= (from ?? day) && day <= (to ?? day))
                sum += count;
        return sum;
    }
    /** The day after which half of the range's rows lie; null when they are all on one day. */
    middle(range) {
        const inside = this.#days.filter(([day]) => day >= (range.from ?? day) && day <= (range.to ?? day));
        if (inside.length < 2)
            return null;
        const half = inside.reduce((sum, [, count]) => sum + count, 0) / 2;
        let sum = 0;
        for (const [day, count] of inside.slice(0, -1)) {
            sum += count;
            if (sum >= half)
                return day;
        }
        return inside.at(-2)[0];
    }
    days() {
        return this.#days;
    }
}
/** The whole list in ranges that are one page each; days with more rows than that stay whole. */
export function parted(days) {
    const ranges = [];
    let from = null;
    let rows = 0;
    let last = null;
    for (const [day, count] of days.days()) {
        if (last !== null && rows + count > days.page) {
            ranges.push({ from, to: last, total: null });
            from = last + 1;
            rows = 0;
        }
        rows += count;
        last = day;
    }
    return [...ranges, { from, to: null, total: null }];
}
/** Whether the range is read rather than halved. */
export function isPage(range, days) {
    return days.count(range) <= days.page || days.middle(range) === null;
}
/** The range in two; the second's total follows from the first's. */
export function halved(range, days) {
    const middle = days.middle(range);
    return [
        { from: range.from, to: middle, total: null },
        { from: middle + 1, to: range.to, total: null },
    ];
}
/** The row after a step of its census: suspects found, and what ends with it. */
export function counted(row, census, found, limit, now) {
    const at = isoSeconds(now);
    const isHeld = row.hold !== null && !row.hold.released;
    if (!isHeld && !row.hold?.released && census.found > limit) {
        const reason = missingReason(census.found, row.rows);
        return { ...row, census: null, suspects: [], census_at: at, hold: holdOf(row, 'missing', reason, at) };
    }
    const suspects = isHeld ? row.suspects : [...new Set([...row.suspects, ...found])];
    if (!isDone(census))
        return { ...row, census, suspects };
    // What a census could not mend is taken as it is, until the count is another; confirm-step.ts takes off what it deletes.
    const ended = { ...row, census: null, suspects, explained: row.missing };
    if (census.cause !== 'tally')
        return { ...ended, census_at: at };
    // Counts that cancel each other out hide from a search; reading everything does not miss them.
    if (census.found === 0 && census.ranges !== null)
        return { ...ended, census_due: 'asked' };
    return ended;
}
export function isDone(census) {
    return census.ranges === null ? census.pages > 0 && census.next === null : census.ranges.length === 0;
}
