// The codecs of streams, compiled once for each pair of schema ids: accounts whose registry numbers schemas by content share them. Knows
// how to read what was written under other ids; what is noted of an account's records is codec.ts'.
import { assert, PublisherError } from '../base/errors.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { avroKeys, type KeyFormat, stringKeys } from './keys.ts';
import type { RunningTimers } from './running-timer.ts';
import type { DecimalHandling, ValueSchemas } from './schemas.ts';
import { type Reader, StreamCodec } from './stream-codec.ts';
import { MessageWriter } from './wire.ts';

/** The registry's ids of a stream's two schemas; no key schema where keys are text. */
export interface SchemaIds {
  readonly key: number | null;
  readonly value: number;
}

export interface CompiledOptions {
  readonly schemas: ValueSchemas;
  readonly decimalHandling: DecimalHandling;
  readonly keyFormat: KeyFormat;
  /** Whether the ticking of a timer alone makes another version of its record. */
  readonly runningTimers: RunningTimers;
  /** The record registered under an id, null when the registry has none. Asked once per stream and id. */
  readonly writerSchema: (id: number) => Promise<object | null>;
}

/** How to read what another schema wrote. */
interface ForeignReader {
  readonly read: Reader;
  /** That schema has fields that ours has not. */
  readonly isWider: boolean;
}

export class CompiledStreams {
  readonly #options: CompiledOptions;
  /** Messages are written one after the other, without a pause, whoever they are for. */
  readonly #out = new MessageWriter();
  readonly #codecs = new Map<string, StreamCodec>();
  readonly #readers = new Map<string, Promise<ForeignReader>>();

  constructor(options: CompiledOptions) {
    this.#options = options;
  }

  /** The value schemas that it compiles, as `CompiledOptions` has them. */
  get schemas(): ValueSchemas {
    return this.#options.schemas;
  }

  /** Compiles what is not compiled yet. */
  codec(stream: StreamDefinition, ids: SchemaIds | undefined): StreamCodec {
    assert(ids !== undefined, `${stream.name} has schema ids`);
    const name = `${stream.name}|${ids.key}|${ids.value}`;
    const codec = this.#codecs.get(name) ?? this.#compile(stream, ids);
    this.#codecs.set(name, codec);
    return codec;
  }

  /** How to read what was written under `schemaId`. */
  reader(codec: StreamCodec, schemaId: number): Promise<ForeignReader> {
    const name = `${codec.stream.name}|${schemaId}`;
    let known = this.#readers.get(name);
    if (known === undefined) {
      known = this.#options
        .writerSchema(schemaId)
        .then((schema) =>
          isOf(schema, codec)
            ? { read: codec.readerOf(schema), isWider: codec.isNarrowerThan(schema) }
            : { read: stranger(codec, schemaId, schema), isWider: false },
        );
      this.#readers.set(name, known);
      known.catch(() => this.#readers.delete(name));
    }
    return known;
  }

  #compile(stream: StreamDefinition, ids: SchemaIds): StreamCodec {
    const { schemas, keyFormat, decimalHandling: decimals, runningTimers } = this.#options;
    const schema = schemas.get(stream.name);
    assert(schema !== undefined, `${stream.name} has a schema`);
    assert(keyFormat === 'string' || ids.key !== null, `${stream.name} has a key schema id`);
    const out = this.#out;
    const keys = keyFormat === 'string' ? stringKeys(stream) : avroKeys(stream, ids.key!, out);
    return new StreamCodec({ stream, schema, schemaId: ids.value, decimals, runningTimers, keys, out });
  }
}

interface NamedSchema {
  readonly name?: unknown;
  readonly namespace?: unknown;
}

function isOf(schema: NamedSchema | null, { schema: ours }: StreamCodec): schema is object {
  return schema !== null && schema.name === ours.name && schema.namespace === ours.namespace;
}

/**
 * Reads what the registry says is no record of ours: nothing. A registry never gives an id twice, so bytes that are ours all
 * the same were written with another one; going on would leave topics that no consumer reads right.
 */
function stranger(codec: StreamCodec, schemaId: number, schema: NamedSchema | null): Reader {
  return (payload) => {
    if (codec.read(payload) === null) return null;
    const { name: stream } = codec.stream;
    const given =
      schema === null
        ? 'does not know as a record'
        : `gives to ${[schema.namespace, schema.name].filter(Boolean).join('.')}`;
    const told = `the topic of ${stream} carries values under schema id ${schemaId}, which the registry ${given}`;
    throw new PublisherError('registry.replaced', told, { stream });
  };
}
