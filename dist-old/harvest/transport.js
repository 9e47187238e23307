// One HTTP exchange: a request out, a whole answer back. Follows no redirect, repeats nothing and judges no status;
// what an answer means is failures.ts, whether it may be asked at all is budget.ts.
import { Agent, request as send } from 'undici';
export const TIMEOUTS = {
    connectMs: 10_000,
    headersMs: 30_000,
    bodyMs: 60_000,
    totalMs: 120_000,
    refreshMs: 8_000,
};
/** A page of 2000 records is about 1 MB, a tenth of it compressed; far more than that is not a page. */
const LARGEST_BODY_BYTES = 64 * 2 ** 20;
/** A transport over keep-alive connections; `close` drops them. */
export function openTransport(options) {
    const { connections, timeouts, ca } = options;
    const agent = new Agent({
        connections,
        pipelining: 1,
        headersTimeout: timeouts.headersMs,
        bodyTimeout: timeouts.bodyMs,
        maxResponseSize: LARGEST_BODY_BYTES,
        // Said, because an environment variable of Node would switch it off otherwise.
        connect: { timeout: timeouts.connectMs, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
    });
    return {
        transport: async ({ method, url, headers, body }, signal) => {
            const answer = await send(url, { dispatcher: agent, method, headers, body: body ?? null, signal });
            return {
                status: answer.statusCode,
                headers: singleValued(answer.headers),
                body: Buffer.from(await answer.body.arrayBuffer()),
            };
        },
        close: () => agent.destroy(),
    };
}
function singleValued(headers) {
    const single = {};
    for (const [name, value] of Object.entries(headers)) {
        if (value !== undefined)
            single[name] = Array.isArray(value) ? (value[0] ?? '') : value;
    }
    return single;
}
