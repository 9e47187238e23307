// A collector of OpenTelemetry's (OTLP over HTTP, in JSON) of the test's own: keeps the spans that it is sent.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Null for the root of a trace. */
  readonly parentSpanId: string | null;
  readonly name: string;
  /** Wall times in nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: string | null;
}

export interface Collector {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** The same as they came. */
  readonly bodies: string[];
  /** Of the last request. */
  headers: IncomingHttpHeaders;
  /** What the spans say of their sender. */
  resource: Readonly<Record<string, unknown>>;
  /** Answered in place of taking spans. */
  refusal: number | null;
  /** Requests that were refused. */
  refused: number;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface SentSpan extends Omit<ReceivedSpan, 'parentSpanId' | 'start' | 'end' | 'attributes' | 'error'> {
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number; readonly message?: string };
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

const ERROR = 2;

/** Listens until the test ends. */
export async function startCollector(): Promise<Collector> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    collector.headers = request.headers;
    if (request.url !== '/v1/traces' || request.method !== 'POST') return response.writeHead(404).end();
    if (collector.refusal !== null) {
      collector.refused++;
      return response.writeHead(collector.refusal).end('{}');
    }
    collector.bodies.push(body);
    const { resourceSpans } = JSON.parse(body) as Sent;
    for (const { resource, scopeSpans } of resourceSpans) {
      collector.resource = valuesOf(resource.attributes);
      collector.spans.push(...scopeSpans.flatMap(({ spans }) => spans.map(received)));
    }
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const collector: Collector = { url, spans: [], bodies: [], headers: {}, resource: {}, refusal: null, refused: 0 };
  return collector;
}

function received(span: SentSpan): ReceivedSpan {
  const { traceId, spanId, parentSpanId = '', name, startTimeUnixNano, endTimeUnixNano, attributes, status } = span;
  return {
    ...{ traceId, spanId, name, parentSpanId: parentSpanId === '' ? null : parentSpanId },
    start: BigInt(startTimeUnixNano),
    end: BigInt(endTimeUnixNano),
    attributes: valuesOf(attributes),
    error: status.code === ERROR ? (status.message ?? '') : null,
  };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
