// What the configuration says to the parts, in their words. Apart from daemon.ts, so that a command that only looks on does not
// load the engine.
import { readFileSync } from 'node:fs';
import { catalog } from './streams/catalog.js';
/** The streams that are read, in the catalog's order. */
export function enabledStreams(config) {
    return catalog.filter((row) => config.streams[row.name].enabled);
}
/** `topics.prefix` for one account. */
export function prefixOf(config, account) {
    return config.topics.prefix.replaceAll('{account_id}', account.id);
}
/** What the Kafka room needs of the configuration, PEM files read. */
export function kafkaSettings(config) {
    const { ssl, sasl, transaction_timeout_seconds, ...rest } = config.kafka;
    return {
        ...rest,
        ssl: typeof ssl === 'boolean' ? ssl : tlsOf(ssl),
        ...(sasl === undefined ? {} : { sasl }),
        transaction_timeout_ms: transaction_timeout_seconds * 1000,
    };
}
function tlsOf({ ca_file, cert_file, key_file, reject_unauthorized, }) {
    const files = { ca: pem(ca_file), cert: pem(cert_file), key: pem(key_file) };
    const given = Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined));
    return { ...given, rejectUnauthorized: reject_unauthorized };
}
/** The text of a PEM file, when one is named. */
export function pem(path) {
    return path === undefined ? undefined : readFileSync(path, 'utf8');
}
