// docs/generated/PROMISES.md: which tests guard which promise, from tags such as [P3] or [P1 P8] in their titles. The promises
// themselves stand in docs/INVARIANTS.md.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(`${root}/${path}`, 'utf8');

const TAG = / ?\[(P\d+(?: P\d+)*)\]/;
/** The head of a group of tests, on one line. */
const GROUP = /^( *)describe\b[^'"`]*(['"`])((?:\\.|(?!\2)[^\\])*)\2/;
/** A title with a tag: the first argument of a call, on the line of the call or on one of its own. */
const TITLE = /(?:^ *|\()(['"`])((?:\\.|(?!\1)[^\\])*\[P\d+(?: P\d+)*\](?:\\.|(?!\1)[^\\])*)\1,/;

/** The tagged titles of all test files: `{ file, title, promises, isGroup }`. */
export function taggedTitles() {
  const files = readdirSync(`${root}/test`, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return files.sort().flatMap((path) => titlesIn(`test/${path}`, read(`test/${path}`)));
}

/** The tagged titles in the text of one file, each behind the groups around it. */
export function titlesIn(file, text) {
  const titles = [];
  const groups = [];
  for (const line of text.split('\n')) {
    const outer = groups.map(({ title }) => title);
    const group = GROUP.exec(line);
    if (group) groups.push({ end: `${group[1]}});`, title: shown(group[3]) });
    else if (line === groups.at(-1)?.end) groups.pop();
    const literal = TITLE.exec(line)?.[2];
    if (literal === undefined) continue;
    const title = [...outer, shown(literal)].join(' › ');
    titles.push({ file, title, promises: TAG.exec(literal)[1].split(' '), isGroup: group !== null });
  }
  return titles;
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

/** A title as a reader sees it in a list: without tag, and open where a table of cases puts something in. */
function shown(title) {
  return title
    .replace(TAG, '')
    .replace(/\$\{[^}]*\}|%[a-z]|\$[\w.]+/g, '…')
    .replace(/\\(['"`\\])/g, '$1')
    .replaceAll('<', '&lt;');
}
