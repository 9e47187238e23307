// The cost of a first look, as far as it can be known before: lists may have grown, pages may shift.
import { PER_PAGE } from '../engine/ports.ts';
import type { Share } from './share.ts';
import type { TopicView } from './topic-view.ts';

/** Requests for a stream: its pages, its parents, its windows, or the rows of a sample and the counts. */
export function expectedRequests(
  { definition, index }: TopicView,
  shares: readonly Share[],
  sample: number | null,
): number {
  if (sample !== null && definition.single !== null) return Math.min(sample, index.size) + 1;
  if (sample !== null && definition.kind !== 'whole') return Math.min(sample, index.size, shares.length);
  if (definition.kind === 'child' || definition.kind === 'report') return shares.length;
  return Math.max(1, Math.ceil(index.size / PER_PAGE));
}
