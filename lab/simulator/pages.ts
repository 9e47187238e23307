// Cuts a list into pages and writes the envelope with its links (HARVEST-API, Pagination).

import { badRequest, invalid } from './refusal.ts';
import type { JsonObject } from './render/json.ts';

const LONGEST_PAGE = 2000;

export interface PageRequest {
  /** Scheme, host and path as the caller wrote them: links lead back the same way. */
  readonly address: string;
  readonly query: URLSearchParams;
  /** Parameters of this list that links repeat when they were sent. */
  readonly kept: readonly string[];
}

export interface Pages<T> {
  readonly items: readonly T[];
  readonly envelope: JsonObject;
}

/** Page-number paging: computed from the list as it is now, so pages shift when rows come and go. */
export function numberedPage<T>(items: readonly T[], request: PageRequest): Pages<T> {
  const perPage = readPerPage(request.query);
  const page = readPage(request.query);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const next = page < last ? page + 1 : null;
  const previous = page > 1 ? page - 1 : null;
  return {
    items: items.slice((page - 1) * perPage, page * perPage),
    envelope: {
      ...counts(perPage, last, items.length, page, next, previous),
      links: {
        first: link(request, { page: 1, ref: 'first' }),
        next: next && link(request, { page: next, ref: 'next' }),
        previous: previous && link(request, { page: previous, ref: 'previous' }),
        last: link(request, { page: last, ref: 'last' }),
      },
    },
  };
}

/**
 * Cursor paging: the cursor holds the keyset of the row to go on from, so nothing shifts. Numbers are null on middle
 * pages. `compare` orders keysets as the list is ordered.
 */
export function cursorPage<T>(
  items: readonly T[],
  request: PageRequest,
  keyset: { of: (item: T) => JsonObject; compare: (a: JsonObject, b: JsonObject) => number },
  totalsOnMiddlePages: boolean,
): Pages<T> {
  const perPage = readPerPage(request.query);
  const { start, end } = bounds(items, perPage, request.query, keyset);
  const shown = items.slice(start, end);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const first = shown[0];
  const final = shown.at(-1);
  const atStart = start <= 0;
  const atEnd = end >= items.length;
  const middle = !atStart && !atEnd;
  const page = atStart ? 1 : last;
  const numbers = middle
    ? counts(perPage, totalsOnMiddlePages ? last : null, totalsOnMiddlePages ? items.length : null, null, null, null)
    : counts(perPage, last, items.length, page, atEnd ? null : page + 1, atStart ? null : Math.max(1, page - 1));
  return {
    items: shown,
    envelope: {
      ...numbers,
      links: {
        first: link(request, { page: 1, ref: 'first' }),
        next: atEnd || !final ? null : link(request, { cursor: encode('after', keyset.of(final)), ref: 'next_cursor' }),
        previous:
          atStart || !first
            ? null
            : link(request, { cursor: encode('before', keyset.of(first)), ref: 'previous_cursor' }),
        last: link(request, { page: last, ref: 'last' }),
      },
    },
  };
}

function bounds<T>(
  items: readonly T[],
  perPage: number,
  query: URLSearchParams,
  keyset: { of: (item: T) => JsonObject; compare: (a: JsonObject, b: JsonObject) => number },
): { start: number; end: number } {
  const text = query.get('cursor');
  if (text === null) {
    const start = (readPage(query) - 1) * perPage;
    return { start, end: start + perPage };
  }
  const { direction, place } = decode(text);
  if (direction === 'after') {
    const found = items.findIndex((item) => keyset.compare(keyset.of(item), place) > 0);
    const start = found < 0 ? items.length : found;
    return { start, end: start + perPage };
  }
  const found = items.findIndex((item) => keyset.compare(keyset.of(item), place) >= 0);
  const end = found < 0 ? items.length : found;
  return { start: Math.max(0, end - perPage), end };
}

/** Unpadded base64url of `{"after":{"id":3007}}`. */
function encode(direction: 'after' | 'before', place: JsonObject): string {
  return Buffer.from(JSON.stringify({ [direction]: place })).toString('base64url');
}

function decode(cursor: string): { direction: 'after' | 'before'; place: JsonObject } {
  try {
    const { after, before } = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (typeof (after ?? before)?.id !== 'number') throw new TypeError('no id');
    return after ? { direction: 'after', place: after } : { direction: 'before', place: before };
  } catch {
    throw badRequest('Invalid cursor');
  }
}

function counts(
  perPage: number,
  totalPages: number | null,
  totalEntries: number | null,
  page: number | null,
  next: number | null,
  previous: number | null,
): JsonObject {
  return {
    per_page: perPage,
    total_pages: totalPages,
    total_entries: totalEntries,
    next_page: next,
    previous_page: previous,
    page,
  };
}

/** The address of another page: parameters in alphabetical order, the filters that were sent among them. */
function link(request: PageRequest, place: Readonly<Record<string, string | number>>): string {
  const parameters: [string, string][] = Object.entries(place).map(([name, value]) => [name, String(value)]);
  parameters.push(['per_page', String(readPerPage(request.query))]);
  for (const name of request.kept) {
    const value = request.query.get(name);
    if (value !== null) parameters.push([name, value]);
  }
  parameters.sort(([a], [b]) => (a < b ? -1 : 1));
  return `${request.address}?${new URLSearchParams(parameters)}`;
}

function readPerPage(query: URLSearchParams): number {
  const text = query.get('per_page');
  if (text === null) return LONGEST_PAGE;
  const perPage = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (perPage < 1 || perPage > LONGEST_PAGE) throw invalid(`Per page must be between 1 and ${LONGEST_PAGE}`);
  return perPage;
}

function readPage(query: URLSearchParams): number {
  const text = query.get('page');
  if (text === null) return 1;
  const page = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (page < 1) throw invalid('Page must be greater than 0');
  return page;
}
