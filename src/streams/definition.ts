// What a stream is: one row of the catalog. Knows names, paths, keys and kinds; knows no HTTP, Avro bytes or Kafka.

/**
 * How a stream is read:
 * - list:   a list with `updated_since`; polls after one snapshot
 * - whole:  no `updated_since`; read whole each time (company, roles, project budget)
 * - child:  one list per parent record
 * - report: one list per calendar window
 */
export type StreamKind = 'list' | 'whole' | 'child' | 'report';
export type BudgetName = 'general' | 'reports';

/** The module switches of `/company` that turn streams off (HARVEST-API, Modules). */
export type FeatureFlag = 'expense_feature' | 'invoice_feature' | 'estimate_feature';

export interface KeyField {
  readonly name: string;
  readonly type: 'long' | 'date' | 'string';
}

/** Streams that no role is refused: what differs is how many rows it sees. */
export const ANYONE = 'any role (its own rows; an Administrator all)';

export interface StreamDefinition {
  /** Harvest's own noun: catalog row, `.avsc` file, topic suffix, state key and metric label. */
  readonly name: string;
  readonly kind: StreamKind;
  /** Path below the API base; a child's holds `{parent}`. */
  readonly path: string;
  /** Member of the answer that holds the records; null when the answer is the record itself. */
  readonly rows: string | null;
  readonly paging: 'cursor' | 'page' | 'none';
  readonly budget: BudgetName;
  readonly key: readonly KeyField[];
  /** For a child: the stream of its parents, and the field of its value that carries the parent's id. */
  readonly parent: { readonly stream: string; readonly field: string } | null;
  /** Member by which the list can be bounded with `from`/`to`; null when it cannot. */
  readonly dated: string | null;
  /** Where one record answers, 404 once it is deleted: a path with `{id}`, and `{parent}` below a parent; null when nowhere. */
  readonly single: string | null;
  /**
   * For a list: the stream whose deletion takes these records along, and the member that holds its `{id}` (HARVEST-API,
   * Deletes). A child's parent does that too.
   */
  readonly belongsTo: { readonly stream: string; readonly member: string } | null;
  /** For a report: the dated lists that it sums up. */
  readonly sums: readonly string[];
  readonly feature: FeatureFlag | null;
  /** Who may read it, in Harvest's words: the remedy when it is refused. */
  readonly permission: string;
}

const ID: readonly KeyField[] = [{ name: 'id', type: 'long' }];

type Rest = Partial<StreamDefinition> & Pick<StreamDefinition, 'permission'>;

/** A list at `/<name>` that knows `updated_since` (HARVEST-API, Asking for changes). */
export function list(name: string, rest: Rest): StreamDefinition {
  return { ...base(name, 'list', `/${name}`), single: `/${name}/{id}`, ...rest };
}

/** A stream without `updated_since`, read whole each time. */
export function whole(name: string, path: string, rest: Rest): StreamDefinition {
  return { ...base(name, 'whole', path), ...rest };
}

/** A list below each record of `parent`; its values carry the parent's id in `field`. */
export function child(name: string, parent: string, field: string, segment: string, rest: Rest): StreamDefinition {
  return { ...base(name, 'child', `/${parent}/{parent}/${segment}`), parent: { stream: parent, field }, ...rest };
}

/** A report per calendar window; one row per `dimension` and currency (HARVEST-API, Reports). */
export function report(name: string, path: string, dimension: string, rest: Rest): StreamDefinition {
  const key: readonly KeyField[] = [
    { name: 'from', type: 'date' },
    { name: 'to', type: 'date' },
    { name: dimension, type: 'long' },
    { name: 'currency', type: 'string' },
  ];
  return {
    ...base(name, 'report', `/reports/${path}`),
    rows: 'results',
    paging: 'page',
    budget: 'reports',
    key,
    ...rest,
  };
}

function base(name: string, kind: StreamKind, path: string): Omit<StreamDefinition, 'permission'> {
  return {
    name,
    kind,
    path,
    rows: name,
    paging: 'cursor',
    budget: 'general',
    key: ID,
    parent: null,
    dated: null,
    single: null,
    belongsTo: null,
    sums: [],
    feature: null,
  };
}

/** The stream whose deleted records take records of this one along; null when there is none. */
export function ownerOf({ parent, belongsTo }: StreamDefinition): string | null {
  return parent?.stream ?? belongsTo?.stream ?? null;
}
