// Everything that pages and comments name is there: functions, keys, metrics, events, scripts, headings. And the words are those of the glossary.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../src/base/errors.ts';
import { catalog } from '../../src/streams/catalog.ts';

const root = new URL('../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const filesBelow = (folder: string, ending: RegExp): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => ending.test(name) && !name.includes('node_modules'))
        .map((name) => `${folder}/${name}`)
    : [];

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...filesBelow('docs', /\.md$/).filter((page) => !page.startsWith('docs/generated/')),
];
const sources = ['src', 'lab', 'test', 'scripts', 'bench'].flatMap((folder) => filesBelow(folder, /\.(ts|mjs)$/));

/** The text that a script writes between two marks. */
const TABLES = /^<!-- (\w+) -->$[\s\S]*?^<!-- \/\1 -->$/gm;
const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;
const codeOf = (path: string) => read(path).replace(COMMENT, '');
/** The comments of a file; lines that follow each other are one. */
const commentsOf = (path: string) =>
  [...read(path).matchAll(/\/\*[\s\S]*?\*\/|(?:(?<=^|\s)\/\/.*\n?\s*)+/gm)].map(([text]) =>
    text.replace(/\s*\n\s*(\*|\/\/)?\s*/g, ' '),
  );

const words = new Set(sources.flatMap((path) => codeOf(path).match(/[A-Za-z_$][\w$]*/g) ?? []));

test.each(['docs/INVARIANTS.md', 'docs/ARCHITECTURE.md'])(
  '%s names functions that are in the rooms it names',
  (page) => {
    const named = [...read(page).matchAll(/`(\w+)`\s+in\s+`([\w./-]+)`/g)].map(
      ([, name, room]) => [name!, room!] as const,
    );
    const missing = named.filter(([name, room]) => {
      const place = join(root, 'src', room);
      if (!existsSync(place)) return true;
      const files = statSync(place).isFile() ? [`src/${room}`] : filesBelow(`src/${room}`, /\.ts$/);
      return !files.some((file) => new RegExp(`\\b${name}\\b`).test(codeOf(file)));
    });
    expect(missing.map(([name, room]) => `${name} in ${room}`)).toEqual([]);
  },
);

test.each(pages)('%s names functions, metrics, keys and scripts that are there', (page) => {
  const text = read(page).replace(TABLES, '');
  const ticked = [...text.matchAll(/`([^`\n]+)`/g)].map(([, inner]) => inner!);
  const functions = ticked.filter((inner) => /^[a-z]+[A-Z]\w*$/.test(inner) && !words.has(inner));
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);
  const runs = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name!);
  const metrics = [...text.matchAll(/\bharvest_kafka_[a-z_]+[a-z]\b/g)].map(([name]) => name);
  const listed = read('docs/generated/METRICS.md');
  const missing = [
    ...functions,
    ...runs.filter((name) => !scripts.includes(name)).map((name) => `npm run ${name}`),
    ...metrics.filter((name) => !listed.includes(`\`${name}\``)),
    ...ticked.filter(isKey).filter((key) => !isKnownKey(key)),
  ];
  expect(missing).toEqual([]);
});

const SECTIONS = [
  'harvest',
  'kafka',
  'schema_registry',
  'topics',
  'streams',
  'privacy',
  'deletes',
  'reports',
  'http',
  'log',
];
const isKey = (text: string) =>
  !text.endsWith('.ts') && new RegExp(`^(${SECTIONS.join('|')})(\\.(\\w+|<\\w+>))+$`).test(text);

const program = filesBelow('src', /\.ts$/).map(read).join('\n');

/** A key of the configuration, a code of an error, a topic, or an event: they share their first words. */
function isKnownKey(text: string): boolean {
  if (text in CODES || program.includes(`'${text}'`)) return true;
  if (['<stream>', ...catalog.map(({ name }) => name)].some((stream) => text === `harvest.${stream}`)) return true;
  if (['harvest.state', 'harvest.notifications'].includes(text)) return true;
  const key = text.replace(/^streams\.(?!defaults)\w+\./, 'streams.<name>.').replace(/\.<key>$/, '');
  return read('docs/generated/CONFIG.md').includes(`\`${key}`);
}

test('the log events of the page on alerts are those that the program has', () => {
  const table = read('docs/operating/alerts.md').split('## Log events')[1]!;
  const named = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) => cell!.match(/[\w.]+/g) ?? []);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !program.includes(`'${name}'`))).toEqual([]);
  const emitted = [...read('src/engine/events.ts').matchAll(/\bname: '([\w.]+)'/g)].map(([, name]) => name!);
  expect(emitted.length).toBeGreaterThan(20);
  expect(emitted.filter((name) => !named.includes(name))).toEqual([]);
});

