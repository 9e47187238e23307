// "Did you mean …?": the candidate with the least edits, if it is near enough to be meant.
/** The candidate at most a third of its letters away from `given`; null when none is that near. */
export function nearest(given, candidates) {
    let best = null;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
        const edits = distance(given.toLowerCase(), candidate.toLowerCase());
        if (edits < least && edits <= Math.max(2, Math.floor(candidate.length / 3)) && edits < candidate.length) {
            best = candidate;
            least = edits;
        }
    }
    return best;
}
/** Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`. */
export function distance(a, b) {
    let before = [];
    let above = Array.from({ length: b.length + 1 }, (_, column) => column);
    for (let row = 1; row <= a.length; row++) {
        const current = [row];
        for (let column = 1; column <= b.length; column++) {
            const same = a[row - 1] === b[column - 1];
            let edits = Math.min(above[column] + 1, current[column - 1] + 1, above[column - 1] + (same ? 0 : 1));
            const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
            if (swapped)
                edits = Math.min(edits, before[column - 2] + 1);
            current.push(edits);
        }
        before = above;
        above = current;
    }
    return above[b.length];
}
