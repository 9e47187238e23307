// Requests and answers of either door: requests as plain data, and outcomes of which an HTTP answer is only
// one. Knows HTTP forms (bodies, compression, headers), no routes.
import { crc32, gzipSync } from 'node:zlib';
import type { Refusal } from './refusal.ts';
import type { JsonObject } from './render/json.ts';

export interface SimulatorRequest {
  readonly method: string;
  /** A path with query, or a whole address. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string | Buffer;
}

/** A request as the handler reads it. */
export interface Call {
  readonly method: string;
  /** Without the `/v2` or `/api/v2` in front; the whole path when it has neither. */
  readonly path: string;
  readonly prefix: '/v2' | '/api/v2' | '';
  readonly query: URLSearchParams;
  readonly origin: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `cut` sends the headers and this first part of the body, then resets the connection. */
export interface Answer {
  readonly outcome: 'answered' | 'cut';
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Wait before the first byte. */
  readonly delayMs: number;
  /** Pause between pieces of the body; 0 sends it whole. */
  readonly pauseMs: number;
}

export type Outcome = Answer | { readonly outcome: 'reset' } | { readonly outcome: 'hang' };

export interface Reply {
  readonly status: number;
  /** Text is an HTML page; anything else is sent as JSON. */
  readonly body: JsonObject | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function readCall(request: SimulatorRequest): Call {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ');
  }
  const url = new URL(request.url, `http://${headers.host ?? 'simulator.invalid'}`);
  const prefix = /^(\/api)?\/v2(?=\/|$)/.exec(url.pathname)?.[0] ?? '';
  return {
    method: request.method.toUpperCase(),
    path: url.pathname.slice(prefix.length),
    prefix: prefix as Call['prefix'],
    query: url.searchParams,
    origin: url.origin,
    target: url.pathname + url.search,
    headers,
    body: request.body?.toString() ?? '',
  };
}

export function refusalReply({ status, body, headers }: Refusal): Reply {
  return { status, body: body as JsonObject | string, headers };
}

export const htmlPage = (status: number, title: string): string =>
  `<!DOCTYPE html>\n<html><head><title>${title} (${status})</title></head><body><h1>${title}</h1></body></html>\n`;

export function write(
  reply: Reply,
  call: Call,
  dateMs: number,
  requestId: string,
  wholeDecimals: 'integer' | 'float',
): Answer {
  const html = typeof reply.body === 'string';
  let text = html ? (reply.body as string) : JSON.stringify(reply.body);
  if (!html && wholeDecimals === 'float') text = printWholeDecimalsAsFloats(text);
  const plain = Buffer.from(text);
  // The cheapest level: a page of 2000 entries is megabytes of repetition, and this is the floor of measurements.
  const body = acceptsGzip(call) ? gzipSync(plain, { level: 1 }) : plain;
  return {
    outcome: 'answered',
    status: reply.status,
    headers: {
      'content-type': html ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
      date: new Date(dateMs).toUTCString(),
      etag: `W/"${crc32(plain).toString(16)}${plain.length.toString(16)}"`,
      'x-request-id': requestId,
      'x-runtime': '0.042',
      ...(body !== plain && { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }),
      'content-length': String(body.length),
      ...reply.headers,
    },
    body,
    delayMs: 0,
    pauseMs: 0,
  };
}

const acceptsGzip = (call: Call): boolean => /\bgzip\b/.test(call.headers['accept-encoding'] ?? '');

const DECIMAL_MEMBERS = [
  'amount',
  'billable_amount',
  'billable_hours',
  'billable_rate',
  'budget',
  'budget_remaining',
  'budget_spent',
  'cost_budget',
  'cost_rate',
  'default_hourly_rate',
  'discount',
  'discount_amount',
  'due_amount',
  'fee',
  'hourly_rate',
  'hours',
  'hours_without_timer',
  'over_budget_notification_percentage',
  'quantity',
  'rounded_hours',
  'tax',
  'tax2',
  'tax2_amount',
  'tax_amount',
  'total_amount',
  'total_cost',
  'total_hours',
  'uninvoiced_amount',
  'uninvoiced_expenses',
  'uninvoiced_hours',
  'unit_price',
  'units',
];

const WHOLE_DECIMAL = new RegExp(`"(${DECIMAL_MEMBERS.join('|')})":(-?\\d+)(?=[,}])`, 'g');

/** `"hours":2` → `"hours":2.0`. Quotes inside texts are escaped in JSON, so no text can look like a member. */
function printWholeDecimalsAsFloats(json: string): string {
  return json.replace(WHOLE_DECIMAL, '"$1":$2.0');
}
