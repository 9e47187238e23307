// The requests that the first reading of a stream takes: reckoned by one rule before it begins (`plan`) and while it goes on (the
// status), so that both say the same.
import type { StreamDefinition } from '../../streams/definition.ts';

/** What is known of a stream; null where nobody has said. */
export interface Extent {
  /** In its list, by Harvest's count. */
  readonly rows: number | null;
  /** Whose children it holds. */
  readonly parents: number | null;
  /** Of a report. */
  readonly windows: number | null;
}

/** With so many rows a page; null while it cannot be told. */
export function firstRequests(
  { kind }: Pick<StreamDefinition, 'kind'>,
  { rows, parents, windows }: Extent,
  pageRows: number,
): number | null {
  const pages = (count: number) => Math.max(1, Math.ceil(count / pageRows));
  switch (kind) {
    case 'list':
      // A count check follows the last page.
      return rows === null ? null : pages(rows) + 1;
    case 'whole':
      return pages(rows ?? 1);
    case 'child':
      return parents;
    case 'report':
      return windows;
    case 'derived':
      return 0;
  }
}
