// docs/generated/streams: a page for every stream, fresh, and none for a stream that is no more.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createCodec } from '../../../src/codec/codec.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { schemas } from '../../support/codec.ts';

const root = new URL('../../..', import.meta.url).pathname;
const { renderStreamPages } = (await import(`${root}scripts/stream-pages.mjs`)) as {
  renderStreamPages(program: object): Promise<Record<string, string>>;
};

const pages = await renderStreamPages({ catalog, schemas, createCodec });

test('each stream has its page and a line in the index, as they are generated now (npm run docs)', () => {
  const folder = `${root}docs/generated/streams`;
  expect(readdirSync(folder).sort()).toEqual(['README.md', ...catalog.map(({ name }) => `${name}.md`)].sort());
  for (const [path, page] of Object.entries(pages)) expect(readFileSync(`${root}${path}`, 'utf8'), path).toBe(page);
});

test.each(catalog)(
  'the page of $name has its key, source, permission, every field of its schema and an example',
  (stream) => {
    const page = pages[`docs/generated/streams/${stream.name}.md`]!;
    expect(page).toContain(stream.kind === 'derived' ? `\`${stream.rows}\` of each record` : `\`GET ${stream.path}\``);
    expect(page).toContain(stream.permission);
    for (const { name } of [...stream.key, ...schemas.get(stream.name)!.fields])
      expect(page).toContain(`| \`${name}\` |`);
    const [, example] = /```json\n([\s\S]+)```/.exec(page)!;
    const [key, ...value] = example!.split('\n');
    expect(Object.keys(JSON.parse(key!))).toEqual(stream.key.map(({ name }) => name));
    expect(Object.keys(JSON.parse(value.join('\n')))).toEqual(schemas.get(stream.name)!.fields.map(({ name }) => name));
  },
);