describe('comments', () => {
  test('point to nothing outside the repository', () => {
    const outside = /\b(design|harvest-api|libraries|kafka-local|registry-connect|scale-out) sections?\b|\bissue \d+\b/;
    expect(sources.filter((path) => commentsOf(path).some((comment) => outside.test(comment)))).toEqual([]);
  });

  test('name files that are there', () => {
    const missing = sources.flatMap((path) =>
      commentsOf(path)
        .flatMap((comment) => comment.match(/(?<![\w./@<*-])[\w-]+(?:\/[\w-]+)*(?:\.test)?\.(?:ts|mjs|md)\b/g) ?? [])
        .filter(
          (name) =>
            ![...sources, ...pages, 'README.md', ...filesBelow('docs', /\.md$/)].some((file) =>
              `/${file}`.endsWith(`/${name}`),
            ),
        )
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test('name pages and headings that are there', () => {
    const missing = sources.flatMap((path) =>
      commentsOf(path)
        .flatMap((comment) => [
          ...comment.matchAll(/\b(HARVEST-API|HARVEST-STREAMS|ARCHITECTURE|INVARIANTS|GLOSSARY), ([A-Z][\w ]*)/g),
        ])
        .filter(([, page, heading]) => {
          const headings = [...read(`docs/${page}.md`).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
          return !headings.some((each) => heading!.startsWith(each));
        })
        .map(([reference]) => `${path}: ${reference}`),
    );
    expect(missing).toEqual([]);
  });

  test('name functions and members that are there', () => {
    const missing = sources.flatMap((path) =>
      commentsOf(path)
        .flatMap((comment) => [...comment.matchAll(/`([a-z]+[A-Z]\w*)(?:\(\))?`/g)].map(([, name]) => name!))
        .filter((name) => !words.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the words', () => {
  const renames = (JSON.parse(read('docs/renames.json')) as { what: string; old: string; new: string }[]).filter(
    ({ what }) => what === 'word',
  );

  test('that replaced others are in the glossary', () => {
    const glossary = read('docs/GLOSSARY.md');
    expect(renames.map((each) => each.new).filter((word) => !glossary.includes(`**${word}**`))).toEqual([]);
  });

  test('of the glossary are all used', () => {
    const defined = [...read('docs/GLOSSARY.md').matchAll(/\*\*([^*]+)\*\*/g)].flatMap(([, names]) =>
      names!.split(', '),
    );
    const inCode = (word: string) => word.replace(/ (\w)/g, (_, first: string) => first.toUpperCase());
    const used = [...sources, ...pages.filter((page) => page !== 'docs/GLOSSARY.md')]
      .map(read)
      .join('\n')
      .toLowerCase();
    expect(defined.length).toBeGreaterThan(80);
    expect(defined.filter((word) => ![word, inCode(word)].some((name) => used.includes(name.toLowerCase())))).toEqual(
      [],
    );
  });

  /** Pages, sources of the product, its configuration and what is generated from them, each without tables of old names. */
  const places = [
    ...pages,
    ...filesBelow('docs/generated', /\.(md|json)$/),
    ...filesBelow('config', /\.yaml$/),
    ...filesBelow('src', /\.ts$/).filter((path) => path !== 'src/config/renamed.ts'),
  ];
  const withWord = (word: RegExp, text: (path: string) => string) =>
    places.flatMap((path) => [...text(path).matchAll(word)].map(([found]) => `${path}: ${found}`));

  // The ordinary words among them may still be used in plain English, where they are no noun of this program.
  const GIVEN_UP: readonly (readonly [string, RegExp])[] = [
    ['sweep', /\bsweeps?\b|\bswept\b/gi],
    ['census', /\bcensus(es)?\b/gi],
    ['tally', /\btall(y|ies|ied)\b/gi],
    ['suspect', /\bsuspects?\b/gi],
    ['live stream', /\blive[- ]?streams?\b/gi],
    ['settle', /\bsettle(s|d|ment)?\b/gi],
    ['farewell', /\bfarewells?\b/gi],
    ['parcel', /\bparcels?\b/gi],
    ['portion', /\bportions?\b/gi],
    ['door (of HTTP)', /(?<!control )\bdoors?\b/gi],
    // The order of things remains; what a person asks of a daemon is a signal.
    ['order', /\borders\b|\b(an|the) order (is|was|waits|lies)\b|\border[A-Z]\w*|\w*Order[A-Z]\w*/g],
    // The verb remains; a record that answered 404 is a confirmed delete.
    ['gone', /'gone'|\.gone\b|\bgone\s*[:=]/g],
  ];

  test.each(GIVEN_UP)('do not include %s any more', (_, word) => {
    expect(withWord(word, (path) => read(path).replace(TABLES, ''))).toEqual([]);
    expect(places.filter((path) => path.search(word) >= 0)).toEqual([]);
  });

  test('do not include letter any more: it is a dead letter, where it is none of the alphabet', () => {
    const alphabet = /of its letters away|letters, digits|letter beyond ASCII/g;
    const prose = (path: string) =>
      path.endsWith('.ts') ? commentsOf(path).join('\n') : read(path).replace(TABLES, '');
    expect(withWord(/(?<!dead[- ]|dead-letters\.)\bletters?\b/gi, (path) => prose(path).replace(alphabet, ''))).toEqual(
      [],
    );
  });
});
