// Names that people type: streams and accounts. What is not there is refused with what may have been meant.
import { PublisherError } from '../base/errors.js';
import { nearest } from '../config/nearest.js';
import { catalog, findStream } from '../streams/catalog.js';
/** Throws `usage`. */
export function streamNamed(name) {
    return findStream(name) ?? refuse('stream', name, catalog);
}
/** A stream that a daemon with this configuration would read. Throws `usage`. */
export function enabledStreamNamed(config, name) {
    const stream = streamNamed(name);
    if (config.streams[name].enabled)
        return stream;
    throw new PublisherError('usage', `the stream ${name} is switched off in the configuration`, {
        remedy: `Set streams.${name}.enabled: true.`,
    });
}
/** The account with that id, or the only one. Throws `usage`. */
export function accountNamed({ harvest: { accounts } }, id) {
    const [first, ...others] = accounts;
    if (id === undefined && others.length === 0)
        return first;
    if (id !== undefined) {
        const names = accounts.map((account) => ({ name: account.id }));
        return accounts.find((account) => account.id === id) ?? refuse('account', id, names);
    }
    throw new PublisherError('usage', 'several accounts are configured: name one with --account', {
        remedy: `The accounts are ${accounts.map((account) => account.id).join(', ')}.`,
    });
}
function refuse(noun, name, known) {
    const names = known.map((one) => one.name);
    const meant = nearest(name, names);
    throw new PublisherError('usage', `there is no ${noun} named ${name}${meant ? `; did you mean ${meant}?` : ''}`, {
        remedy: `The ${noun}s are ${names.join(', ')}.`,
    });
}
