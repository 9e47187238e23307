import { brokenExchange } from './failures.js';
/**
 * One attempt that takes at most `limitMs`. Rejects with PublisherError (`harvest.network`, `harvest.unparsable`), or
 * with the reason of `signal` when that was aborted.
 */
export async function attempt(transport, request, limitMs, clock, signal) {
    signal?.throwIfAborted();
    const given = new AbortController();
    const stop = () => given.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    const disarm = clock.after(limitMs, () => given.abort(new Error(`no whole answer within ${limitMs / 1000} s`)));
    try {
        return await transport(request, given.signal);
    }
    catch (thrown) {
        signal?.throwIfAborted();
        throw brokenExchange(request, given.signal.aborted ? given.signal.reason : thrown);
    }
    finally {
        disarm();
        signal?.removeEventListener('abort', stop);
    }
}
