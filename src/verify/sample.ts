// Draws rows at random: a few of them tell cheaply whether many are wrong.
import type { Random } from '../base/clock.ts';

/** `count` of the items, each as likely as any other; all of them when there are no more. */
export function sampleOf<T>(items: Iterable<T>, count: number, random: Random): T[] {
  const drawn: T[] = [];
  let seen = 0;
  for (const item of items) {
    seen++;
    if (drawn.length < count) drawn.push(item);
    else {
      const place = Math.floor(random() * seen);
      if (place < count) drawn[place] = item;
    }
  }
  return drawn;
}
