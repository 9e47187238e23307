// Whether the fields that are excluded or hashed are fields of their streams that can be: said when the configuration is read,
// with key and line. The checked-in schemas say which fields there are.
import { readFileSync } from 'node:fs';
import { packagePath } from '../base/package-root.ts';
import { catalog } from '../streams/catalog.ts';
import { indispensableFields, type StreamDefinition } from '../streams/definition.ts';
import { nearest } from './nearest.ts';
import type { Config } from './options.ts';
import type { Path } from './problems.ts';

/** The rest of a sentence that begins with the key at `path`. */
interface Trouble {
  readonly path: Path;
  readonly message: string;
}

/** Everything that is wrong with `streams.<name>.fields`, and a salt that is missing. */
export function fieldTroubles({ streams, privacy }: Config): Trouble[] {
  const masked = catalog.filter(({ name }) => streams[name]?.fields !== undefined);
  const troubles = masked.flatMap((stream) => {
    const { fields } = streams[stream.name]!;
    const derived = catalog.filter(({ name, kind, parent }) => {
      return kind === 'derived' && parent!.stream === stream.name && streams[name]!.enabled;
    });
    return stream.kind === 'derived' ? [elsewhere(stream)] : troublesOf(stream, fields!, derived);
  });
  const salted = masked.find(({ name }) => streams[name]!.fields!.hash.length > 0);
  if (salted !== undefined && privacy.salt === undefined) {
    const message = `is required: streams.${salted.name}.fields.hash needs it. openssl rand -hex 32 makes one`;
    troubles.push({ path: ['privacy', 'salt'], message });
  }
  return troubles;
}

/** A derived stream is read out of the rest of its parent's record. */
function elsewhere({ name, parent, rows }: StreamDefinition): Trouble {
  const message = `has no place here: name them in streams.${parent!.stream}.fields, as ${rows}.name_of_field`;
  return { path: ['streams', name, 'fields'], message };
}

/** `derived`: the streams that are derived from this one and switched on. */
function troublesOf(
  stream: StreamDefinition,
  { exclude, hash }: { readonly exclude: readonly string[]; readonly hash: readonly string[] },
  derived: readonly StreamDefinition[],
): Trouble[] {
  const fields = fieldsOf(stream);
  const named = [...exclude, ...hash];
  const troubles = (key: 'exclude' | 'hash', names: readonly string[]) =>
    names.flatMap((name): Trouble[] => {
      const emptied = key === 'exclude' ? emptiedBy(name, fields, exclude) : null;
      const message = complaint(name, stream, fields, named) ?? needed(name, derived) ?? emptied;
      return message === null ? [] : [{ path: ['streams', stream.name, 'fields', key], message }];
    });
  return [...troubles('exclude', exclude), ...troubles('hash', hash)];
}

/** The complaint about a name, whether it is excluded or hashed. */
function complaint(
  name: string,
  stream: StreamDefinition,
  fields: readonly string[],
  named: readonly string[],
): string | null {
  if (indispensableFields(stream).includes(name)) {
    return `names ${name}, by which records of ${stream.name} are identified or compared: it stays as it is`;
  }
  if (!fields.includes(name)) {
    const meant = nearest(name, fields);
    return `names ${name}, which is no field of ${stream.name}${meant === null ? '' : `; did you mean ${meant}?`}`;
  }
  if (named.indexOf(name) !== named.lastIndexOf(name)) return `names ${name}, which is named twice`;
  const around = named.find((other) => name.startsWith(`${other}.`));
  if (around !== undefined) return `names ${name}, which lies in ${around}, named too`;
  return null;
}

/** A derived stream cannot be made without its array and its keys. */
function needed(name: string, derived: readonly StreamDefinition[]): string | null {
  const without = derived.find(({ rows, key }) => name === rows || key.some((part) => name === `${rows}.${part.name}`));
  if (without === undefined) return null;
  return `names ${name}, of which ${without.name} is made: switch that off, or name other fields`;
}

/** A record of no fields at all is nothing that sinks take. */
function emptiedBy(name: string, fields: readonly string[], exclude: readonly string[]): string | null {
  const [, around] = /^(.+)\.[^.]+$/.exec(name) ?? [];
  const members = fields.filter(
    (field) => around !== undefined && /^\.[^.]+$/.test(field.slice(around.length)) && field.startsWith(around),
  );
  if (members.length === 0 || !members.every((member) => exclude.includes(member))) return null;
  return `names ${name}, and nothing of ${around} would be left: name ${around} instead`;
}

/** Names of all fields but `_extra`, those of records and of arrays of records behind their own. */
function fieldsOf({ name }: StreamDefinition): readonly string[] {
  const schema = JSON.parse(readFileSync(packagePath(`avro/${name}.avsc`), 'utf8')) as Declared;
  return namesIn(schema, '').filter((field) => field !== '_extra');
}

/** As much of an Avro schema as its names need. */
interface Declared {
  readonly fields?: readonly { readonly name: string; readonly type: unknown }[];
  readonly items?: unknown;
}

function namesIn(type: unknown, prefix: string): string[] {
  if (Array.isArray(type)) return type.flatMap((branch) => namesIn(branch, prefix));
  const { fields = [], items } = (type ?? {}) as Declared;
  const below = items === undefined ? [] : namesIn(items, prefix);
  const own = fields.flatMap(({ name, type: inner }) => [`${prefix}${name}`, ...namesIn(inner, `${prefix}${name}.`)]);
  return [...below, ...own];
}
