// The HTTP door: health, readiness, metrics, status. Five read-only routes, nothing cached, no log-in: what is served
// holds no secret (promise P10), and by default only this machine can ask.
import { createServer } from 'node:http';
import { PublisherError } from '../base/errors.js';
import { PAGE_POLICY, renderPage } from './page.js';
import { readiness } from './readiness.js';
const SILENCE_MS = 5_000;
/** Throws PublisherError `http.listen` when the address cannot be taken. */
export async function openHttp(options) {
    const { host, port } = options.listen;
    const routes = routesOf(options);
    const server = createServer(
    // Node looks for clients that are too slow only every 30 s unless told otherwise.
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 }, (request, response) => {
        void respond(routes, request, response);
    });
    server.maxConnections = 100;
    // One that asks and never reads would keep its place for ever.
    server.setTimeout(SILENCE_MS);
    await listen(server, host, port);
    // A failure of a listening server concerns one connection; without a listener it would end the process.
    server.on('error', () => { });
    const taken = server.address();
    return {
        address: `http://${host.includes(':') ? `[${host}]` : host}:${taken.port}`,
        close: () => new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
        }),
    };
}
function routesOf({ version, clock, metrics, accounts, dead }) {
    const startedAt = clock.monotonic();
    const uptimeSeconds = () => Math.floor((clock.monotonic() - startedAt) / 1000);
    return new Map([
        [
            '/health/live',
            () => {
                const ended = dead();
                return json(ended.length === 0 ? 200 : 503, { alive: ended.length === 0, dead: ended });
            },
        ],
        [
            '/health/ready',
            () => {
                const answer = readiness(accounts());
                return json(answer.ready ? 200 : 503, answer);
            },
        ],
        ['/metrics', async () => ({ status: 200, type: metrics.contentType, body: await metrics.render() })],
        ['/status', () => json(200, { version, uptimeSeconds: uptimeSeconds(), accounts: accounts() })],
        [
            '/',
            () => ({
                status: 200,
                type: 'text/html; charset=utf-8',
                body: renderPage({ version, now: clock.now(), uptimeSeconds: uptimeSeconds(), accounts: accounts() }),
                policy: PAGE_POLICY,
            }),
        ],
    ]);
}
async function respond(routes, request, response) {
    const path = (request.url ?? '/').split('?')[0];
    const route = routes.get(path);
    const readOnly = request.method === 'GET' || request.method === 'HEAD';
    const answer = await answerOf(route, readOnly);
    response.writeHead(answer.status, {
        'content-type': answer.type,
        'content-length': Buffer.byteLength(answer.body),
        'cache-control': 'no-store',
        'content-security-policy': answer.policy ?? "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        ...(answer.status === 405 && { allow: 'GET, HEAD' }),
        // A body that nobody reads must not be taken for the next request.
        ...(!readOnly && { connection: 'close' }),
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
}
async function answerOf(route, readOnly) {
    if (route === undefined)
        return json(404, { error: 'not found' });
    if (!readOnly)
        return json(405, { error: 'only GET and HEAD' });
    try {
        return await route();
    }
    catch {
        // The view failed, not the work: the loops go on, and the one who asked learns no details.
        return json(500, { error: 'the status could not be read' });
    }
}
function json(status, value) {
    return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}
function listen(server, host, port) {
    return new Promise((resolve, reject) => {
        server.once('error', (cause) => {
            const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? 'unknown reason');
            reject(new PublisherError('http.listen', `http.listen ${host}:${port} cannot be taken: ${why}`, { cause }));
        });
        server.listen(port, host, () => {
            server.removeAllListeners('error');
            resolve();
        });
    });
}
