// One Harvest account: open the sink and take its state; until told to stop, start what is most due, commit what finished;
// after any doubt begin again from what the topics say. No host, header, topic setting or process is known here, and several
// accounts can run side by side (design section 7).
import { setMaxListeners } from 'node:events';
import { isoSeconds, jitteredPause } from '../base/clock.js';
import { asPublisherError, isPassing } from '../base/errors.js';
import { accountStatus } from './account-status.js';
import { BUDGETS_ROW, Committer } from './committer.js';
import { withConsequences } from './consequences.js';
import { isReadable } from './live-stream.js';
import { createStreams, takeState } from './live-streams.js';
import { OrderWatch } from './order-watch.js';
import { dependentsOf } from './removal-step.js';
import { isHopeless, RETRY_MAX_MS } from './retry.js';
import { isMended, isRounded, runStep } from './run-step.js';
import { HELD_PROBE_MS, PROBE_MS, schedule, waitsFor } from './schedule.js';
import { stepResult } from './step.js';
/**
 * Steps under way at once, by the budget they wait for: enough to keep it busy while one page is encoded and another
 * commits. Reports wait for minutes; were the places shared, nothing else would be read meanwhile.
 */
const STEPS_AT_ONCE = { general: 6, reports: 3 };
/** Nothing due: look again after this long all the same. */
const IDLE_MAX_MS = 60_000;
/** What is not urgent begins only while less than this share of a budget's window is used. */
const SLACK_SHARE = 0.5;
const BACKOFF_BASE_MS = 500;
const REOPEN_BASE_MS = 100;
const REOPEN_MAX_MS = 15_000;
/** `run --once` gives up on the broker after so long. */
const ONCE_PATIENCE_MS = 120_000;
export class Account {
    #parts;
    #streams;
    #startedAt;
    #phase = { name: 'opening', reason: null, remedy: null };
    #storeBudgets = () => { };
    #once = false;
    #only = null;
    /** Steps of this process so far. */
    #steps = 0;
    #orders;
    constructor(parts) {
        this.#parts = parts;
        this.#startedAt = parts.clock.now();
        this.#streams = createStreams(parts.streams, parts.settings.grain, this.#startedAt);
        this.#orders = new OrderWatch(parts.sink, parts.clock, this.#streams);
    }
    /**
     * Runs until `signal` aborts, or with `once` until everything that is due has been caught up. Resolves when stopped
     * cleanly; throws the PublisherError that ends the account (unauthorised, fenced, broker contract, bug; with `once`
     * also what kept failing).
     */
    async run(signal, { once = false, only = null } = {}) {
        const { clock, sink, source } = this.#parts;
        this.#once = once;
        this.#only = only;
        let failingSince = null;
        try {
            for (let attempt = 1; !signal.aborted; attempt++) {
                let keptFailing = null;
                try {
                    keptFailing = await this.#session(signal, () => {
                        attempt = 0;
                        failingSince = null;
                    });
                    if (keptFailing === null)
                        return;
                }
                catch (thrown) {
                    // What was under way when we were told to stop has ended as it should.
                    if (signal.aborted && isAbort(thrown))
                        return;
                    const error = asPublisherError(thrown);
                    failingSince ??= clock.monotonic();
                    const hopeless = once && clock.monotonic() - failingSince > ONCE_PATIENCE_MS;
                    if (!isPassing(error) || hopeless)
                        throw error;
                    await this.#waitToReopen(error, attempt, signal);
                }
                if (keptFailing !== null)
                    throw keptFailing;
            }
        }
        catch (thrown) {
            const error = asPublisherError(thrown);
            this.#phase = { name: 'stopped', code: error.code, reason: error.message, remedy: error.remedy };
            this.#parts.emit({ name: 'account.stopped', code: error.code, reason: error.message, remedy: error.remedy });
            throw error;
        }
        finally {
            await Promise.all([sink.close(), source.close()]);
        }
    }
    status() {
        const { settings, source, clock } = this.#parts;
        return accountStatus({
            accountId: String(settings.accountId),
            phase: this.#phase,
            startedAt: this.#startedAt,
            view: this.#view(),
            budgets: source.budgets,
            pageRows: source.pageRows,
            now: clock.now(),
        });
    }
    /** The budget's lease is nearly spent: see harvest/budget.ts. */
    onLeaseLow() {
        this.#storeBudgets();
    }
    /** From fence to doubt (throws), stop or, with `once`, nothing left to do: resolves with what kept failing. */
    async #session(signal, onOpened) {
        const { sink, source, clock, emit } = this.#parts;
        const openedAt = clock.monotonic();
        if (this.#phase.name !== 'waiting')
            this.#phase = { name: 'opening', reason: null, remedy: null };
        const opened = await sink.open({ reset: (name) => this.#streams.get(name)?.index.clear(), record: (...args) => this.#restore(...args) }, signal);
        if (signal.aborted)
            return null;
        this.#takeState(opened);
        onOpened();
        this.#phase = { name: 'running', reason: null, remedy: null };
        emit({
            name: 'account.opened',
            restoredRows: opened.records,
            restoreMs: Math.round(clock.monotonic() - openedAt),
            streams: this.#streams.size,
        });
        // A failure ends the session: what is still being fetched was compared with an index that may no longer be true.
        const ended = new AbortController();
        let failure = null;
        let keptFailing = null;
        const fail = (thrown) => {
            failure ??= asPublisherError(thrown);
            ended.abort();
        };
        const committer = new Committer({ sink, source, clock, emit, onFailure: fail });
        this.#storeBudgets = () => committer.storeBudgets();
        // No request may start before a lease is stored (harvest/budget.ts).
        committer.storeBudgets();
        try {
            keptFailing = await this.#work(committer, AbortSignal.any([signal, ended.signal]), fail);
            if (failure === null)
                await committer.finish();
        }
        finally {
            this.#storeBudgets = () => { };
            // Nothing may still be committing when the sink is opened anew or closed.
            await committer.idle();
        }
        if (failure !== null)
            throw failure;
        return keptFailing;
    }
    /**
     * Starts steps as they fall due until `signal` aborts; with `once`, until nothing is due. Resolves when all have ended, with
     * what kept failing.
     */
    async #work(committer, signal, fail) {
        const { clock } = this.#parts;
        const once = this.#once;
        // Each request under way listens; with children read in parallel there are more than the ten that Node warns at.
        setMaxListeners(0, signal);
        const running = new Map();
        let keptFailing = null;
        const hasPlace = (budget) => [...running.values()].filter((other) => other === budget).length < STEPS_AT_ONCE[budget];
        let wake = new AbortController();
        // A reason of our own: making an error each time costs more than a look at the schedule.
        const rouse = () => wake.abort('roused');
        signal.addEventListener('abort', rouse);
        const start = ({ live, task, keepsPace }) => {
            // What is deleted together must stand still together.
            const locked = task.kind === 'removal' ? [live, ...dependentsOf(live, this.#streams)] : [live];
            for (const each of locked)
                each.busy = true;
            const step = this.#step(live, task, committer, signal)
                .catch(fail)
                .finally(() => {
                for (const each of locked)
                    each.busy = false;
                live.taken = new Set();
                live.takenWindows = new Set();
                if (keepsPace)
                    live.steppedAt = clock.now();
                running.delete(step);
                rouse();
            });
            running.set(step, live.definition.budget);
        };
        const watching = this.#watchOrders(signal, rouse, fail);
        await watching.looked;
        while (!signal.aborted) {
            wake = new AbortController();
            const now = clock.now();
            const due = schedule(this.#view(), now);
            const ready = due.filter(({ at }) => at <= now);
            if (once && running.size === 0 && ready.every(({ live }) => isHopeless(live))) {
                const retrying = this.#retrying();
                if (retrying.every(isHopeless)) {
                    keptFailing = retrying[0]?.retry?.error ?? null;
                    break;
                }
            }
            for (const each of ready) {
                // A removal that was started before it may have taken this one too.
                if (!each.live.busy && hasPlace(each.live.definition.budget))
                    start(each);
            }
            const next = Math.min(...due.filter(({ at }) => at > now).map(({ at }) => at), now + IDLE_MAX_MS);
            await clock.sleep(next - now, wake.signal);
        }
        await Promise.all(running.keys());
        await watching.stop();
        signal.removeEventListener('abort', rouse);
        return keptFailing;
    }
    /** Looks for orders beside the work; `looked` resolves after the first look. */
    #watchOrders(signal, rouse, fail) {
        const stopped = new AbortController();
        const both = AbortSignal.any([signal, stopped.signal]);
        let ended = Promise.resolve();
        const looked = new Promise((resolve) => {
            const watching = this.#orders.run(both, (found) => {
                resolve();
                if (found > 0)
                    rouse();
            });
            ended = watching.catch((thrown) => (both.aborted ? undefined : fail(thrown))).finally(resolve);
        });
        const stop = () => {
            stopped.abort();
            return ended;
        };
        return { looked, stop };
    }
    #view() {
        const { settings, source } = this.#parts;
        const hasSlack = (name) => {
            const budget = source.budgets.find((each) => each.name === name);
            return budget.used() + budget.waiting() < budget.requests * SLACK_SHARE;
        };
        return { streams: this.#streams, settings, once: this.#once, only: this.#only, hasSlack };
    }
    async #step(live, task, committer, signal) {
        const { source, codec, settings, clock } = this.#parts;
        this.#steps++;
        const number = this.#steps;
        let result;
        try {
            const context = {
                ...{ source, codec, settings, signal, number, now: clock.now, streams: this.#streams, once: this.#once },
            };
            result = withConsequences(await runStep(live, task, context), context);
        }
        catch (thrown) {
            if (signal.aborted)
                return;
            const error = asPublisherError(thrown);
            if (error.kind === 'transient')
                return this.#retryLater(live, task, error);
            if (error.kind !== 'blocked')
                throw error;
            result = this.#refused(live, error);
        }
        if (signal.aborted)
            return;
        await committer.submit(result);
        if (isRounded(task, live))
            live.censused = true;
        if (task.kind === 'confirm' && live.row.hold?.kind === 'refused')
            live.probeAt = clock.now() + HELD_PROBE_MS;
        if (result.swept) {
            live.swept = true;
            live.sweptFrom = live.sweepBegan;
        }
        // A sweep that begins from now on sees what was moved away before it was deleted.
        if (result.confirmed)
            live.goneSince = this.#steps;
        this.#orders.carriedOut(live, result.ordersDone);
        if (result.failure)
            this.#retryLater(live, task, result.failure, true);
        else if (live.retry !== null && isMended(live.retry, task, result, live))
            live.retry = null;
    }
    /** The stream stands still and says why; it is asked again in a few minutes. */
    #refused(live, error) {
        const now = this.#parts.clock.now();
        live.probeAt = now + PROBE_MS[live.definition.budget];
        live.retry = null;
        const state = error.code === 'harvest.refused' || error.code === 'harvest.foreign_link' ? 'BLOCKED' : 'FORBIDDEN';
        const move = (row) => ({
            ...row,
            state,
            reason: error.message,
            remedy: error.remedy,
            since: row.state === state ? row.since : isoSeconds(now),
        });
        return stepResult(live, 'probe', { moves: [[live, move]] });
    }
    #retryLater(live, { kind }, error, ofWalk = live.retry?.ofWalk ?? false) {
        const { clock, random, emit } = this.#parts;
        const attempt = (live.retry?.attempt ?? 0) + 1;
        const retryInMs = jitteredPause(attempt, BACKOFF_BASE_MS, RETRY_MAX_MS, random());
        live.retry = { error, attempt, since: live.retry?.since ?? clock.now(), at: clock.now() + retryInMs, kind, ofWalk };
        emit({
            name: 'stream.retrying',
            stream: live.definition.name,
            code: error.code,
            reason: error.message,
            attempt,
            retryInMs,
        });
    }
    #retrying() {
        return [...this.#streams.values()].filter((live) => live.retry !== null && isReadable(live) && waitsFor(live, this.#streams) === null);
    }
    async #waitToReopen(error, attempt, signal) {
        const { clock, random, emit } = this.#parts;
        const retryInMs = jitteredPause(attempt, REOPEN_BASE_MS, REOPEN_MAX_MS, random());
        this.#phase = { name: 'waiting', code: error.code, reason: error.message, remedy: error.remedy };
        if (error.code === 'kafka.doubt')
            emit({ name: 'commit.doubted', code: error.code, reason: error.message });
        emit({
            name: 'account.waiting',
            code: error.code,
            reason: error.message,
            remedy: error.remedy,
            attempt,
            retryInMs,
        });
        await clock.sleep(retryInMs, signal);
    }
    /** A record that is on its topic, in log order: the index follows it. Waits only for a schema that is not known yet. */
    #restore(name, { key, value, sourceTsMs }) {
        const live = this.#streams.get(name);
        if (!live)
            return;
        const { codec } = this.#parts;
        if (value === null)
            return live.index.delete(codec.rowId(live.definition, key));
        const take = ({ id, hash, group, day }) => live.index.set(id, { hash, group, day, updatedAt: sourceTsMs });
        const restored = codec.restore(live.definition, key, value);
        if (restored instanceof Promise)
            return restored.then(take);
        take(restored);
    }
    #takeState(opened) {
        const { clock, settings, source, emit } = this.#parts;
        for (const event of takeState(this.#streams, opened, settings.grain, clock.now()))
            emit(event);
        const budgets = opened.rows.get(BUDGETS_ROW);
        for (const view of source.budgets)
            view.restore(budgets?.[view.name] ?? null);
    }
}
function isAbort(thrown) {
    return thrown instanceof Error && thrown.name === 'AbortError';
}
