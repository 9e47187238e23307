// From an answer's bytes to records: decompression, JSON and the envelope (harvest-api section 3), checked once here
// so that the engine may rely on the shape. Knows nothing of what the records mean.
import { promisify } from 'node:util';
import { gunzip as gunzipCallback } from 'node:zlib';
import { unparsable } from './failures.js';
const gunzip = promisify(gunzipCallback);
/** A small body can unfold without end; nothing that Harvest sends comes near this. */
const LARGEST_TEXT_BYTES = 256 * 2 ** 20;
/** The text of an answer's body. Throws `harvest.unparsable`. */
export async function textOf(answer, place) {
    const encoding = answer.headers['content-encoding']?.toLowerCase() ?? 'identity';
    if (encoding === 'identity')
        return answer.body.toString('utf8');
    if (encoding !== 'gzip')
        throw unparsable(place, 'the body is encoded in a way that was not asked for');
    try {
        return (await gunzip(answer.body, { maxOutputLength: LARGEST_TEXT_BYTES })).toString('utf8');
    }
    catch (thrown) {
        throw unparsable(place, `the gzip body cannot be unpacked (${thrown.code})`);
    }
}
/** The JSON object that `text` holds. Throws `harvest.unparsable`, without quoting the text: it is customers' data. */
export function objectOf(text, place) {
    let parsed;
    try {
        parsed = JSON.parse(text);
    }
    catch {
        throw unparsable(place, `${text.length} characters that are not JSON${/^\s*</.test(text) ? ' but a web page' : ''}`);
    }
    if (!isObject(parsed))
        throw unparsable(place, 'the JSON is not an object');
    return parsed;
}
/** What one page of a list holds; `next` as the server wrote it. Throws `harvest.unparsable`. */
export function envelopeOf(body, rows, place) {
    const records = body[rows];
    if (!Array.isArray(records) || !records.every(isObject)) {
        throw unparsable(place, `member ${rows} is not a list of records`);
    }
    const links = body.links ?? {};
    const next = isObject(links) ? (links.next ?? null) : undefined;
    if (next !== null && typeof next !== 'string')
        throw unparsable(place, 'links.next is neither text nor null');
    const totalEntries = body.total_entries ?? null;
    if (totalEntries !== null && typeof totalEntries !== 'number')
        throw unparsable(place, 'total_entries is no number');
    return { records, next, totalEntries };
}
function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
