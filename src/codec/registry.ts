// Our topics need this of the schema registry: one subject for the key and one for the value of every stream. Knows
// which schema belongs where and in which order to ask; the API itself is registry-client.ts.
import { asPublisherError, CODES, PublisherError } from '../base/errors.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { SchemaIds } from './codec.ts';
import type { KeyFormat } from './keys.ts';
import type { RegistryClient } from './registry-client.ts';
import { type DecimalHandling, fieldTypes, keySchema, publishedSchema, type ValueSchemas } from './schemas.ts';

export { createRegistryClient, type RegistryClient } from './registry-client.ts';

export interface SubjectOptions {
  readonly schemas: ValueSchemas;
  readonly prefix: string;
  readonly mode: DecimalHandling;
  readonly keyFormat: KeyFormat;
}

/** One subject by TopicNameStrategy, `<prefix>.<stream>-key` or `-value`, and the schema we want it to hold. */
export interface Subject {
  readonly name: string;
  readonly stream: string;
  readonly part: 'key' | 'value';
  readonly schema: object;
}

/** How the registry stands to a subject of ours. */
export interface SubjectDifference {
  readonly subject: Subject;
  readonly state: 'registered' | 'missing' | 'incompatible';
  /** The schema's id when it is registered. */
  readonly id: number | null;
  /** Why it is incompatible. */
  readonly message: string | null;
}

/** Of these streams, those whose topic was written to. */
export type Written = (streams: readonly string[]) => Promise<ReadonlySet<string>>;

const CONCURRENCY = 8;

/** The subjects of `streams`; string keys have none. */
export function subjectsOf(streams: readonly StreamDefinition[], options: SubjectOptions): Subject[] {
  return streams.flatMap((stream) => {
    const topic = `${options.prefix}.${stream.name}`;
    const value = publishedSchema(options.schemas.get(stream.name)!, options.mode);
    const subject = { name: `${topic}-value`, stream: stream.name, part: 'value', schema: value } as const;
    if (options.keyFormat === 'string') return [subject];
    return [subject, { name: `${topic}-key`, stream: stream.name, part: 'key', schema: keySchema(stream) }];
  });
}

/** Compares our schemas with the registry; writes nothing. */
export function diffSubjects(
  client: RegistryClient,
  streams: readonly StreamDefinition[],
  options: SubjectOptions,
): Promise<SubjectDifference[]> {
  return concurrently(subjectsOf(streams, options), async (subject) => {
    const id = await client.lookup(subject.name, subject.schema);
    if (id !== null) return { subject, state: 'registered', id, message: null };
    const refusal = await client.incompatibility(subject.name, subject.schema);
    const message = refusal ?? (await otherTypes(client, subject));
    return { subject, state: message === null ? 'missing' : 'incompatible', id: null, message };
  });
}

/**
 * Changes of type that registries let pass: Avro reads bytes as text and text as bytes, so a decimal that becomes text
 * would come out as something else. Null when no type has changed.
 */
async function otherTypes(client: RegistryClient, { name, part, schema }: Subject): Promise<string | null> {
  const latest = part === 'value' ? await client.latest(name) : null;
  const before = fieldTypes(latest?.schema ?? {});
  const changed = [...fieldTypes(schema)].filter(([path, type]) => before.has(path) && before.get(path) !== type);
  const told = changed.map(([path, type]) => `${path} is ${before.get(path)} there and ${type} here`);
  return told.length === 0 ? null : told.join(', ');
}

/** A subject that must have been there: its topic was written to. */
export type LostSubject = SubjectDifference & { readonly message: string; readonly remedy: string };

/**
 * Of what is missing, what is lost. Either it was deleted, and the registry still has it; or the registry was emptied or is
 * another one, and what is registered with it now would give ids that lie on the topics to other schemas.
 */
