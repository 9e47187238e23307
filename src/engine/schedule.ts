// When a stream is due and how urgent it is. Pure: the streams' rows, the wall time and the settings in, times out.
import { isReadable, type LiveStream } from './live-stream.ts';
import { PRIORITY } from './ports.ts';
import { DATED_SOURCES, reportSpan, weekStartOf } from './report-step.ts';
import type { StepContext } from './step.ts';
import { nextWindow } from './sweep.ts';

export type ScheduleView = Pick<StepContext, 'streams' | 'settings'>;

/** A class of priority is worth this much time: the earliest deadline goes first, so that nothing waits for ever. */
const CLASS_MS = 15_000;

export interface Due {
  readonly live: LiveStream;
  readonly at: number;
  readonly deadline: number;
}

/** Every stream that waits for its time, the most urgent first. Streams that wait for another stream are left out. */
export function schedule(view: ScheduleView, now: number): Due[] {
  const due: Due[] = [];
  for (const live of view.streams.values()) {
    const at = dueAt(live, view, now);
    if (at !== null) due.push({ live, at, deadline: Math.max(at, 0) + urgency(live) * CLASS_MS });
  }
  // Equals take turns: whoever committed longest ago goes first, so that nine reports share one budget.
  return due.sort((a, b) => a.deadline - b.deadline || (a.live.lastCommitAt ?? 0) - (b.live.lastCommitAt ?? 0));
}

/** Wall time (ms) at which the stream's next step may begin; 0 is at once; null while it is busy or waits for another stream. */
export function dueAt(live: LiveStream, view: ScheduleView, now: number): number | null {
  if (live.busy || waitsFor(live, view.streams) !== null) return null;
  if (live.row.state === 'FEATURE_OFF') return null;
  const earliest = live.retry?.at ?? 0;
  if (live.row.state !== 'RUNNING') return Math.max(earliest, live.probeAt);
  if (live.retry !== null) return earliest;

  const { position, complete, swept_at } = live.row;
  const intervalEnd = swept_at === null ? 0 : Date.parse(swept_at) + live.pollIntervalMs;
  switch (position.kind) {
    case 'list':
      return position.sweep !== null || !live.swept ? 0 : intervalEnd;
    case 'child':
      return position.sweep !== null || !complete || position.pending.length > 0 ? 0 : intervalEnd;
    case 'report': {
      const unread =
        position.grain !== view.settings.grain ||
        nextWindow(position, reportSpan(view, now), weekStartOf(view.streams));
      return unread || !live.swept ? 0 : live.readAt + live.pollIntervalMs;
    }
  }
}

/** The stream that must be read first, by name; null when nothing stands in the way. */
export function waitsFor(live: LiveStream, streams: ScheduleView['streams']): string | null {
  const { definition, parent } = live;
  // The company says which modules are on; without its word every stream is tried.
  const company = streams.get('company');
  if (company && live !== company && !company.swept && company.retry === null && isReadable(company)) return 'company';
  if (parent && (!parent.row.complete || parent.row.state !== 'RUNNING')) return parent.definition.name;
  if (definition.kind !== 'report') return null;
  // Windows reach back to the oldest entry, which is known once the entries are.
  return (
    DATED_SOURCES.find((name) => {
      const source = streams.get(name);
      return source && isReadable(source) && !source.row.complete;
    }) ?? null
  );
}

function urgency(live: LiveStream): number {
  if (live.definition.name === 'company') return PRIORITY.probe;
  if (live.row.position.kind === 'list') return live.row.complete ? PRIORITY.changes : PRIORITY.first;
  return PRIORITY.children;
}
