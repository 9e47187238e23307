// The documents name files, functions' homes and tests: what they name has to be there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { catalog } from '../../src/streams/catalog.ts';

const root = new URL('../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

test.each(documents)('%s links to what is there', (document) => {
  const links = [...read(document).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
  const broken = links.filter((link) => !link.startsWith('http') && !existsSync(join(root, dirname(document), link)));
  expect(broken).toEqual([]);
});

test.each(documents)('%s names source files that are there', (document) => {
  const named = [
    ...read(document).matchAll(/`((?:src|test|base|streams|engine|harvest|codec|kafka|observe|cli)\/[\w./-]+\.ts)\b/g),
  ];
  const missing = named
    .map((match) => match[1]!)
    .filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, 'src', path)));
  expect(missing).toEqual([]);
});

test('every test that INVARIANTS.md names is in one of the files named before it', () => {
  const lines = read('docs/INVARIANTS.md').split('\n- **Tests**').slice(1);
  const missing: string[] = [];
  let checked = 0;
  for (const section of lines) {
    for (const line of section.split('\n- **Gaps')[0]!.split('\n')) {
      const files = [...line.matchAll(/`(test\/[^`]+)`/g)].map((match) => read(match[1]!)).join('\n');
      for (const [, title] of line.matchAll(/\*([^*]+)\*/g)) {
        checked++;
        // `…` stands for what a table of cases puts in; quotes are escaped in sources.
        const pattern = title!
          .split(/\s*…\s*/)
          .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
          .join('.*');
        if (!new RegExp(pattern).test(files)) missing.push(title!);
      }
    }
  }
  expect(missing).toEqual([]);
  expect(checked).toBeGreaterThan(60);
});

test('the pattern for kafkajs takes the 32 data topics, and none that holds something else than Avro', () => {
  const [, pattern] = /topics: \[\/(.+?)\/\], fromBeginning/.exec(read('docs/OPERATING.md'))!;
  const others = ['state', 'dead-letters', 'notifications'];
  const taken = [...catalog.map(({ name }) => name), ...others].filter((name) =>
    new RegExp(pattern!).test(`harvest.${name}`),
  );
  expect(taken).toEqual(catalog.map(({ name }) => name));
});

test('addresses of the registry in the documents end where its API begins', () => {
  const wrong = documents.flatMap((document) =>
    [...read(document).matchAll(/https?:\/\/registry:\d+[^"`\s]*/g)]
      .map(([address]) => address)
      .filter((address) => !/^http:\/\/registry:8080\/apis\/(ccompat\/v7|registry\/v2)$/.test(address)),
  );
  expect(wrong).toEqual([]);
});

test('a source file that a comment names is there', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const missing = sources.flatMap((path) => {
    const comments = [...read(`src/${path}`).matchAll(/\/\/.*|\/\*[\s\S]*?\*\//g)]
      .map(([comment]) => comment)
      .join('\n');
    const named = [...comments.matchAll(/(?<![\w./])[\w./-]+\.ts\b/g)].map(([name]) => name);
    return named
      .filter(
        (name) =>
          !sources.some((source) => source === name || source.endsWith(`/${name}`)) && !existsSync(join(root, name)),
      )
      .map((name) => `src/${path} names ${name}`);
  });
  expect(missing).toEqual([]);
});
