import { duration } from '../observe/readiness.js';
import { table } from './output.js';
import { standardOutput } from './standard-output.js';
const DRAW_INTERVAL_MS = 1_000;
const LINE_INTERVAL_MS = 15_000;
const ROWS_SHOWN = 12;
/** A terminal with a block that stays below the lines written to it. */
export class Screen {
    #output;
    #block = [];
    constructor(output) {
        this.#output = output;
    }
    /** A line above the block: log lines come through here, so that neither destroys the other. */
    write(line) {
        this.#output.write(this.#erasure() + line + this.#text());
    }
    /** Draws `block` where the block before it stood; an empty one takes it away. */
    draw(block) {
        const erasure = this.#erasure();
        // A line that the terminal would break in two would spoil the count of lines to go back.
        const width = Math.max(20, (this.#output.columns ?? 80) - 1);
        this.#block = block.map((line) => line.slice(0, width));
        if (erasure !== '' || block.length > 0)
            this.#output.write(erasure + this.#text());
    }
    #text() {
        return this.#block.map((line) => `${line}\n`).join('');
    }
    /** Up over the block, and everything below erased. */
    #erasure() {
        return this.#block.length > 0 ? `\x1b[${this.#block.length}A\x1b[J` : '';
    }
}
/** The screen of this process: the log of a terminal writes through it too. */
export const screen = new Screen(standardOutput);
/** Shows progress while any first sweep is incomplete, until `close`. */
export function showProgress(options) {
    const { status, clock, terminal, log } = options;
    const canvas = options.screen ?? screen;
    let since = null;
    let cancel;
    const show = () => {
        const now = { atMs: clock.monotonic(), accounts: status() };
        // The pace is counted from when streams are known: opening is no reading.
        if (since === null && now.accounts.some(({ streams }) => streams.length > 0))
            since = now;
        const incomplete = since !== null && isIncomplete(now);
        if (terminal)
            canvas.draw(incomplete ? renderBlock(since ?? now, now) : []);
        else if (incomplete)
            log.info({ event: 'progress' }, renderLine(since ?? now, now));
        cancel = clock.after(terminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS, show);
    };
    cancel = clock.after(DRAW_INTERVAL_MS, show);
    return {
        close: () => {
            cancel();
            if (terminal)
                canvas.draw([]);
        },
    };
}
/** `12 of 32 streams complete, 148 000 rows, 2 450 rows/s, about 3 min left` */
export function renderLine(since, now) {
    const opening = now.accounts.filter(({ phase }) => phase !== 'running');
    const readable = streamsOf(now).filter(({ state }) => state !== 'FEATURE_OFF');
    const complete = readable.filter((stream) => stream.complete);
    const standing = readable.filter(({ state }) => state === 'FORBIDDEN' || state === 'BLOCKED');
    const rate = rowsPerSecond(since, now);
    const left = secondsLeft(since, now);
    return [
        ...opening.map(({ accountId, phase, reason }) => `account ${accountId} ${phase}${reason ? ` (${reason})` : ''}`),
        `${complete.length} of ${readable.length} streams complete`,
        `${rowsOf(now)} rows`,
        ...(rate > 0 ? [`${rate} rows/s`] : []),
        ...(standing.length > 0 ? [`${standing.length} standing still`] : []),
        ...(left === null ? [] : [`about ${duration(left)} left`]),
    ].join(', ');
}
/** The line, what is left of the budgets, and a row for each stream that is being read or stands still. */
export function renderBlock(since, now) {
    const budgets = now.accounts.flatMap((account) => account.budgets);
    const left = budgets.map(({ name, requests, used, perSeconds }) => {
        return `${name} ${Math.max(0, requests - used)} of ${requests} per ${duration(perSeconds)}`;
    });
    const busy = streamsOf(now).filter(({ state, complete, sweep }) => state !== 'FEATURE_OFF' && !complete && (sweep !== null || state !== 'RUNNING'));
    const lines = [renderLine(since, now)];
    if (left.length > 0)
        lines.push(`requests left: ${left.join(', ')}`);
    if (busy.length > 0)
        lines.push('', ...table(busy.slice(0, ROWS_SHOWN), COLUMNS).trimEnd().split('\n'));
    if (busy.length > ROWS_SHOWN)
        lines.push(`and ${busy.length - ROWS_SHOWN} more`);
    return lines;
}
const COLUMNS = [
    { title: 'stream', value: ({ stream }) => stream },
    { title: 'pages', value: ({ sweep }) => sweep?.pages ?? null, align: 'right' },
    {
        title: 'done',
        value: ({ sweep }) => sweep && `${sweep.rows}${sweep.total ? ` / ${sweep.total}` : ''} ${sweep.unit}`,
    },
    { title: '', value: ({ sweep }) => (sweep?.total ? bar(sweep.rows / sweep.total) : '') },
    {
        title: '',
        value: ({ state, retrying }) => state === 'RUNNING' ? (retrying?.reason ?? '') : `${state}: harvest-kafka check tells why`,
    },
];
/** `█████░░░░░  50 %` */
function bar(share) {
    const tenths = Math.floor(Math.min(1, share) * 10);
    return `${'█'.repeat(tenths)}${'░'.repeat(10 - tenths)} ${String(Math.floor(Math.min(1, share) * 100)).padStart(3)} %`;
}
function rowsPerSecond(since, now) {
    const seconds = (now.atMs - since.atMs) / 1000;
    return seconds < 1 ? 0 : Math.max(0, Math.round((rowsOf(now) - rowsOf(since)) / seconds));
}
/**
 * What the slowest sweep under way still needs at its pace so far; null while no pace is known. Sweeps that have not
 * begun are not guessed at, hence "about".
 */
function secondsLeft(since, now) {
    const before = new Map(since.accounts.flatMap(({ accountId, streams }) => streams.map(({ stream, sweep }) => [`${accountId} ${stream}`, sweep])));
    const seconds = (now.atMs - since.atMs) / 1000;
    const estimates = now.accounts.flatMap(({ accountId, streams }) => streams.flatMap(({ stream, complete, sweep }) => {
        if (complete || !sweep?.total)
            return [];
        const earlier = before.get(`${accountId} ${stream}`);
        const done = sweep.rows - (earlier?.startedAt === sweep.startedAt ? earlier.rows : 0);
        return done > 0 ? [(Math.max(0, sweep.total - sweep.rows) * seconds) / done] : [];
    }));
    if (estimates.length === 0 || seconds < 1)
        return null;
    return Math.max(...estimates, ...now.accounts.map(secondsOfReports));
}
/** Each window of a report is a request, and their budget is small: no pace so far outruns it. */
function secondsOfReports({ streams, budgets }) {
    const budget = budgets.find(({ name }) => name === 'reports');
    const windows = streams.flatMap(({ complete, sweep }) => !complete && sweep?.unit === 'windows' && sweep.total ? [Math.max(0, sweep.total - sweep.rows)] : []);
    if (!budget || windows.length === 0)
        return 0;
    const requests = windows.reduce((sum, left) => sum + left, 0) - Math.max(0, budget.requests - budget.used);
    return (Math.max(0, requests) * budget.perSeconds) / budget.requests;
}
/** Streams that stand still are not waited for: they need a person, and say so elsewhere. */
function isIncomplete(snapshot) {
    return streamsOf(snapshot).some(({ state, complete }) => state === 'RUNNING' && !complete);
}
function streamsOf({ accounts }) {
    return accounts.flatMap(({ streams }) => streams);
}
function rowsOf(snapshot) {
    return streamsOf(snapshot).reduce((sum, { rows }) => sum + rows, 0);
}
