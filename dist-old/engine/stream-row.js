// The state row of a stream: where it stands, as stored in the state topic with the records it speaks of (P4). Plain JSON in
// snake_case, because operators read it (`state show`). Pure: every change is a new row; times come in as arguments.
import { isoSeconds } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
const NO_CENSUS = {
    census: null,
    census_due: null,
    census_at: null,
    tallied_at: null,
    missing: 0,
    explained: 0,
    suspects: [],
    gone: [],
};
/** What the stream is in, as people see it: a hold is a state too. */
export function stateOf({ state, hold }) {
    return state === 'RUNNING' && hold !== null && !hold.released ? 'HELD' : state;
}
/** Why a stream is in its state, and what to do about it. */
export function whyOf(row) {
    if (stateOf(row) === 'HELD')
        return { reason: row.hold.reason, remedy: HELD_REMEDY };
    return { reason: row.reason ?? 'answers again', remedy: row.remedy ?? '' };
}
const HELD_REMEDY = "Nothing is deleted meanwhile. If the token's owner lost a role, give it back: the hold ends by itself. If the records were deleted: harvest-kafka release <stream>.";
/** The row of a stream that was never read. */
export function freshRow(stream, grain, now) {
    const at = isoSeconds(now);
    return {
        version: 1,
        state: 'RUNNING',
        reason: null,
        remedy: null,
        since: at,
        position: freshPosition(stream, grain),
        complete: false,
        synced_to: null,
        swept_at: null,
        ...NO_CENSUS,
        hold: null,
        rows: 0,
        dead_letters: 0,
        refused: {},
        unknown: [],
        company: null,
        moved_at: at,
        moved_by: 'first',
    };
}
/** The same stream from the beginning again, its history of refusals kept: the topic was emptied, or is being rebuilt. */
export function restartedRow(row, stream, grain) {
    const position = freshPosition(stream, grain);
    return { ...row, position, ...NO_CENSUS, complete: false, synced_to: null, swept_at: null };
}
/** Reads a stored row back. Throws `state.unreadable` for a version that we do not know. */
export function parseRow(stream, json) {
    const position = json.position;
    if (json.version !== 1 || position?.kind !== positionKind(stream)) {
        throw new PublisherError('state.unreadable', `the state row of ${stream.name} has version ${json.version}, we read 1`);
    }
    // Rows of before a member was there lack it.
    const blank = { ...freshRow(stream, 'month', 0), position: { ...freshPosition(stream, 'month'), ...position } };
    return { ...blank, ...json, position: blank.position };
}
function positionKind(stream) {
    return stream.kind === 'whole' ? 'list' : stream.kind;
}
function freshPosition(stream, grain) {
    switch (stream.kind) {
        case 'list':
        case 'whole':
            return { kind: 'list', cursor: null, sweep: null };
        case 'child':
            return { kind: 'child', pending: [], pending_since: null, sweep: null };
        case 'report':
            return {
                ...{ kind: 'report', grain, covered: null, sweep: null },
                ...{ dirty: [], touched: [], held: [], round: null, round_at: null },
            };
    }
}
