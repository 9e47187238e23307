// docs/generated/PROMISES.md: which tests guard which promise, from tags such as [P3] or [P1 P8] in their titles. The promises
// themselves stand in docs/INVARIANTS.md.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(`${root}/${path}`, 'utf8');

/** A text on one line that holds a tag; with `describe` before it, it stands for all tests below it. */
const TITLE = /(\bdescribe\b[^\n'"`]*)?(['"`])((?:\\.|(?!\2)[^\\\n])*\[P\d+(?: P\d+)*\](?:\\.|(?!\2)[^\\\n])*)\2/g;
const TAG = /\s*\[(P\d+(?: P\d+)*)\]\s*/;

/** The tagged titles of all test files: `{ file, title, promises, isGroup }`. */
export function taggedTitles() {
  const files = readdirSync(`${root}/test`, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return files.sort().flatMap((path) => titlesIn(`test/${path}`, read(`test/${path}`)));
}

/** The tagged titles in the text of one file. */
export function titlesIn(file, text) {
  return [...text.matchAll(TITLE)].map(([, group, , literal]) => ({
    file,
    title: shown(literal.replace(TAG, ' ').trim()),
    promises: TAG.exec(literal)[1].split(' '),
    isGroup: group !== undefined,
  }));
}

/** The promises of docs/INVARIANTS.md: `{ id, name, text }`. */
export function promises() {
  return [...read('docs/INVARIANTS.md').matchAll(/^## (P\d+) (.+)\n\n\*\*(.+)\*\*$/gm)].map(([, id, name, text]) => {
    return { id, name, text };
  });
}

/** docs/generated/PROMISES.md. */
export function renderPromises() {
  const titles = taggedTitles();
  const sections = promises().map(({ id, name, text }) => {
    const guards = titles.filter(({ promises: guarded }) => guarded.includes(id));
    const files = [...new Set(guards.map(({ file }) => file))];
    const lines = files.map((file) => {
      const own = guards.filter((guard) => guard.file === file);
      return [`- \`${file}\``, ...own.map(({ title, isGroup }) => `  - ${isGroup ? 'all under: ' : ''}${title}`)].join(
        '\n',
      );
    });
    return [`## ${id} ${name}`, '', text, '', ...lines, ''].join('\n');
  });
  const byFile = [...new Set(titles.map(({ file }) => file))].map((file) => {
    const guarded = new Set(titles.filter((title) => title.file === file).flatMap((title) => title.promises));
    return `| \`${file}\` | ${[...guarded].sort((a, b) => a.slice(1) - b.slice(1)).join(' ')} |`;
  });
  return [
    '# Promises and their tests',
    '',
    'Generated from the tags in test titles by `scripts/promises.mjs`; do not edit. What each promise says, where it is enforced and what',
    'is missing: [INVARIANTS](../INVARIANTS.md). `…` stands for what a table of cases puts in.',
    '',
    ...sections,
    '## By test file',
    '',
    '| file | guards |',
    '|---|---|',
    ...byFile,
    '',
  ].join('\n');
}

/** A title as a reader sees it in a list: what a table of cases puts in is left open. */
function shown(title) {
  return title
    .replace(/\$\{[^}]*\}|%[a-z]|\$[\w.]+/g, '…')
    .replace(/\\(['"`\\])/g, '$1')
    .replaceAll('<', '&lt;');
}