export async function lostSubjects(
  client: RegistryClient,
  differences: readonly SubjectDifference[],
  written: Written,
): Promise<LostSubject[]> {
  // A key's subject may be missing because keys were text before.
  const values = withState(differences, 'missing').filter(({ subject }) => subject.part === 'value');
  if (values.length === 0) return [];
  const streams = await written(values.map(({ subject }) => subject.stream));
  const looked = await concurrently(values, async (difference) => {
    const { name, stream, schema } = difference.subject;
    if (!streams.has(stream) || (await client.latest(name)) !== null) return [];
    const isDeleted = (await client.lookupDeleted(name, schema)) !== null;
    return [{ ...difference, ...(isDeleted ? DELETED : LOST) }];
  });
  return looked.flat();
}

const DELETED = {
  message: 'was deleted, although its topic was written to; the registry still has it',
  remedy: 'Bring the subjects back, under the ids that the records carry: harvest-kafka schemas register.',
};
const LOST = {
  message: 'is not registered, although its topic was written to',
  remedy: CODES['registry.replaced'].remedy,
};

/**
 * The ids of every schema of `streams`. Registers what is missing when `autoRegister` is on, but nothing at all as long
 * as any subject is in the way, or with `written` any is lost: then one error lists them all (registry.incompatible,
 * registry.replaced, registry.not_registered, ...).
 */
export async function prepareSubjects(
  client: RegistryClient,
  streams: readonly StreamDefinition[],
  options: SubjectOptions & { readonly autoRegister: boolean; readonly written?: Written },
): Promise<ReadonlyMap<string, SchemaIds>> {
  const found = await diffSubjects(client, streams, options);
  refuse('registry.incompatible', 'does not take our schema', withState(found, 'incompatible'));
  const lost = options.written === undefined ? [] : await lostSubjects(client, found, options.written);
  refuse('registry.replaced', '', lost, lost.find(({ remedy }) => remedy === LOST.remedy)?.remedy ?? lost[0]?.remedy);
  const missing = withState(found, 'missing');
  if (!options.autoRegister) refuse('registry.not_registered', 'is not registered', missing);
  const registered = await registerAll(client, missing);

  const ids = new Map([...found, ...registered].map(({ subject, id }) => [subject.name, id]));
  return new Map(
    streams.map(({ name }) => {
      const topic = `${options.prefix}.${name}`;
      return [name, { key: ids.get(`${topic}-key`) ?? null, value: ids.get(`${topic}-value`)! }];
    }),
  );
}

/** Tries all of them before it complains, so that the operator sees every subject at once. */
async function registerAll(
  client: RegistryClient,
  missing: readonly SubjectDifference[],
): Promise<SubjectDifference[]> {
  const failures: PublisherError[] = [];
  const registered = await concurrently(missing, async (difference) => {
    try {
      const id = await client.register(difference.subject.name, difference.subject.schema);
      return { ...difference, id };
    } catch (thrown) {
      failures.push(asPublisherError(thrown));
      return difference;
    }
  });
  const urgent = failures.find(({ kind, code }) => kind === 'transient' || code === 'registry.unauthorised');
  const first = urgent ?? failures[0];
  if (first === undefined) return registered;
  const message = urgent?.message ?? failures.map((failure) => failure.message).join('\n');
  throw new PublisherError(first.code, message, { cause: first, remedy: first.remedy });
}

function withState(differences: readonly SubjectDifference[], state: SubjectDifference['state']): SubjectDifference[] {
  return differences.filter((difference) => difference.state === state);
}

function refuse(
  code: 'registry.incompatible' | 'registry.replaced' | 'registry.not_registered',
  what: string,
  differences: readonly SubjectDifference[],
  remedy: string = CODES[code].remedy,
): void {
  if (differences.length === 0) return;
  const tell = ({ subject, message }: SubjectDifference) =>
    `${subject.name} ${[what, message].filter(Boolean).join(': ')}`;
  throw new PublisherError(code, differences.map(tell).join('\n'), { remedy });
}

/** Maps eight at a time, in order; after a failure nothing more begins, and what was begun has ended. */
async function concurrently<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    const ends = await Promise.allSettled(items.slice(at, at + CONCURRENCY).map(work));
    for (const end of ends) {
      if (end.status === 'rejected') throw end.reason;
      results.push(end.value);
    }
  }
  return results;
}
