// Child processes of the lab: short commands that run to their end, and servers that must not outlive us, however we
// die. Knows nothing about Kafka.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { systemClock } from '../base/clock.js';
import { PublisherError } from '../base/errors.js';
/** Runs a command to its end. Resolves with exit code and output, stdout and stderr together; rejects when it cannot be started. */
export async function run(command, args, options = {}) {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
            output += text;
        });
    }
    const [code] = await once(child, 'close');
    return { code: code ?? 1, output };
}
const READY_WITHIN_MS = 120_000;
const STOPPED_WITHIN_MS = 20_000;
const LOG_LINES_KEPT = 2000;
// Reads the server's pid, then waits for the end of its input, which comes with our death of whatever cause.
const WATCHDOG = 'read -r pid && { read -r _; kill -KILL "$pid"; }';
/** A child process that serves until told to stop. It dies with us, even when we are killed with SIGKILL. */
export class Server {
    pid;
    /** Rejects with PublisherError `lab.failed` and the end of the log when the server ends although nobody told it to. */
    died;
    #name;
    #child;
    #lines = [];
    #exited;
    #running = true;
    /** Somebody told it to end. */
    #told = false;
    /** Throws PublisherError `lab.failed` when the command cannot be started. */
    static async start(options) {
        const watchdog = spawn('sh', ['-c', WATCHDOG], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
        // Detached, so that Ctrl-C in a terminal reaches us alone and we decide how the server stops.
        const child = spawn(options.command, options.args, {
            cwd: options.cwd,
            env: options.env,
            detached: true,
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        try {
            await Promise.all([once(child, 'spawn'), once(watchdog, 'spawn')]);
        }
        catch (cause) {
            watchdog.kill('SIGKILL');
            child.kill('SIGKILL');
            throw new PublisherError('lab.failed', `${options.name} cannot be started: ${cause.message}`, {
                cause,
            });
        }
        watchdog.stdin.write(`${child.pid}\n`);
        // A pid may be used again once its process is gone, so the watchdog goes first thing after it.
        child.once('exit', () => watchdog.kill('SIGKILL'));
        watchdog.stdin.on('error', () => { });
        watchdog.unref();
        return new Server(options, child);
    }
    constructor(options, child) {
        this.pid = child.pid;
        this.#name = options.name;
        this.#child = child;
        const logEnd = Promise.all([child.stdout, child.stderr].map((stream) => this.#keep(stream, options.onLog)));
        this.#exited = once(child, 'exit').then(async () => {
            this.#running = false;
            await logEnd;
        });
        this.died = this.#exited.then(() => {
            if (this.#told)
                return new Promise(() => { });
            throw this.#failure('stopped by itself');
        });
        this.died.catch(() => { });
    }
    get running() {
        return this.#running;
    }
    /** The last `count` lines of its output. */
    logTail(count) {
        return this.#lines.slice(-count);
    }
    hasLogged(text) {
        return this.#lines.some((line) => line.includes(text));
    }
    /**
     * Resolves once `answers` resolves with true; it is asked again and again. Rejects with PublisherError `lab.failed`
     * and the end of the log when the server exits before or is not ready in two minutes; with the signal's reason when
     * that aborts.
     */
    async ready(answers, signal) {
        const timeout = AbortSignal.timeout(READY_WITHIN_MS);
        const patience = signal ? AbortSignal.any([timeout, signal]) : timeout;
        while (!(await answers(patience))) {
            signal?.throwIfAborted();
            if (!this.#running) {
                await this.#exited;
                throw this.#failure('stopped before it was ready');
            }
            if (timeout.aborted)
                throw this.#failure(`was not ready after ${READY_WITHIN_MS / 1000} s`);
            await systemClock.sleep(50, patience);
        }
    }
    /** SIGTERM, then SIGKILL if that does not help; resolves when the process is gone. */
    async stop() {
        this.#told = true;
        this.signal('SIGTERM');
        // A paused process sees SIGTERM only once it goes on.
        this.signal('SIGCONT');
        const cancel = systemClock.after(STOPPED_WITHIN_MS, () => this.signal('SIGKILL'));
        await this.#exited;
        cancel();
    }
    /** SIGKILL; resolves when the process is gone. */
    async kill() {
        this.#told = true;
        this.signal('SIGKILL');
        await this.#exited;
    }
    signal(signal) {
        if (this.#running)
            this.#child.kill(signal);
    }
    async #keep(stream, onLog) {
        for await (const line of createInterface({ input: stream })) {
            this.#lines.push(line);
            if (this.#lines.length > LOG_LINES_KEPT)
                this.#lines.shift();
            onLog?.(line);
        }
    }
    #failure(what) {
        return new PublisherError('lab.failed', `${this.#name} ${what}\n${this.logTail(20).join('\n')}`);
    }
}
