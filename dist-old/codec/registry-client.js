// Confluent's schema registry API over HTTP, as every registry understands it: decides by status, never by message, and
// compares no schema text. Knows addresses, fail-over, retries and log-in; which subjects we need is registry.ts.
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'undici';
import { isDistrust, PublisherError } from '../base/errors.js';
const TIMEOUT_MS = 5_000;
const ROUNDS = 3;
const BACK_OFF_MS = 200;
const CONNECTIONS = 8;
/** A schema is a few kilobytes. */
const LARGEST_ANSWER_BYTES = 2 ** 20;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
export function createRegistryClient(options) {
    const { urls, clock, random, timeoutMs = TIMEOUT_MS } = options;
    const closing = new AbortController();
    // Each request under way listens, and there are more than the ten that Node warns at.
    setMaxListeners(0, closing.signal);
    const agent = new Agent({
        connections: CONNECTIONS,
        maxResponseSize: LARGEST_ANSWER_BYTES,
        // Said, because an environment variable of Node would switch it off otherwise.
        connect: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    });
    const headers = {
        accept: `${CONTENT_TYPE}, application/json`,
        'content-type': CONTENT_TYPE,
        ...authorization(options.auth),
    };
    const conceal = concealing(options.auth);
    // The address that answered last; a failed one is left for the others.
    let preferred = 0;
    /** One answer, from whichever address gives one. */
    async function exchange(call) {
        let failure = { where: '', reason: 'stopped', cause: undefined };
        for (let round = 0; round < ROUNDS && !closing.signal.aborted; round++) {
            if (round > 0)
                await clock.sleep(random() * BACK_OFF_MS * 2 ** round, closing.signal);
            for (let tried = 0; tried < urls.length; tried++) {
                const outcome = await attempt(urls[preferred % urls.length], call);
                if (!('reason' in outcome))
                    return outcome;
                failure = outcome;
                preferred++;
            }
        }
        throw new PublisherError('registry.unavailable', `schema registry ${failure.where}: ${failure.reason}`, {
            cause: failure.cause,
            ...(isDistrust(failure.cause?.code) ? UNTRUSTED : {}),
        });
    }
    async function attempt(base, call) {
        const timeout = new AbortController();
        const cancel = clock.after(timeoutMs, () => timeout.abort());
        try {
            const response = await request(`${base}${call.path}`, {
                method: call.method,
                headers,
                body: call.schema === undefined ? null : JSON.stringify({ schema: JSON.stringify(call.schema) }),
                dispatcher: agent,
                signal: AbortSignal.any([timeout.signal, closing.signal]),
            });
            const text = await response.body.text();
            const worthRepeating = response.statusCode >= 500 || response.statusCode === 429;
            if (worthRepeating)
                return { where: base, reason: `answered ${response.statusCode}`, cause: undefined };
            return { where: base, status: response.statusCode, body: parse(text) };
        }
        catch (cause) {
            const reason = timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
            return { where: base, reason, cause };
        }
        finally {
            cancel();
        }
    }
    /** The body of a 200; null for a 404 in the registry's own words. */
    async function ask(call) {
        const answer = await exchange(call);
        const body = isObject(answer.body) ? answer.body : {};
        const said = typeof body.message === 'string' ? `: ${conceal(body.message)}` : '';
        if (answer.status === 200)
            return body;
        // Registries number their own 404s from 40401; any other 404 means that something else answers at this address.
        if (answer.status === 404 && Number(body.error_code) > 40_400)
            return null;
        throw refusal(call, answer, said);
    }
    const versions = (subject) => `/subjects/${encodeURIComponent(subject)}/versions`;
    return {
        async lookup(subject, schema) {
            const path = `/subjects/${encodeURIComponent(subject)}`;
            const found = await ask({ method: 'POST', path, schema, about: subject });
            return found === null ? null : idIn(found, subject);
        },
        async incompatibility(subject, schema) {
            const path = `/compatibility${versions(subject)}/latest?verbose=true`;
            const verdict = await ask({ method: 'POST', path, schema, about: subject });
            if (verdict === null || verdict.is_compatible !== false)
                return null;
            return Array.isArray(verdict.messages) && verdict.messages.length > 0
                ? conceal(verdict.messages.join('; '))
                : 'the registry calls it incompatible with the latest version';
        },
        async register(subject, schema) {
            const registered = await ask({ method: 'POST', path: versions(subject), schema, about: subject });
            return idIn(registered ?? {}, subject);
        },
        async schemaById(id) {
            const found = await ask({ method: 'GET', path: `/schemas/ids/${id}`, about: `id ${id}` });
            return found === null ? null : schemaIn(found, `id ${id}`);
        },
        async latest(subject) {
            const found = await ask({ method: 'GET', path: `${versions(subject)}/latest`, about: subject });
            if (found === null)
                return null;
            return { id: idIn(found, subject), version: Number(found.version), schema: schemaIn(found, subject) };
        },
        async close() {
            closing.abort();
            await agent.destroy();
        },
    };
}
function authorization(auth) {
    if (auth?.bearer_token)
        return { authorization: `Bearer ${auth.bearer_token.reveal()}` };
    if (auth?.username === undefined)
        return {};
    const pair = Buffer.from(`${auth.username}:${auth.password?.reveal() ?? ''}`).toString('base64');
    return { authorization: `Basic ${pair}` };
}
/** Removes our log-in from text of others: some proxies print the headers of a request in what they say of it. */
function concealing(auth) {
    const encoded = authorization(auth).authorization?.replace(/^\w+ /, '');
    const secrets = [encoded, auth?.password?.reveal(), auth?.bearer_token?.reveal()].filter((secret) => secret);
    return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '[redacted]'), text);
}
const UNTRUSTED = {
    remedy: 'The certificate is not trusted here, so nothing was sent: name its authority in schema_registry.ca_file.',
};
function refusal({ method, path, about }, { where, status }, said) {
    if (status === 401 || status === 403) {
        return new PublisherError('registry.unauthorised', `the schema registry answered ${status} for ${about}`);
    }
    if (status === 409)
        return new PublisherError('registry.incompatible', `${about} does not take our schema${said}`);
    if (status === 422)
        return new PublisherError('registry.invalid', `${about} was not accepted as Avro${said}`);
    return new PublisherError('registry.refused', `${method} ${where}${path} was answered ${status}${said}`);
}
function idIn(body, about) {
    if (Number.isInteger(body.id))
        return body.id;
    throw new PublisherError('registry.refused', `the answer for ${about} holds no schema id`);
}
/** Null when it is no Avro record: registries hold text keys, Protobuf and JSON Schema as well. */
function schemaIn(body, about) {
    if (typeof body.schema !== 'string')
        throw new PublisherError('registry.refused', `the answer for ${about} holds no schema`);
    const schema = parse(body.schema);
    return isObject(schema) ? schema : null;
}
function parse(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
/** A connection error in one line; Node keeps the reason of several tried addresses in `errors`. */
function reasonOf(error) {
    if (error instanceof AggregateError && error.errors.length > 0)
        return reasonOf(error.errors[0]);
    return error instanceof Error ? error.message : String(error);
}
