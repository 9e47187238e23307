// How the records of a step left what was known of their stream: members the schema lacks, types it does not take, nulls
// where none were. Each is announced once per stream and field, and counted each time; the state row remembers which.
import type { StreamDefinition } from '../../streams/definition.ts';
import type { DriftCount, DriftKind, PublisherEvent } from '../events.ts';
import type { Codec, ConversionError, FieldDraft, JsonObject, Shape, UnknownMember } from '../ports.ts';
import type { StreamRow } from './stream-row.ts';

/** So many values of an unknown member are looked at to tell its type. */
const SAMPLES_MAX = 2000;
/** Unknown members remembered per stream: with more, their names are data, and announcing them says nothing. */
const MEMBERS_MAX = 200;

type DriftNews = Extract<PublisherEvent, { name: 'drift.seen' }>;
type Remembered = Pick<StreamRow, 'unknown' | 'new_types' | 'nulls'>;

/** The refused records of a step that fail at one field. */
export interface RefusedField {
  readonly field: string;
  count: number;
  readonly reason: string;
  /** Of the first of them: types, never values. */
  readonly shape: Shape;
}

interface Misfit {
  readonly kind: DriftKind;
  readonly expected: string;
  readonly found: Shape;
}

export class Drift {
  readonly #stream: StreamDefinition;
  readonly #codec: Codec;
  readonly #unknown = new Map<string, { count: number; readonly samples: unknown[] }>();
  readonly #refused = new Map<string, RefusedField>();
  readonly #misfits = new Map<string, Misfit>();
  readonly #nulls = new Set<string>();
  /** Times that came as an empty text, with the number of records. */
  readonly #emptied = new Map<string, number>();

  constructor(stream: StreamDefinition, codec: Codec) {
    this.#stream = stream;
    this.#codec = codec;
  }

  sawUnknown(members: readonly UnknownMember[]): void {
    for (const { path, value } of members) {
      const seen = this.#unknown.get(path) ?? { count: 0, samples: [] };
      this.#unknown.set(path, seen);
      seen.count++;
      if (seen.samples.length < SAMPLES_MAX) seen.samples.push(value);
    }
  }

  sawEmptied(paths: readonly string[]): void {
    for (const path of paths) this.#emptied.set(path, (this.#emptied.get(path) ?? 0) + 1);
  }

