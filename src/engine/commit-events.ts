// The events of a commit, and which of them go to the notifications topic in its transaction.
import { isoSeconds } from '../base/clock.ts';
import type { PublisherEvent } from './events.ts';
import type { Notification } from './ports.ts';
import type { Diff } from './state/diff.ts';
import { type StreamRow, stateOf, whyOf } from './state/stream-row.ts';
import type { StreamRuntime } from './state/stream-runtime.ts';
import type { StepResult } from './step.ts';

/** Everything that the results tell, whose rows become `rows`. */
export function eventsOf(
  results: readonly StepResult[],
  rows: ReadonlyMap<StreamRuntime, StreamRow>,
  accountId: number,
): PublisherEvent[] {
  return results.flatMap((result) => [
    ...result.events,
    ...stateEvents(result, rows, accountId),
    ...[...result.diffs].flatMap(([runtime, diff]) => driftEvents(runtime, diff)),
  ]);
}

/** The events that go to the notifications topic: state changes, drift, refusals, and the scans that people wait for. */
export function notificationsOf(events: readonly PublisherEvent[], now: number): Notification[] {
  return events.filter(isNotable).map((event) => {
    const { name, ...rest } = event as PublisherEvent & { stream: string };
    return { stream: rest.stream, body: { event: name, at: isoSeconds(now), ...rest } };
  });
}

/** What a step read is compared with the index; its commit is to come. */
export function comparedEvent({ runtime, purpose, diffs }: StepResult): PublisherEvent {
  const all = [...diffs.values()];
  return {
    name: 'step.compared',
    stream: runtime.definition.name,
    purpose,
    read: all.reduce((sum, { read }) => sum + read, 0),
    changes: all.reduce((sum, { messages }) => sum + messages.length, 0),
  };
}

/** A page, or whatever a step read of a stream, is on its topic; `commitMs` is null when there was nothing to write. */
export function committedEvent(
  runtime: StreamRuntime,
  purpose: StepResult['purpose'],
  diff: Diff,
  commitMs: number | null,
  now: number,
): PublisherEvent {
  return {
    name: 'page.committed',
    stream: runtime.definition.name,
    purpose,
    read: diff.read,
    published: { ...diff.published },
    unchanged: diff.unchanged,
    stale: diff.stale,
    deadLetters: diff.refusals.length,
    drift: diff.drift.counts(),
    commitMs,
    agesMs: purpose === 'poll' ? diff.ages(now) : [],
  };
}

function stateEvents(
  result: StepResult,
  rows: ReadonlyMap<StreamRuntime, StreamRow>,
  accountId: number,
): PublisherEvent[] {
  const events: PublisherEvent[] = [];
  for (const runtime of result.moves.keys()) {
    const row = rows.get(runtime)!;
    const [from, to] = [stateOf(runtime.row), stateOf(row)];
    if (from === to) continue;
    const why = whyOf(row, runtime.definition.name, accountId);
    events.push({
      name: 'stream.changed',
      stream: runtime.definition.name,
      from,
      to,
      ...(from === 'PAUSED' && to === 'RUNNING' ? { reason: 'resumed', remedy: '' } : why),
      nextProbeAt: to === 'FORBIDDEN' || to === 'BLOCKED' ? isoSeconds(result.memory.probeAt) : null,
    });
  }
  return events;
}

function driftEvents(runtime: StreamRuntime, diff: Diff): PublisherEvent[] {
  const refused = diff.drift
    .refused()
    .map((refusal): PublisherEvent => ({ name: 'record.refused', stream: runtime.definition.name, ...refusal }));
  return [...diff.drift.news(runtime.row), ...refused];
}

function isNotable(event: PublisherEvent): boolean {
  if (event.name === 'scan.started' || event.name === 'scan.completed') return event.purpose === 'snapshot';
  return NOTABLE.has(event.name);
}

const NOTABLE: ReadonlySet<PublisherEvent['name']> = new Set([
  'stream.changed',
  'drift.seen',
  'record.refused',
  'totals.absent',
  'day.unlikely',
]);
