// Stands beside Harvest's door and notes what each answer no longer shows of what an earlier one showed. So a tombstone of
// a row that may return later (a report's, a person's project) can be judged after the fact.
import type { Simulator } from '../../lab/simulator/index.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import { identityOf, itemsOf, parentOf, streams } from './truth.ts';

/** Streams whose rows leave without being deleted. */
const LEAVING = streams.filter(
  ({ name, kind }) => kind === 'report' || kind === 'derived' || /^project_(assignments|budget)$/.test(name),
);

/** What reports sum up. */
const TRACKED = ['time_entries', 'expenses'] as const;

interface Window {
  readonly from: string;
  readonly to: string;
}

interface Door {
  readonly stream: StreamDefinition;
  readonly path: RegExp;
}

export class Witness {
  readonly #simulator: Simulator;
  readonly #shown = new Map<string, Set<string>>();
  readonly #left = new Set<string>();
  /** Report windows that were asked for. */
  readonly #windows = new Map<string, Window & { readonly stream: StreamDefinition }>();
  readonly #doors: readonly Door[];

  /** Watches from now on, until the simulator's faults are cleared. */
  constructor(simulator: Simulator) {
    this.#simulator = simulator;
    this.#doors = LEAVING.map((stream) => ({ stream, path: pathOf(stream) }));
    simulator.faults.add({
      do: {
        kind: 'before',
        run: ({ path, query }) => {
          this.#note(path, query);
          this.#noteEmptied();
        },
      },
    });
  }

  /** Whether an answer ever lacked that row after another had it. */
  sawLeave(stream: string, id: string): boolean {
    return this.#left.has(`${stream} ${id}`);
  }

  #note(path: string, query: URLSearchParams): void {
    for (const { stream, path: pattern } of this.#doors) {
      const match = pattern.exec(path);
      if (!match) continue;
      const window = stream.kind === 'report' ? { from: dashed(query.get('from')), to: dashed(query.get('to')) } : {};
      const scope = match[1] === undefined ? window : { parentId: Number(match[1]) };
      const identity = identityOf(stream);
      const now = new Set(this.#rows(stream, scope).map((row) => identity({ ...row, ...window })));
      const place = `${stream.name} ${JSON.stringify(scope)}`;
      this.#compare(stream.name, place, now);
      if (stream.kind === 'report') this.#windows.set(place, { stream, ...(window as Window) });
    }
  }

  #rows(stream: StreamDefinition, scope: Parameters<Simulator['truth']>[1]): Record<string, unknown>[] {
    if (stream.kind !== 'derived') return this.#simulator.truth(stream.name, scope);
    const parents = this.#simulator.truth(parentOf(stream).name, scope);
    return parents.flatMap((record) =>
      itemsOf(stream, record).map(({ record: item, added }) => ({ ...item, ...added })),
    );
  }

  #compare(stream: string, place: string, now: ReadonlySet<string>): void {
    const shown = this.#shown.get(place) ?? new Set<string>();
    // A row that a role hides has not left; one that it shows otherwise (without currency) leaves when the role is back.
    const isWhole = this.#simulator.settings.role === 'administrator';
    for (const id of shown) if (isWhole && !now.has(id)) this.#left.add(`${stream} ${id}`);
    for (const id of now) shown.add(id);
    this.#shown.set(place, shown);
  }

  /** A window in which nothing is recorded any more need not be asked for: its rows have left with its last record. */
  #noteEmptied(): void {
    const { data } = this.#simulator;
    const days = new Map(TRACKED.map((source) => [source as string, data[source].byDate.days()]));
    // Nine reports share their windows.
    const emptied = new Map<string, boolean>();
    for (const [place, { stream, from, to }] of this.#windows) {
      const span = `${stream.sources} ${from} ${to}`;
      if (!emptied.has(span)) {
        const isTracked = (source: string) => days.get(source)!.some((day) => day >= from && day <= to);
        emptied.set(span, !stream.sources.some(isTracked));
      }
      if (!emptied.get(span)) continue;
      for (const id of this.#shown.get(place)!) this.#left.add(`${stream.name} ${id}`);
    }
  }
}

/** The addresses behind which a stream's rows show; of a derived one those of its parents, and of what takes these along. */
function pathOf(stream: StreamDefinition): RegExp {
  if (stream.kind !== 'derived') return new RegExp(`^${stream.path.replace('{parent}', '(\\d+)')}$`);
  const { path } = parentOf(stream);
  const [above, below] = path.split('/{parent}');
  return new RegExp(below === undefined ? `^${path}(?:/\\d+)?$` : `^${above}/(\\d+)(?:${below})?$`);
}

/** Reports are asked with `20251101`. */
const dashed = (date: string | null): string => (date ?? '').replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
