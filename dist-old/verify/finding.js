/** Whether Harvest and the topic differ on the stream. */
export function differs({ missing, extra, stale, tally }) {
    return missing.length + extra.length + stale.length > 0 || (tally !== null && tally.harvest !== tally.topic);
}
/** A finding that found nothing, with what the daemon's state row says. */
export function findingOf(stream, row) {
    const none = { missing: [], extra: [], stale: [], refused: [], refused_parents: [] };
    const counts = { compared: 0, moving: 0, exit_code: 0, tally: null };
    return { stream, state: 'compared', reason: null, remedy: null, daemon: daemonNote(row), ...none, ...counts };
}
/** What a failure makes of its stream; null when it is not the stream's alone. */
export function refusalOf({ code, kind }) {
    if (code === 'harvest.forbidden' || code === 'harvest.not_found')
        return 'FORBIDDEN';
    if (kind === 'blocked')
        return 'BLOCKED';
    return kind === 'transient' ? 'failed' : null;
}
function daemonNote(row) {
    if (row === undefined)
        return null;
    const hold = (row.hold ?? null);
    if (row.state === 'RUNNING' && hold !== null && !hold.released) {
        const { reason, since } = hold;
        return { state: 'HELD', reason, since, remedy: 'harvest-kafka release <stream>', complete: row.complete === true };
    }
    if (row.state === 'RUNNING' && row.complete === true)
        return null;
    const text = (value) => (typeof value === 'string' ? value : null);
    return {
        state: String(row.state),
        reason: text(row.reason),
        remedy: text(row.remedy),
        since: text(row.since),
        complete: row.complete === true,
    };
}
