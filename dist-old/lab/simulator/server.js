// The simulator behind a socket: turns node:http into `handle` and outcomes into bytes, waits and broken connections.
import { createServer } from 'node:http';
import { systemClock } from '../../base/clock.js';
import { readCall } from './answer.js';
import { control } from './control.js';
/** Listens; port 0 takes a free one. */
export async function serve(simulator, options = {}) {
    const host = options.host ?? '127.0.0.1';
    const closing = new AbortController();
    const server = createServer((request, response) => {
        answer(simulator, options.control ?? false, request, response, closing.signal).catch(() => response.destroy());
    });
    await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port ?? 0, host, resolve);
    });
    const { port } = server.address();
    return {
        url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
        close: () => new Promise((resolve, reject) => {
            closing.abort();
            server.close((error) => (error ? reject(error) : resolve()));
            server.closeAllConnections();
        }),
    };
}
async function answer(simulator, controlled, request, response, closing) {
    const pieces = [];
    for await (const piece of request)
        pieces.push(piece);
    const asked = {
        method: request.method ?? 'GET',
        url: request.url ?? '/',
        headers: request.headers,
        body: Buffer.concat(pieces),
    };
    if (controlled && asked.url.startsWith('/_control/')) {
        const { status, body } = control(simulator, readCall(asked));
        response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
        return;
    }
    const outcome = simulator.handle(asked);
    if (outcome.outcome === 'hang')
        return;
    if (outcome.outcome === 'reset') {
        request.socket.resetAndDestroy();
        return;
    }
    await systemClock.sleep(outcome.delayMs, closing);
    response.writeHead(outcome.status, outcome.headers);
    await send(outcome, response, closing);
    if (outcome.outcome === 'cut')
        request.socket.destroy();
    else
        response.end();
}
const PIECES = 8;
async function send({ body, outcome, pauseMs }, response, closing) {
    const size = pauseMs > 0 ? Math.ceil(body.length / PIECES) : body.length;
    for (let at = 0; at < body.length; at += size) {
        if (at > 0)
            await systemClock.sleep(pauseMs, closing);
        const piece = body.subarray(at, at + size);
        // What is cut off must have left before the connection goes.
        if (outcome === 'cut')
            await new Promise((resolve) => response.write(piece, () => resolve()));
        else
            response.write(piece);
    }
}
