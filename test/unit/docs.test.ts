// The pages: links and headings lead somewhere, names of files are right, lines fit a screen, generated tables are fresh.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalog } from '../../src/streams/catalog.ts';

const root = new URL('../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface TaggedTitle {
  readonly file: string;
  readonly title: string;
  readonly promises: readonly string[];
  readonly isGroup: boolean;
}

const { promises, renderPromises, taggedTitles, titlesIn } = (await import(join(root, 'scripts/promises.mjs'))) as {
  promises(): readonly { readonly id: string }[];
  renderPromises(): string;
  taggedTitles(): readonly TaggedTitle[];
  titlesIn(file: string, text: string): readonly TaggedTitle[];
};
const { renderChangelog } = (await import(join(root, 'scripts/renames.mjs'))) as { renderChangelog(): string };

const pagesBelow = (folder: string) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`)
    : [];
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'src', 'lab', 'bench', 'test'].flatMap(pagesBelow),
];

/** A page without its code, in which brackets are no links. */
const proseOf = (page: string) => read(page).replace(/^```[\s\S]*?^```|`[^`\n]*`/gm, '');

/** The anchors that a page's headings have on GitHub. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

test.each(pages)('%s links to pages and headings that are there', (page) => {
  const broken = [...proseOf(page).matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)]
    .filter(([, path]) => !path!.startsWith('http'))
    .filter(([, path, anchor]) => {
      const target = path === '' ? page : normalize(join(dirname(page), path!));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    })
    .map(([link]) => link);
  expect(broken).toEqual([]);
});

test.each(pages)('%s names files that are there', (page) => {
  const folders =
    'src|test|lab|scripts|bench|docs|avro|config|base|streams|engine|harvest|codec|kafka|observe|verify|cli';
  const named = [...read(page).matchAll(new RegExp(`\`((?:${folders})/[\\w./-]*\\.(?:ts|mjs|md|json|yaml))`, 'g'))];
  const missing = named
    .map((match) => match[1]!)
    .filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, 'src', path)));
  expect(missing).toEqual([]);
});

test('every page of docs can be reached from docs/README.md', () => {
  const seen = new Set<string>();
  const visit = (page: string): void => {
    if (seen.has(page) || !page.endsWith('.md') || !existsSync(join(root, page))) return;
    seen.add(page);
    for (const [, path] of proseOf(page).matchAll(/\]\(([^)#]+)/g)) visit(normalize(join(dirname(page), path!)));
  };
  visit('docs/README.md');
  expect(read('docs/README.md')).toContain('](decisions)');
  // Pages beside the tests are no part of the package: others name them, and do not link to them.
  expect(pages.filter((page) => !seen.has(page) && !page.startsWith('test/'))).toEqual([]);
});

test('each incident of the runbooks is tried by tests that are there, under the titles that the index names', () => {
  const page = read('docs/operating/runbooks/README.md');
  const incidents = [...page.matchAll(/^\| \[([^\]]+)\]\([^)]+\) \| HarvestKafka[^|]*\|$/gm)].map(([, name]) => name!);
  expect(incidents).toHaveLength(10);
  const entries = [...page.matchAll(/^- \*\*([^*]+)\*\*:([\s\S]*?)(?=^- |\n\n|$(?![\s\S]))/gm)];
  expect(entries.map(([, name]) => name)).toEqual(incidents);
  for (const [, name, tests] of entries) {
    const tried = [...tests!.matchAll(/`(test\/[^`]+)`\s+\*([^*]+)\*/g)];
    expect([name, tried.length > 0]).toEqual([name, true]);
    for (const [, file, title] of tried) {
      const begins = title!.replace(/\s+/g, ' ');
      expect([file, begins, read(file!).includes(`'${begins}`)]).toEqual([file, begins, true]);
    }
  }
});

