// Rows of the catalog tell the truth about each other: no compiler reads a stream's name.
import { expect, test } from 'vitest';
import { catalog, company } from '../../../src/streams/catalog.ts';
import { ownerOf, type StreamDefinition } from '../../../src/streams/definition.ts';

const rows = new Map(catalog.map((row) => [row.name, row]));
const names = catalog.map(({ name }) => name);

test('every stream that a row names has a row, and stands before it where its records take records of it along', () => {
  for (const row of catalog) {
    const { name, parent, belongsTo, sources, restatedBy } = row;
    const owner = ownerOf(row);
    const seen = Object.values(restatedBy).flatMap(({ seenIn }) => seenIn ?? []);
    const named = [parent?.stream ?? [], belongsTo?.stream ?? [], sources, Object.keys(restatedBy), seen].flat();
    for (const other of named) expect(names, name).toContain(other);
    if (owner !== null) expect(names.indexOf(owner), name).toBeLessThan(names.indexOf(name));
  }
});

test('one stream is the settings of the account', () => {
  expect(catalog.filter(({ isSettings }) => isSettings)).toEqual([company]);
});

test('every report is made from lists with days, and they do not restate it otherwise', () => {
  for (const { name, sources, restatedBy } of catalog.filter(({ kind }) => kind === 'report')) {
    expect(sources.length, name).toBeGreaterThan(0);
    for (const source of sources) {
      expect(rows.get(source)!.dated, `${source} of ${name}`).not.toBeNull();
      expect(restatedBy, name).not.toHaveProperty(source);
    }
  }
});

/** The member by which reports name a record of the stream: `user_id` for users. */
const dimensionOf = (stream: string) => `${stream.replace(/ies$/, 'y').replace(/s$/, '')}_id`;
const dimension = ({ key }: StreamDefinition) => key.find(({ type }) => type === 'long')!.name;

test('a changed record is looked for in a report that has rows for it, or for the record that it belongs to', () => {
  const reaches = catalog.flatMap(({ restatedBy }) => Object.entries(restatedBy));
  expect(reaches.length).toBeGreaterThan(50);
  for (const [stream, { seenIn, by }] of reaches) {
    if (seenIn === null) continue;
    const subject = by === 'id' ? stream : ownerOf(rows.get(stream)!)!;
    expect(dimension(rows.get(seenIn)!), `${stream} in ${seenIn}`).toBe(dimensionOf(subject));
  }
});
