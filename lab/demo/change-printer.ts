// Prints changes as they arrive on the topics, one line each: what a consumer of these topics sees. Reads with kafkajs and the
// registry library, read_committed, and remembers the last value of each key to say what changed.
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { type Consumer, Kafka, logLevel } from 'kafkajs';

type Row = Readonly<Record<string, unknown>>;

export interface ChangePrinter {
  close(): Promise<void>;
}

export interface PrinterOptions {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly topics: readonly string[];
  /** Length of `<prefix>.`, cut off the topic to get the stream. */
  readonly prefixLength: number;
  readonly write: (line: string) => void;
  readonly paint: (format: 'green' | 'yellow' | 'red' | 'gray' | 'bold', text: string) => string;
}

const SIGNS = { c: ['+', 'green'], u: ['~', 'yellow'], d: ['-', 'red'], r: ['·', 'gray'] } as const;
/** First reads come by the thousand: they are counted, and the count is printed when they pause. */
const COUNT_PAUSE_MS = 500;
const LINE_WIDTH = 150;

/** Starts printing from the beginning of the topics, so that updates can be told field by field. */
export async function printChanges(options: PrinterOptions): Promise<ChangePrinter> {
  const kafka = new Kafka({ clientId: 'change-printer', brokers: [...options.brokers], logLevel: logLevel.NOTHING });
  const registry = new SchemaRegistry({ host: options.registryUrl }, { [SchemaType.AVRO]: { logicalTypes: READABLE } });
  const consumer = kafka.consumer({ groupId: `change-printer-${process.pid}`, maxWaitTimeInMs: 200 });
  const printer = new Printer(options);
  await consumer.connect();
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => {
      const key = message.key!.toString('base64');
      const id = identity(await decoded(registry, message.key!));
      const value = message.value === null ? null : ((await decoded(registry, message.value)) as Row);
      printer.show(topic, key, id, value, String(message.headers?.__op ?? '?'), Number(message.timestamp));
    },
  });
  return { close: () => leave(kafka, consumer, printer) };
}

class Printer {
  readonly #options: PrinterOptions;
  readonly #startedAt = Date.now();
  readonly #last = new Map<string, Row>();
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  show(topic: string, key: string, id: string, value: Row | null, op: string, publishedAt: number): void {
    const stream = topic.slice(this.#options.prefixLength);
    const before = this.#last.get(`${topic} ${key}`);
    if (value === null) this.#last.delete(`${topic} ${key}`);
    else this.#last.set(`${topic} ${key}`, value);
    // A record from before the printer started is history, and a first read is no change.
    if (publishedAt < this.#startedAt) return;
    if (op === 'r') {
      this.#count(stream);
      return;
    }
    const [sign, color] = SIGNS[op as keyof typeof SIGNS] ?? ['?', 'gray'];
    const told = value === null ? label(before ?? {}) : before ? changes(before, value) : label(value);
    const { paint, write } = this.#options;
    const line = `${sign} ${stream.padEnd(22)} ${id.padEnd(12)} ${told}`.slice(0, LINE_WIDTH);
    write(`${paint('gray', new Date(publishedAt).toISOString().slice(11, 19))} ${paint(color, line)}\n`);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#flush();
  }

  #count(stream: string): void {
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
    this.#timer?.refresh();
    this.#timer ??= setTimeout(() => this.#flush(), COUNT_PAUSE_MS).unref();
  }

  #flush(): void {
    this.#timer = null;
    if (this.#counts.size === 0) return;
    const counted = [...this.#counts].map(([stream, count]) => `${stream} ${count}`).join(', ');
    this.#counts.clear();
    this.#options.write(
      `${this.#options.paint('gray', `${new Date().toISOString().slice(11, 19)} · read for the first time: ${counted}`)}\n`,
    );
  }
}

/** Logical types as text that a person reads. */
const READABLE = {
  date: readable((days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
  'timestamp-millis': readable((ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`),
  decimal: readable((bytes: Buffer, scale) => {
    const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
    return String(Number(unscaled) / 10 ** scale);
  }),
};

function readable<T>(show: (value: T, scale: number) => string): new () => avro.types.LogicalType {
  return class extends avro.types.LogicalType {
    #scale = 0;
    constructor(schema?: { scale?: number }, options?: object) {
      super(schema as never, options as never);
      this.#scale = schema?.scale ?? 0;
    }
    protected override _fromValue(value: T): string {
      return show(value, this.#scale);
    }
    protected override _toValue(): undefined {}
    protected override _resolve(): undefined {}
  };
}

async function decoded(registry: SchemaRegistry, bytes: Buffer): Promise<unknown> {
  // String keys carry no schema.
  return bytes[0] === 0 ? registry.decode(bytes) : bytes.toString();
}

function identity(key: unknown): string {
  return typeof key === 'object' && key !== null ? Object.values(key).map(short).join(' ') : String(key);
}

/** The name by which a person knows the record. */
function label(row: Row): string {
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

/** `hours 1.25 → 1.5, notes … → …`; `updated_at` only when nothing else changed. */
export function changes(before: Row, after: Row): string {
  const changed = Object.keys(after).filter((field) => text(before[field]) !== text(after[field]));
  const told = changed.filter((field) => field !== 'updated_at');
  const shown = told.length > 0 ? told : changed;
  return shown.flatMap((field) => difference(field, before[field], after[field])).join(', ');
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
  return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member)) ?? '';
}

/** A value in a few characters: decimals as numbers, days as dates, records by their name. */
function short(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return `[${value.length}]`;
  if (isObject(value)) return short(value.name ?? (value.id === undefined ? '{…}' : `#${value.id}`));
  const shown = String(value).replace(/\s+/g, ' ');
  return shown.length > 32 ? `${shown.slice(0, 31)}…` : shown;
}

async function leave(kafka: Kafka, consumer: Consumer, printer: Printer): Promise<void> {
  printer.close();
  await consumer.disconnect();
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteGroups([`change-printer-${process.pid}`]).catch(() => {});
  await admin.disconnect();
}
