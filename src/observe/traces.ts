// Traces for OpenTelemetry, made of the events: a step is a trace, and its requests, its comparison and its commit are spans of it.
// An event comes at the end of what it tells of, and says how long that took. The packages are loaded in open-telemetry.ts.
import type { Attributes, Context, HrTime, Span, Tracer } from '@opentelemetry/api';
import type { Clock } from '../base/clock.ts';
import type { PublisherEvent } from '../engine/events.ts';
import { findStream } from '../streams/catalog.ts';

/** Named as OpenTelemetry wants them in a log line of JSON. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

export interface TracesParts {
  readonly tracer: Tracer;
  /** The context of a span's children. */
  readonly within: (span: Span) => Context;
  readonly clock: Pick<Clock, 'now'>;
}

interface OpenStep {
  readonly span: Span;
  /** Null when its trace was drawn not to be sent. */
  readonly ids: TraceIds | null;
  /** Wall times (ms). */
  readonly begunAt: number;
  /** Of its last answer; before the first one, of its beginning. */
  answeredAt: number;
  /** When what it read was compared: whatever is answered from then on is for the next step. */
  comparedAt: number | null;
}

/** An answer to a request that was made ahead; wall times (ms). */
interface Early {
  readonly event: EventNamed<'request.finished'>;
  readonly from: number;
  readonly to: number;
}

type EventNamed<Name extends PublisherEvent['name']> = Extract<PublisherEvent, { name: Name }>;

/** OpenTelemetry's status of a span that failed. */
const FAILED = 2;

export class Traces {
  readonly #parts: TracesParts;
  /** By account and stream, which has one at a time. */
  readonly #open = new Map<string, OpenStep>();
  /** The last answer that came before the step that takes it. */
  readonly #early = new Map<string, Early>();

  constructor(parts: TracesParts) {
    this.#parts = parts;
  }

  /** Hears an event, and gives the ids of the step that it is part of; null when it is part of none, or of one that is not sent. */
  hear(account: string, event: PublisherEvent): TraceIds | null {
    if (!('stream' in event)) return null;
    if (event.name === 'step.begun') this.#begin(account, event);
    const step = this.#stepOf(account, event.stream);
    if (event.name === 'request.finished' && (step === undefined || step.comparedAt !== null)) {
      const now = this.#parts.clock.now();
      this.#early.set(keyOf(account, event.stream), { event, from: now - event.ms, to: now });
      return null;
    }
    if (step === undefined) return null;
    this.#record(step, event);
    if (event.name === 'step.ended') this.#open.delete(keyOf(account, event.stream));
    return step.ids;
  }

  #begin(account: string, { stream, task }: EventNamed<'step.begun'>): void {
    const { tracer, clock } = this.#parts;
    const now = clock.now();
    const early = this.#early.get(keyOf(account, stream));
    this.#early.delete(keyOf(account, stream));
    // A step whose page was asked for ahead began with that request.
    const begunAt = Math.min(now, early?.from ?? now);
    const attributes = { 'harvest.account_id': account, 'harvest.stream': stream, 'harvest.task': task };
    const span = tracer.startSpan(`${task} ${stream}`, { root: true, startTime: timeOf(begunAt), attributes });
    const { traceId, spanId } = span.spanContext();
    const ids = span.isRecording() ? { trace_id: traceId, span_id: spanId } : null;
    const step = { span, ids, begunAt, answeredAt: now, comparedAt: null };
    this.#open.set(keyOf(account, stream), step);
    if (early !== undefined) this.#fetch(step, early);
  }

  /** A derived stream is part of its parent's step. */
  #stepOf(account: string, stream: string): OpenStep | undefined {
    const own = this.#open.get(keyOf(account, stream));
    const definition = own === undefined ? findStream(stream) : undefined;
    if (definition?.kind !== 'derived') return own;
    return this.#open.get(keyOf(account, definition.parent!.stream));
  }

  #record(step: OpenStep, event: PublisherEvent): void {
    const now = this.#parts.clock.now();
    switch (event.name) {
      case 'request.finished':
        this.#fetch(step, { event, from: now - event.ms, to: now });
        step.answeredAt = now;
        return;
      case 'step.compared':
        step.span.setAttribute('harvest.purpose', event.purpose);
        this.#part(step, 'diff', [step.answeredAt, now], {
          'harvest.read': event.read,
          'harvest.changes': event.changes,
        });
        step.comparedAt = now;
        return;
      case 'stream.retrying':
        step.span.setAttributes({ 'error.type': event.code, 'harvest.attempt': event.attempt });
        step.span.setStatus({ code: FAILED, message: event.reason });
        return;
      case 'step.ended':
        if (event.commitMs !== null) {
          // Rounded to milliseconds, it may seem to have begun before the comparison ended.
          this.#part(step, 'commit', [Math.max(now - event.commitMs, step.comparedAt ?? 0), now], {});
        }
        step.span.end(timeOf(now));
    }
  }

  #fetch(step: OpenStep, { event, from, to }: Early): void {
    this.#part(step, 'fetch', [from, to], requestAttributes(event), isRefusal(event));
  }

  /** A span of a step, from one wall time (ms) to another. */
  #part(
    { span, begunAt }: OpenStep,
    name: string,
    [from, to]: readonly [number, number],
    attributes: Attributes,
    hasFailed = false,
  ): void {
    const { tracer, within } = this.#parts;
    // Rounded to milliseconds, it may seem to have begun before its step.
    const startTime = timeOf(Math.max(from, begunAt));
    const part = tracer.startSpan(name, { startTime, attributes }, within(span));
    if (hasFailed) part.setStatus({ code: FAILED });
    part.end(timeOf(to));
  }
}

function keyOf(account: string, stream: string): string {
  return `${account} ${stream}`;
}

function requestAttributes({
  purpose,
  budget,
  status,
  bytes,
  waitedMs,
  requestId,
}: EventNamed<'request.finished'>): Attributes {
  return {
    'http.request.method': 'GET',
    'http.response.body.size': bytes,
    'harvest.purpose': purpose,
    'harvest.budget': budget,
    'harvest.waited_ms': Math.round(waitedMs),
    ...(status !== 0 && { 'http.response.status_code': status }),
    ...(requestId !== null && { 'harvest.request_id': requestId }),
  };
}

/** A 404 is what a confirmation asks for. */
function isRefusal({ purpose, status }: EventNamed<'request.finished'>): boolean {
  return status === 0 || (status >= 400 && !(purpose === 'confirm' && status === 404));
}

/** Seconds and nanoseconds: a plain number is taken for a time since the start of the process when it is small. */
function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
}