test('decisions are numbered without a gap, by file and by title', () => {
  const decisions = pages.filter((page) => /^docs\/decisions\/(?!README)/.test(page)).sort();
  expect(decisions.map((page) => /\/(\d{4})-/.exec(page)?.[1])).toEqual(
    decisions.map((_, index) => String(index + 1).padStart(4, '0')),
  );
  expect(decisions.filter((page) => !read(page).startsWith(`# ${Number(page.slice(15, 19))}. `))).toEqual([]);
});

const written = pages.filter((page) => !/^docs\/(generated|decisions)\/|^bench\//.test(page));

test.each(written)('%s has lines that fit a screen', (page) => {
  const byHand = read(page).replace(/^<!-- (\w+) -->$[\s\S]*?^<!-- \/\1 -->$/gm, '');
  expect(byHand.split('\n').filter((line) => line.length > 160)).toEqual([]);
});

describe('the promises', () => {
  test('stand in INVARIANTS.md, all twelve, each with what enforces it and with its gaps', () => {
    expect(promises().map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, index) => `P${index + 1}`));
    for (const section of read('docs/INVARIANTS.md').split(/^## /m).slice(1)) {
      expect(section).toMatch(/^Enforced:$/m);
      expect(section).toMatch(/^Gaps:$/m);
    }
  });

  test('are each guarded by tests that say so in their titles', () => {
    const titles = taggedTitles();
    const known = promises().map(({ id }) => id);
    expect(titles.flatMap((title) => title.promises).filter((id) => !known.includes(id))).toEqual([]);
    expect(known.filter((id) => titles.filter((title) => title.promises.includes(id)).length < 2)).toEqual([]);
    expect(titles.length).toBeGreaterThan(120);
  });

  test('are read from titles of tests and groups, however they are quoted', () => {
    const tag = (promises: string) => `[${promises}]`;
    const text = [
      `test('one ${tag('P1')}', () => {});`,
      `describe('a group ${tag('P10')}', () => {`,
      `  test.each(TABLE)(\`$name of \${3}: two, a "quoted" one ${tag('P2 P8')}\`, run);`,
      '});',
      'test.each([1, 2])(',
      `  'it\\'s the last ${tag('P3')}',`,
      `const tags = ['${tag('P3')}']; // no title`,
    ].join('\n');
    expect(titlesIn('a.test.ts', text).map(({ title, promises, isGroup }) => [title, promises, isGroup])).toEqual([
      ['one', ['P1'], false],
      ['a group', ['P10'], true],
      ['a group › … of …: two, a "quoted" one', ['P2', 'P8'], false],
      ["it's the last", ['P3'], false],
    ]);
  });
});

test('the generated list of promises and the table in the CHANGELOG are fresh (npm run docs)', () => {
  expect(read('docs/generated/PROMISES.md')).toBe(renderPromises());
  expect(read('CHANGELOG.md')).toBe(renderChangelog());
});

test('the pattern for kafkajs takes the 32 data topics, and none that holds something else than Avro', () => {
  const [, pattern] = /topics: \[\/(.+?)\/\], fromBeginning/.exec(read('docs/operating/readers.md'))!;
  const others = ['state', 'dead-letters', 'notifications'];
  const taken = [...catalog.map(({ name }) => name), ...others].filter((name) =>
    new RegExp(pattern!).test(`harvest.${name}`),
  );
  expect(taken).toEqual(catalog.map(({ name }) => name));
});

test('addresses of the registry in the pages end where its API begins', () => {
  const addresses = pages.flatMap((page) =>
    [...read(page).matchAll(/https?:\/\/(?:registry:\d+|localhost:8081)[^"'`)\s]*/g)].map(([address]) => address),
  );
  const right = /^http:\/\/(registry:8080|localhost:8081)\/apis\/(ccompat\/v7|registry\/v2)$/;
  expect(addresses.length).toBeGreaterThan(5);
  expect(addresses.filter((address) => !right.test(address))).toEqual([]);
});

test('README names the two commands of a fresh clone, and CI runs the second as it stands there', () => {
  const lines = read('README.md').split('\n');
  expect(lines).toContain('    npm ci && npm run demo');
  expect(lines).toContain('    npm cit');
  expect(read('.ci/run').split('\n')).toContain('npm cit');
});
