import { duration } from '../observe/readiness.js';
import { screen } from './progress.js';
const DRAW_INTERVAL_MS = 1_000;
const LINE_INTERVAL_MS = 15_000;
/** Shows progress until `close`. */
export function showVerifying(options) {
    const { watched, clock, terminal, line, canvas = screen } = options;
    const everyMs = terminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS;
    let cancel = clock.after(everyMs, function show() {
        const lines = watched.map(renderWatched);
        if (terminal)
            canvas.draw(lines);
        else
            for (const text of lines)
                line(text);
        cancel = clock.after(everyMs, show);
    });
    return {
        close: () => {
            cancel();
            if (terminal)
                canvas.draw([]);
        },
    };
}
/** `account 1234567: 12 of 32 streams, 40 requests of about 61, 2 streams wait for their second look` */
export function renderWatched({ accountId, expected, verification }) {
    const { done, streams, asked, waiting } = verification.progress;
    const second = waiting === 0 ? '' : `, ${waiting} to be looked at again`;
    const all = expected.general + expected.reports;
    return `account ${accountId}: ${done} of ${streams} streams, ${asked} requests of about ${all}${second}`;
}
/** `account 1234567: about 52 general requests at 5 per 15 s, about 9 reports requests at 5 per 15 min: 15 min` */
export function renderExpectation(accountId, expected, budgets) {
    const needed = budgets.filter(({ name }) => expected[name] > 0);
    const parts = needed.map(({ name, requests, windowMs }) => {
        return `about ${expected[name]} ${name} requests at ${requests} per ${duration(windowMs / 1000)}`;
    });
    // The first window is free; each further one has to pass.
    const waits = needed.map(({ name, requests, windowMs }) => (Math.ceil(expected[name] / requests) - 1) * (windowMs / 1000));
    const seconds = Math.max(0, ...waits);
    return `account ${accountId}: ${parts.join(', ')}${seconds > 0 ? `; at least ${duration(seconds)}` : ''}`;
}