  sawRefusal(record: JsonObject, { field, message, mismatch }: ConversionError): void {
    const known = this.#refused.get(field);
    if (known) known.count++;
    else this.#refused.set(field, { field, count: 1, reason: message, shape: this.#codec.shape(record) });
    if (mismatch === null || this.#misfits.has(field)) return;
    const kind = mismatch.found === 'null' ? 'unexpected_null' : 'new_type';
    this.#misfits.set(field, { kind, ...mismatch });
  }

  /** Takes note of the fields that were null in what was encoded since. */
  sawNulls(): void {
    for (const field of this.#codec.takeNulls(this.#stream)) this.#nulls.add(field);
  }

  refused(): readonly RefusedField[] {
    return [...this.#refused.values()];
  }

  /** Records by what is new in them; nulls are counted by their announcement alone, after which they are known. */
  counts(): DriftCount[] {
    const unknown = [...this.#unknown].map(
      ([field, { count }]): DriftCount => ({ kind: 'unknown_member', field, count }),
    );
    const refused = [...this.#misfits].map(
      ([field, { kind }]): DriftCount => ({ kind, field, count: this.#refused.get(field)!.count }),
    );
    const emptied = [...this.#emptied].map(([field, count]): DriftCount => ({ kind: 'empty_text', field, count }));
    return [...unknown, ...refused.filter(({ kind }) => kind === 'new_type'), ...emptied];
  }

  /** Drift that was not announced yet, as of the row before this step. */
  news(row: StreamRow): DriftNews[] {
    return [...this.#newMembers(row), ...this.#newMisfits(row), ...this.#newNulls(row), ...this.#newEmptied(row)];
  }

  /** The members of the row that remember it with this step. */
  remembered(row: StreamRow): Remembered {
    const newTypes = [
      ...this.#newMisfits(row).map(({ field }) => field),
      ...this.#newEmptied(row).map(({ field }) => emptyText(field)),
    ];
    return {
      unknown: joined(
        row.unknown,
        this.#newMembers(row).map(({ field }) => field),
      ),
      ...(row.new_types || newTypes.length > 0 ? { new_types: joined(row.new_types ?? [], newTypes) } : {}),
      ...(learns(row) || row.nulls ? { nulls: joined(row.nulls ?? [], this.#nulls) } : {}),
    };
  }

  /** A member that was null or empty so far is announced once its type is known. */
  #newMembers(row: StreamRow): DriftNews[] {
    const room = Math.max(0, MEMBERS_MAX - row.unknown.length);
    const unseen = [...this.#unknown].filter(([field]) => !row.unknown.includes(field));
    const drafts = unseen.flatMap(([field, { samples }]) => {
      const draft = this.#codec.draft(this.#stream, field, samples);
      return draft === null ? [] : [{ field, draft }];
    });
    return drafts
      .slice(0, room)
      .map(({ field, draft }) =>
        this.#news('unknown_member', field, draft.shape, { ...draft, advice: this.#memberAdvice(draft) }),
      );
  }

  #memberAdvice({ avro, into }: FieldDraft): string {
    if (avro === null) return 'It travels in _extra and stays there: no field can hold it.';
    return `It travels in _extra. For a field of its own, paste avro into the fields of ${into} in avro/${this.#stream.name}.avsc, register the schema and restart.`;
  }

  #newMisfits(row: StreamRow): DriftNews[] {
    const unseen = [...this.#misfits].filter(([field]) => !row.new_types?.includes(field));
    return unseen.map(([field, { kind, expected, found }]) =>
      this.#news(kind, field, found, { expected, advice: kind === 'new_type' ? TYPE_ADVICE : KEY_ADVICE }),
    );
  }

  #newNulls(row: StreamRow): DriftNews[] {
    if (learns(row) || !row.nulls) return [];
    const unseen = [...this.#nulls].filter((field) => !row.nulls!.includes(field)).sort();
    return unseen.map((field) =>
      this.#news('unexpected_null', field, 'null', { expected: 'a value', advice: NULL_ADVICE }),
    );
  }

  #newEmptied(row: StreamRow): DriftNews[] {
    const unseen = [...this.#emptied.keys()].filter((field) => !row.new_types?.includes(emptyText(field)));
    return unseen.map((field) =>
      this.#news('empty_text', field, 'string', { expected: 'a time or null', advice: EMPTY_ADVICE }),
    );
  }

  #news(kind: DriftKind, field: string, shape: Shape, more: Partial<DriftNews> & { advice: string }): DriftNews {
    const none = { expected: null, avro: null, into: null };
    return { name: 'drift.seen', stream: this.#stream.name, kind, field, shape, ...none, ...more };
  }
}

/** The notice of text whose bytes were no UTF-8; once per stream, which its row remembers. */
export function replacedText(stream: StreamDefinition): DriftNews {
  const { name } = stream;
  const none = { avro: null, into: null };
  const advice = `They are published as U+FFFD, because they came again and again. Correct the text of ${name} in Harvest, or look at what stands between here and Harvest; what is mended is published with the next change or reconciliation.`;
  return {
    ...{ name: 'drift.seen', stream: name, kind: 'replaced_text', field: 'the whole body', shape: 'string' },
    ...{ expected: 'UTF-8', ...none, advice },
  };
}

/** Before the snapshot has ended, and while the stream is empty, nothing is known of what is never null. */
function learns(row: StreamRow): boolean {
  return !row.complete || row.rows === 0;
}

function joined(before: readonly string[], more: Iterable<string>): string[] {
  return [...new Set([...before, ...more])].sort();
}

/** How a row remembers that a field came as an empty text, beside one that came with another type. */
const emptyText = (field: string): string => `${field} = ""`;

const EMPTY_ADVICE = 'It is published as null: an empty text is no time.';
const NULL_ADVICE =
  'It is published as null. Look whether a permission or a module of Harvest changed, and whether readers can take it.';

const TYPE_ADVICE =
  'The records are in the dead letters. A type never changes in place: publish the field under a new name, or everything under a new topics.prefix.';
const KEY_ADVICE = 'The records are in the dead letters: the field is part of what identifies them.';
