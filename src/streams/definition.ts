// A stream is one row of the catalog, which says everything that is special about it. Knows names, paths, keys, kinds and
// how streams hang together; knows no HTTP, Avro bytes or Kafka.

/**
 * How a stream is read:
 * - list:    a list with `updated_since`; polls after one snapshot
 * - whole:   no `updated_since`; read whole each time (company, roles, project budget)
 * - child:   one list per parent record
 * - report:  one list per calendar window
 * - derived: the records in an array of each parent record, which is read anyway: no request of its own
 */
export type StreamKind = 'list' | 'whole' | 'child' | 'report' | 'derived';
export type BudgetName = 'general' | 'reports';

/** The module switches of `/company` that turn streams off (HARVEST-API, Modules). */
export const FEATURE_FLAGS = ['expense_feature', 'invoice_feature', 'estimate_feature'] as const;
export type FeatureFlag = (typeof FEATURE_FLAGS)[number];

/** The member of `/company` that says on which day weeks begin. */
export const WEEK_START = 'week_start_day';

export interface KeyField {
  readonly name: string;
  readonly type: 'long' | 'date' | 'string';
}

/** Streams that no role is refused: what differs is how many rows it sees. */
export const ANYONE = 'any role (its own rows; an Administrator all)';

/** In which windows of a report a change of another stream shows. */
export interface Reach {
  /** The report whose rows tell in which windows; null: in all. */
  readonly seenIn: string | null;
  /** Rows of the changed record itself, or of the record that it belongs to. */
  readonly by: 'id' | 'owner';
}

export interface StreamDefinition {
  /** Harvest's own noun: catalog row, `.avsc` file, topic suffix, state key and metric label. */
  readonly name: string;
  readonly kind: StreamKind;
  /** Path below the API base; a child's holds `{parent}`. Empty for derived streams. */
  readonly path: string;
  /** Member of the answer that holds the records, for derived streams of the parent's record; null when the answer is the record itself. */
  readonly rows: string | null;
  readonly paging: 'cursor' | 'page' | 'none';
  readonly budget: BudgetName;
  readonly key: readonly KeyField[];
  /** For a child or a derived stream: the stream of its parents, and the field of its value that carries the parent's id. */
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
  /**
   * The lists that a report is made from: where one of them is narrowed, so is the report. A report per window holds those in
   * which they have something recorded, and reads one again when a record of it changes.
   */
  readonly sources: readonly string[];
  /** For a report: what else it shows or reckons with, by stream (names, rates, budgets), and where a change of that shows. */
  readonly restatedBy: Readonly<Record<string, Reach>>;
  /** Its records can have a running timer, whose hours grow while `updated_at` stands still. */
  readonly hasTimers: boolean;
  /** It is the settings of the account: which modules are on, and the day on which weeks begin. */
  readonly isSettings: boolean;
  readonly feature: FeatureFlag | null;
  /** The role that may read it, in Harvest's words: the remedy when it is refused. */
  readonly permission: string;
}

/** A change restates every window. */
export const EVERYWHERE: Reach = { seenIn: null, by: 'id' };

/** A change restates the windows in which `report` has rows of the changed record. */
export const whereSeenIn = (report: string): Reach => ({ seenIn: report, by: 'id' });

/** A change restates the windows in which `report` has rows of the record that the changed one belongs to. */
export const whereOwnerIsSeenIn = (report: string): Reach => ({ seenIn: report, by: 'owner' });

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

/**
 * The records in the array `member` of each record of `parent`; their values carry the parent's id in `field`, and their
 * `position` in the array.
 */
export function derived(name: string, parent: string, field: string, member: string, rest: Rest): StreamDefinition {
  return { ...base(name, 'derived', ''), rows: member, paging: 'none', parent: { stream: parent, field }, ...rest };
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
    sources: [],
    restatedBy: {},
    hasTimers: false,
    isSettings: false,
    feature: null,
  };
}

/** The members of a record by which it is identified, placed and told apart: no configuration takes them out of it. */
export function indispensableFields({
  key,
  parent,
  belongsTo,
  dated,
  hasTimers,
  isSettings,
}: StreamDefinition): string[] {
  return [
    ...key.map(({ name }) => name),
    ...(parent ? [parent.field] : []),
    ...(belongsTo ? [belongsTo.member, `${belongsTo.member}.id`] : []),
    ...(dated === null ? [] : [dated]),
    ...(hasTimers ? ['is_running'] : []),
    ...(isSettings ? [...FEATURE_FLAGS, WEEK_START] : []),
    'updated_at',
  ];
}

/** Whether the account's settings, as Harvest answers them, say that the stream's module is switched off. */
export function isOff({ feature }: StreamDefinition, settings: Readonly<Record<string, unknown>>): boolean {
  return feature !== null && settings[feature] === false;
}

/** The stream whose deleted records take records of this one along; null when there is none. */
export function ownerOf({ parent, belongsTo }: StreamDefinition): string | null {
  return parent?.stream ?? belongsTo?.stream ?? null;
}

/** The records of a derived stream in one of its parent's; null when it does not say, which is not the same as none. */
export function itemsIn({ rows }: StreamDefinition, record: Readonly<Record<string, unknown>>): readonly Item[] | null {
  const items = record[rows!];
  if (!Array.isArray(items)) return null;
  return items.filter((item): item is Item => typeof item === 'object' && item !== null);
}

type Item = Readonly<Record<string, unknown>>;

/** The streams without which these cannot be read: they themselves, the account's settings, parents, and sources of reports by window. */
export function neededFor(names: Iterable<string>, catalog: readonly StreamDefinition[]): ReadonlySet<string> {
  const needed = new Set(catalog.filter(({ isSettings }) => isSettings).map(({ name }) => name));
  const add = (name: string) => {
    needed.add(name);
    const { parent, kind, sources } = catalog.find((row) => row.name === name)!;
    if (parent) add(parent.stream);
    if (kind === 'report') for (const source of sources) add(source);
  };
  for (const name of names) add(name);
  return needed;
}
