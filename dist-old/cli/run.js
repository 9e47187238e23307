// `run`: the daemon with its log, HTTP door and progress.
import { EXIT, PublisherError } from '../base/errors.js';
import { Daemon } from '../daemon.js';
import { openHttp } from '../observe/http.js';
import { createEventLog, createLog, tellOfDrops } from '../observe/log.js';
import { createMetrics } from '../observe/metrics.js';
import { configOf } from './configuration.js';
import { clock, interruption, random, uuid, VERSION } from './context.js';
import { enabledStreamNamed } from './names.js';
import { screen, showProgress } from './progress.js';
import { standardOutput } from './standard-output.js';
const SUMMARY_INTERVAL_MS = 300_000;
/** A commit that the broker does not answer may take longer than a stop may (design section 6). */
const STOP_PATIENCE_MS = 8_000;
/** So long the last lines wait for their reader. */
const LAST_LINES_MS = 1_000;
/** Exit 0 when caught up (`--once`, streams that are refused left aside), 130 or 143 when stopped; failures throw. */
export async function run(options) {
    const config = configOf(options);
    const names = (options.only ?? []).map((name) => enabledStreamNamed(config, name).name);
    const only = names.length > 0 ? new Set(names) : null;
    const terminal = process.stdout.isTTY === true && !options.json;
    const color = terminal && !process.env.NO_COLOR;
    // Lines go above the progress block of a terminal.
    const log = createLog({
        level: config.log.level,
        pretty: terminal,
        color,
        stream: terminal ? screen : standardOutput,
    });
    tellOfDrops(log, standardOutput);
    const { signal, exitCode } = interruption(() => {
        log.info({ event: 'process.stopping' }, 'stopping: the page in hand is finished or dropped');
    }, STOP_PATIENCE_MS);
    try {
        await publish(config, log, { signal, once: options.once ?? false, only, terminal });
    }
    finally {
        await standardOutput.flushed(clock, LAST_LINES_MS);
    }
    return exitCode() ?? EXIT.clean;
}
/** Runs the daemon of `config` with everything around it, until it ends. `onListening` gets the HTTP address. */
export async function publish(config, log, options) {
    const events = createEventLog(log);
    const status = () => daemon.status();
    const metrics = createMetrics(VERSION, status, clock, () => standardOutput.dropped);
    const listeners = new Map(config.harvest.accounts.map(({ id }) => [id, [events.listen(id), metrics.listen(id)]]));
    const daemon = new Daemon(config, {
        clock,
        random,
        uuid,
        log: kafkaLog(log),
        emit: (account, event) => {
            for (const listen of listeners.get(account) ?? [])
                listen(event);
            options.onEvent?.(event);
        },
    });
    const { listen } = config.http;
    const door = listen &&
        (await openHttp({ listen, version: VERSION, clock, metrics, accounts: status, dead: () => daemon.dead() }));
    if (door) {
        log.info({ event: 'http.listening', address: door.address }, `status page, health and metrics at ${door.address}`);
        options.onListening?.(door.address);
    }
    const progress = showProgress({ status, clock, terminal: options.terminal, log });
    const summaries = repeat(SUMMARY_INTERVAL_MS, () => events.summarise(status()));
    try {
        await daemon.run(options.signal, { once: options.once, only: options.only ?? null });
        if (options.once && !options.signal.aborted) {
            events.summarise(status());
            refuseWhenNothingIsRead(status());
        }
    }
    finally {
        summaries();
        progress.close();
        await door?.close();
    }
}
/** Streams that are refused are no failure as long as others can be read; when none can, something greater is wrong. */
function refuseWhenNothingIsRead(accounts) {
    for (const { accountId, streams } of accounts) {
        const first = streams.find(({ state }) => state === 'FORBIDDEN' || state === 'BLOCKED');
        if (!first || streams.some(({ state }) => state === 'RUNNING'))
            continue;
        const message = `account ${accountId}: no stream can be read: ${first.reason}`;
        throw new PublisherError('harvest.nothing_readable', message);
    }
}
/** Runs `task` again and again; the returned function ends it. */
function repeat(everyMs, task) {
    let cancel = clock.after(everyMs, function again() {
        task();
        cancel = clock.after(everyMs, again);
    });
    return () => cancel();
}
/** kafkajs through pino; its own errors are handled by the sink and would only alarm here. */
export function kafkaLog(log) {
    return (level, message, fields) => log[level]({ event: 'kafka.log', ...fields }, message);
}
