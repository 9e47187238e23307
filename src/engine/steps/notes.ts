// A step notes some things of the records it read, each once: days that nobody can mean, text that had to be replaced, and
// records that were refused and are asked for again.
import type { PublisherEvent } from '../events.ts';
import { farDays } from '../reports/far-days.ts';
import { replacedText } from '../state/drift.ts';
import type { Move } from '../state/stream-row.ts';
import type { StreamRuntime } from '../state/stream-runtime.ts';
import { type StepContext, type StepResult, withMore } from '../step.ts';
import { secondLooksAfter } from './second-look.ts';

/** The result with its notes. */
export function withNotes(result: StepResult, { source, now }: StepContext): StepResult {
  const { runtime, diffs } = result;
  const moves: [StreamRuntime, Move][] = [];
  const events: PublisherEvent[] = [];
  for (const [stream, diff] of diffs) {
    const far = farDays(stream, diff, now());
    if (far === null) continue;
    moves.push([stream, far.move]);
    events.push(...far.events);
  }
  if (source.takeReplaced(runtime.definition) && !runtime.row.replaced_text) {
    moves.push([runtime, (row) => ({ ...row, replaced_text: true })]);
    events.push(replacedText(runtime.definition));
  }
  return withMore(result, { moves, events, memory: { secondLooks: secondLooksAfter(result, now()) } });
}
