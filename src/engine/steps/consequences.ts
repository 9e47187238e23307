// What published changes mean to other streams, in the same transaction: children of changed parents are to
// be read, windows of reports are to be read again.
import { isoSeconds } from '../../base/clock.ts';
import type { PublisherEvent } from '../events.ts';
import { farDays } from '../reports/far-days.ts';
import { weekStartOf } from '../reports/report-span.ts';
import { restated } from '../reports/restatement.ts';
import type { Diff } from '../state/diff.ts';
import type { Position } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import { type Move, type StepContext, type StepResult, stepResult } from '../step.ts';
import { addedTo, addPending } from './scan.ts';

type ReportPosition = Extract<Position, { kind: 'report' }>;

/** With more changed parents than this, visiting all of them costs less state. */
const PENDING_MAX = 5000;

/** The result with what follows from it for other streams. */
export function withConsequences(result: StepResult, context: StepContext): StepResult {
  const more: [StreamRuntime, Move][] = [];
  const events: PublisherEvent[] = [];
  for (const [runtime, diff] of result.diffs) {
    more.push(...announcedChildren(runtime, diff, context), ...restatedReports(runtime, diff, context));
    const far = farDays(runtime, diff, context.now());
    if (far !== null) {
      more.push([runtime, far.move]);
      events.push(...far.events);
    }
  }
  if (more.length === 0) return result;
  const { runtime, purpose, ...parts } = result;
  return stepResult(runtime, purpose, {
    ...parts,
    moves: [...result.moves, ...more],
    events: [...result.events, ...events],
  });
}

/** Children of parents that are published are read in the same pass. */
function announcedChildren(runtime: StreamRuntime, diff: Diff, { now }: StepContext): [StreamRuntime, Move][] {
  const changed = [...diff.changes].filter(([, row]) => row !== null).map(([id]) => id as number);
  if (changed.length === 0) return [];
  return runtime.children.map((child): [StreamRuntime, Move] => [
    child,
    (row) => {
      const position = row.position as Extract<Position, { kind: 'child' }>;
      // The first visit to all parents will come by; only what it is reading right now may be too old.
      const isToCome = !row.complete && position.scan === null;
      const noted = isToCome ? changed.filter((id) => child.taken.has(id)) : changed;
      const added = addPending(position, noted, child.taken, isoSeconds(now()));
      if (added.pending.length <= PENDING_MAX) return { ...row, position: added };
      const pending = added.pending.filter((id) => child.taken.has(id));
      return { ...row, position: { ...added, pending, scan: null }, scanned_at: null };
    },
  ]);
}

function restatedReports(
  runtime: StreamRuntime,
  diff: Diff,
  { streams, settings }: StepContext,
): [StreamRuntime, Move][] {
  const { dirty, touched, all } = restated(runtime, diff, streams, settings.grain, weekStartOf(streams));
  const moves: [StreamRuntime, Move][] = [];
  const move = (report: StreamRuntime, change: (position: ReportPosition) => ReportPosition) =>
    moves.push([report, (row) => ({ ...row, position: change(row.position as ReportPosition) })]);
  for (const [report, windows] of dirty) {
    move(report, (position) => ({ ...position, dirty: addedTo(position.dirty, windows, report.takenWindows) }));
  }
  for (const [report, windows] of touched) {
    move(report, (position) => ({ ...position, touched: addedTo(position.touched, windows, report.takenWindows) }));
  }
  for (const report of all) move(report, askForRound);
  return moves;
}

/** Every window is to be read again: in the next round, or in another one after the round under way. */
export function askForRound(position: ReportPosition): ReportPosition {
  if (position.round !== null) return { ...position, round: { ...position.round, again: true } };
  return { ...position, round_at: null };
}
