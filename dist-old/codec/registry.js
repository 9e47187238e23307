// What our topics need from the schema registry: one subject for the key and one for the value of every stream. Knows
// which schema belongs where and in which order to ask; the API itself is registry-client.ts.
import { asPublisherError, PublisherError } from '../base/errors.js';
import { keySchema, publishedSchema } from './schemas.js';
export { createRegistryClient } from './registry-client.js';
const CONCURRENCY = 8;
/** The subjects of `streams`; string keys have none. */
export function subjectsOf(streams, options) {
    return streams.flatMap((stream) => {
        const topic = `${options.prefix}.${stream.name}`;
        const value = publishedSchema(options.schemas.get(stream.name), options.mode);
        const subjects = [{ name: `${topic}-value`, stream: stream.name, part: 'value', schema: value }];
        if (options.keyFormat === 'avro') {
            subjects.push({ name: `${topic}-key`, stream: stream.name, part: 'key', schema: keySchema(stream) });
        }
        return subjects;
    });
}
/** Compares our schemas with the registry; writes nothing. */
export function diffSubjects(client, streams, options) {
    return concurrently(subjectsOf(streams, options), async (subject) => {
        const id = await client.lookup(subject.name, subject.schema);
        if (id !== null)
            return { subject, state: 'registered', id, message: null };
        const message = await client.incompatibility(subject.name, subject.schema);
        return { subject, state: message === null ? 'missing' : 'incompatible', id: null, message };
    });
}
/**
 * Of what is missing, the subjects that must have been there: their topics were written to. The registry was emptied or is
 * another one, and what is registered with it now would give ids that lie on the topics to other schemas.
 */
export async function lostSubjects(client, differences, written) {
    // A key's subject may be missing because keys were text before.
    const values = withState(differences, 'missing').filter(({ subject }) => subject.part === 'value');
    if (values.length === 0)
        return [];
    const streams = await written(values.map(({ subject }) => subject.stream));
    const looked = await concurrently(values, async (difference) => {
        const { name, stream } = difference.subject;
        return streams.has(stream) && (await client.latest(name)) === null ? [difference] : [];
    });
    return looked.flat();
}
/**
 * The ids of every schema of `streams`. Registers what is missing when `autoRegister` is on, but nothing at all as long
 * as any subject is in the way, or with `written` any is lost: then one error lists them all (registry.incompatible,
 * registry.replaced, registry.not_registered, ...).
 */
export async function prepareSubjects(client, streams, options) {
    const found = await diffSubjects(client, streams, options);
    refuse('registry.incompatible', 'does not take our schema', withState(found, 'incompatible'));
    const lost = options.written === undefined ? [] : await lostSubjects(client, found, options.written);
    refuse('registry.replaced', LOST, lost);
    const missing = withState(found, 'missing');
    if (!options.autoRegister)
        refuse('registry.not_registered', 'is not registered', missing);
    const registered = await registerAll(client, missing);
    const ids = new Map([...found, ...registered].map(({ subject, id }) => [subject.name, id]));
    return new Map(streams.map(({ name }) => {
        const topic = `${options.prefix}.${name}`;
        return [name, { key: ids.get(`${topic}-key`) ?? null, value: ids.get(`${topic}-value`) }];
    }));
}
/** Tries all of them before it complains, so that the operator sees every subject at once. */
async function registerAll(client, missing) {
    const failures = [];
    const registered = await concurrently(missing, async (difference) => {
        try {
            const id = await client.register(difference.subject.name, difference.subject.schema);
            return { ...difference, id };
        }
        catch (thrown) {
            failures.push(asPublisherError(thrown));
            return difference;
        }
    });
    const urgent = failures.find(({ code }) => code === 'registry.unavailable' || code === 'registry.unauthorised');
    const first = urgent ?? failures[0];
    if (first === undefined)
        return registered;
    const message = urgent?.message ?? failures.map((failure) => failure.message).join('\n');
    throw new PublisherError(first.code, message, { cause: first });
}
function withState(differences, state) {
    return differences.filter((difference) => difference.state === state);
}
/** What is said of a lost subject. */
export const LOST = 'is not registered, although its topic was written to';
function refuse(code, what, differences) {
    if (differences.length === 0)
        return;
    const lines = differences.map(({ subject, message }) => `${subject.name} ${what}${message ? `: ${message}` : ''}`);
    throw new PublisherError(code, lines.join('\n'));
}
/** Maps with at most eight at a time, in order; a registry is small and shared. */
async function concurrently(items, work) {
    const results = new Array(items.length);
    const entries = items.entries();
    const worker = async () => {
        // All workers draw from one iterator, so each item is taken once.
        for (const [index, item] of entries)
            results[index] = await work(item);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    return results;
}
