// From an answer's bytes to records: decompression, JSON and the envelope (HARVEST-API, Pagination), checked once here
// so that the engine may rely on the shape. Knows nothing of what the records mean.
import { isAscii, isUtf8, transcode } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gunzipSync } from 'node:zlib';
import type { PublisherError } from '../base/errors.ts';
import { isObject, parseJson } from '../base/json.ts';
import type { JsonObject } from '../engine/ports.ts';
import { type RequestPlace, unparsable } from './failures.ts';
import { oneByteJson } from './one-byte.ts';
import type { HttpAnswer } from './transport.ts';

const gunzip = promisify(gunzipCallback);

/** JSON unfolds to so many times its size. In pieces of 16 kB, which zlib takes by itself, a page would cross between threads 80 times. */
const UNFOLDS = 16;
const PIECE_BYTES = { least: 2 ** 10, most: 2 ** 22 };
/** A body up to here is unpacked sooner than another thread is told to do it: the answer to a poll that finds nothing. */
const AT_ONCE_BYTES = 2 ** 12;
/** A small body can unfold without end; nothing that Harvest sends comes near this. */
const LARGEST_TEXT_BYTES = 256 * 2 ** 20;

/** The text of an answer's body, for whoever parses it: JSON may be written in other words. Throws `harvest.unparsable`. */
export async function textOf(answer: HttpAnswer, place: RequestPlace): Promise<string> {
  const { text, isGarbled } = await looseTextOf(answer, place);
  if (isGarbled) throw garbled(place);
  return text;
}

/** Bytes that are no UTF-8: something on the way has damaged them, or Harvest holds them so. */
export function garbled(place: RequestPlace): PublisherError {
  return unparsable(place, 'the body holds bytes that are no UTF-8');
}

/** The text with U+FFFD in place of bytes that are no UTF-8, and whether there were any. Throws `harvest.unparsable`. */
export async function looseTextOf(
  answer: HttpAnswer,
  place: RequestPlace,
): Promise<{ text: string; isGarbled: boolean }> {
  const bytes = await unpacked(answer, place);
  const isGarbled = !isUtf8(bytes);
  return { text: isGarbled ? bytes.toString('utf8') : decoded(bytes), isGarbled };
}

/** A text of JSON that says what the bytes do, which are UTF-8: in less memory, or in half the time that `toString('utf8')` takes. */
function decoded(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  return oneByteJson(bytes) ?? transcode(bytes, 'utf8', 'ucs2').toString('ucs2');
}

async function unpacked(answer: HttpAnswer, place: RequestPlace): Promise<Buffer> {
  const encoding = answer.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return answer.body;
  if (encoding !== 'gzip') throw unparsable(place, 'the body is encoded in a way that was not asked for');
  try {
    const chunkSize = Math.max(PIECE_BYTES.least, Math.min(PIECE_BYTES.most, UNFOLDS * answer.body.length));
    const options = { maxOutputLength: LARGEST_TEXT_BYTES, chunkSize };
    return answer.body.length <= AT_ONCE_BYTES ? gunzipSync(answer.body, options) : await gunzip(answer.body, options);
  } catch (thrown) {
    throw unparsable(place, `the gzip body cannot be unpacked (${(thrown as NodeJS.ErrnoException).code})`);
  }
}

/** The JSON object that `text` holds. Throws `harvest.unparsable`, without quoting the text: it is customers' data. */
export function objectOf(text: string, place: RequestPlace): JsonObject {
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch {
    throw unparsable(
      place,
      `${text.length} characters that are not JSON${/^\s*</.test(text) ? ' but a web page' : ''}`,
    );
  }
  if (!isObject(parsed)) throw unparsable(place, 'the JSON is not an object');
  return parsed;
}

/** One page of a list; `next` as the server wrote it. Throws `harvest.unparsable`. */
export function envelopeOf(
  body: JsonObject,
  rows: string,
  place: RequestPlace,
): { records: JsonObject[]; next: string | null; totalEntries: number | null } {
  const records = body[rows];
  if (!Array.isArray(records) || !records.every(isObject)) {
    throw unparsable(place, `member ${rows} is not a list of records`);
  }
  const links = body.links ?? {};
  const next = isObject(links) ? (links.next ?? null) : undefined;
  if (next !== null && typeof next !== 'string') throw unparsable(place, 'links.next is neither text nor null');
  const totalEntries = body.total_entries ?? null;
  if (totalEntries !== null && typeof totalEntries !== 'number') throw unparsable(place, 'total_entries is no number');
  return { records, next, totalEntries };
}
