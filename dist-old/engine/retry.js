/** The longest pause between two tries. */
export const RETRY_MAX_MS = 300_000;
/** `run --once` gives up on a stream after so many failed steps. */
const ONCE_ATTEMPTS = 6;
/** Whether requests that keep failing are a reason for this task to wait. */
export function isKeptWaiting(kind, { retry }) {
    return retry !== null && (isReading(retry.kind) || retry.kind === kind);
}
/** The stream's own reading, which everything else of it follows. */
export function isReading(kind) {
    return kind === 'read' || kind === 'window';
}
/** `run --once` no longer waits for it. */
export function isHopeless({ retry }) {
    return retry !== null && retry.attempt >= ONCE_ATTEMPTS;
}
