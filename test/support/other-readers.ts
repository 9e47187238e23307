// Our bytes in the hands of Avro libraries that are not ours: what they are asked, and what they must answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { keySchema, publishedSchema } from '../../src/codec/schemas.ts';
import { HEADER } from '../../src/codec/wire.ts';
import type { JsonObject } from '../../src/engine/ports.ts';
import { catalog } from '../../src/streams/catalog.ts';
import type { StreamDefinition } from '../../src/streams/definition.ts';
import { schemas, testCodec } from './codec.ts';
import { documentedFields } from './harvest-fields.ts';
import { anyRecord } from './records.ts';
import { runs } from './runs.ts';
import { contextOf, sampleOf } from './samples.ts';

export interface Question {
  /** `clients value 3`. */
  readonly name: string;
  readonly schema: object;
  readonly payload: string;
  readonly expected: JsonObject;
}

/** Key and value of every stream's sample, and values of so many random records of each (`FC_RUNS` for more). */
export async function questions(perStream: number): Promise<Question[]> {
  const codec = testCodec();
  const asked: Question[] = [];
  for (const stream of catalog) {
    const identity = stream.key.filter(({ type }) => type === 'long').map(({ name }) => name);
    const random = fc.sample(anyRecord(documentedFields[stream.name]!, identity), runs(perStream));
    const records = [sampleOf(stream.name).record, ...random];
    const published = publishedSchema(schemas.get(stream.name)!, 'precise');
    for (const [index, record] of records.entries()) {
      const { key, value, id } = codec.encode(stream, record, contextOf(stream));
      const expected = (await codec.decode(stream, value))!;
      asked.push({ name: `${stream.name} value ${index}`, schema: published, payload: hexOf(value), expected });
      if (index > 0) continue;
      asked.push({
        name: `${stream.name} key`,
        schema: keySchema(stream),
        payload: hexOf(key),
        expected: keyOf(stream, id),
      });
    }
  }
  return asked;
}

/** Where the reader sees something else than we wrote, or would have written it otherwise. */
export async function disagreements(
  command: string,
  args: readonly string[],
  asked: readonly Question[],
): Promise<string[]> {
  const lines = asked.flatMap(({ schema, payload }) => [`S${JSON.stringify(schema)}`, `V${payload}`]);
  const answers = await answersOf(command, args, lines);
  return asked.flatMap(({ name, payload, expected }, index) => {
    const [json, written] = (answers[index] ?? '').split('\t');
    const read = canonical(json === '' ? null : JSON.parse(json!));
    const wanted = canonical(expected);
    if (read !== wanted) return [`${name}: read as ${read} instead of ${wanted}`];
    return written === payload ? [] : [`${name}: written as ${written} instead of ${payload}`];
  });
}

/** The lines that a program prints for these lines of input. */
export async function answersOf(command: string, args: readonly string[], lines: readonly string[]): Promise<string[]> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const printed = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  // A program that ends early is told below, by its exit code and its own words.
  child.stdin.on('error', () => {});
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const [output, errors, [code]] = await printed;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.slice(0, 2_000)}`);
  return output.trimEnd().split('\n');
}

function hexOf(message: Buffer): string {
  return message.subarray(HEADER).toString('hex');
}

function keyOf(stream: StreamDefinition, id: number | string): JsonObject {
  const parts = stream.key.length === 1 ? [id] : String(id).split('|');
  return Object.fromEntries(
    stream.key.map(({ name, type }, index) => [name, type === 'long' ? Number(parts[index]) : parts[index]]),
  );
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
