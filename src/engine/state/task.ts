// The tasks of the schedule, each of which is one step.
import type { Window } from '../../streams/windows.ts';
import type { Signal } from '../ports.ts';

/** The next window of a report, and why. A `regrain` reads no window: it removes the rows of all. */
export interface WindowTask {
  readonly why: 'unread' | 'dirty' | 'current' | 'touched' | 'round' | 'regrain';
  readonly window: Window | null;
}

export type Task =
  | { readonly kind: 'read' | 'confirm' | 'reconciliation' | 'removal' | 'second_look' }
  | { readonly kind: 'window'; readonly window: WindowTask }
  | { readonly kind: 'signal'; readonly signal: Signal };

/** When a task may begin (wall time in ms, 0 is at once), and how urgent it is: a `PRIORITY`. */
export interface TaskAt {
  readonly task: Task;
  readonly at: number;
  readonly priority: number;
}

export type TaskKind = Task['kind'];

/** The stream's own reading, which everything else of it follows. */
export function isReading(kind: TaskKind): boolean {
  return kind === 'read' || kind === 'window';
}
