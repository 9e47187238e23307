// What a stream is: one row of the catalog. Knows names, paths, keys and kinds; knows no HTTP, Avro bytes or Kafka.
const ID = [{ name: 'id', type: 'long' }];
/** A list at `/<name>` that knows `updated_since` (harvest-api section 5). */
export function list(name, rest) {
    return { ...base(name, 'list', `/${name}`), single: `/${name}/{id}`, ...rest };
}
/** A stream without `updated_since`, read whole each time. */
export function whole(name, path, rest) {
    return { ...base(name, 'whole', path), ...rest };
}
/** A list below each record of `parent`; its values carry the parent's id in `field`. */
export function child(name, parent, field, segment, rest) {
    return { ...base(name, 'child', `/${parent}/{parent}/${segment}`), parent: { stream: parent, field }, ...rest };
}
/** A report per calendar window; one row per `dimension` and currency (harvest-api section 9). */
export function report(name, path, dimension, rest) {
    const key = [
        { name: 'from', type: 'date' },
        { name: 'to', type: 'date' },
        { name: dimension, type: 'long' },
        { name: 'currency', type: 'string' },
    ];
    return {
        ...base(name, 'report', `/reports/${path}`),
        rows: 'results',
        paging: 'page',
        budget: 'reports',
        key,
        ...rest,
    };
}
function base(name, kind, path) {
    return {
        name,
        kind,
        path,
        rows: name,
        paging: 'cursor',
        budget: 'general',
        key: ID,
        parent: null,
        dated: null,
        single: null,
        belongsTo: null,
        feature: null,
    };
}
/** The stream whose deleted records take records of this one along; null when there is none. */
export function ownerOf({ parent, belongsTo }) {
    return parent?.stream ?? belongsTo?.stream ?? null;
}
