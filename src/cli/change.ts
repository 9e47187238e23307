// A change of a record, told in a line that a person reads: what differs, and what the record would be called.

export type Row = Readonly<Record<string, unknown>>;

/** `hours 1.25 → 1.5, notes … → …`; `updated_at` only when nothing else changed. */
export function changes(before: Row, after: Row): string {
  const changed = Object.keys(after).filter((field) => text(before[field]) !== text(after[field]));
  const told = changed.filter((field) => field !== 'updated_at');
  const shown = told.length > 0 ? told : changed;
  return shown.flatMap((field) => difference(field, before[field], after[field])).join(', ');
}

/** The name by which a person knows the record. */
export function label(row: Row): string {
  const { name, first_name, last_name, number, subject, notes, amount, spent_date, hours, project, user } = row;
  const parts = [
    name,
    [first_name, last_name].filter(Boolean).join(' '),
    number,
    subject,
    nameOf(project),
    nameOf(user),
    spent_date,
    hours,
    amount,
    notes,
  ];
  return parts
    .filter((part) => part !== null && part !== undefined && part !== '')
    .map(short)
    .slice(0, 4)
    .join(' · ');
}

/** The parts of a key, or a key that is text. */
export function identity(key: Row | string): string {
  return typeof key === 'string' ? key : Object.values(key).map(short).join(' ');
}

/** The difference between two unequal values: of records and lists only the members that do, unless their names tell it. */
function difference(path: string, before: unknown, after: unknown): string[] {
  const isTold = short(before) !== short(after);
  if (isTold || !isObject(before) || !isObject(after)) return [`${path} ${short(before)} → ${short(after)}`];
  const members = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return members
    .filter((member) => text(before[member]) !== text(after[member]))
    .flatMap((member) =>
      difference(Array.isArray(after) ? `${path}[${member}]` : `${path}.${member}`, before[member], after[member]),
    );
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}

function nameOf(reference: unknown): unknown {
  return (reference as Row | null | undefined)?.name;
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

/** A value in a few characters: records by their name, lists by their length. */
function short(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return `[${value.length}]`;
  if (isObject(value)) return short(value.name ?? (value.id === undefined ? '{…}' : `#${value.id}`));
  const shown = String(value).replace(/\s+/g, ' ');
  return shown.length > 32 ? `${shown.slice(0, 31)}…` : shown;
}
