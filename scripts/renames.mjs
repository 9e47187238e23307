// The table of old and new names in CHANGELOG.md, from docs/renames.json.
import { readFileSync } from 'node:fs';

const [BEGIN, END] = ['<!-- renames -->\n', '\n<!-- /renames -->'];

/** The CHANGELOG with its table made anew. */
export function renderChangelog() {
  const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const renames = JSON.parse(read('docs/renames.json'));
  const rows = renames.map((each) => `| ${each.what} | \`${each.old}\` | \`${each.new}\` |`);
  const text = read('CHANGELOG.md');
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  return [text.slice(0, from), '| what | before | now |\n|---|---|---|\n', rows.join('\n'), text.slice(to)].join('');
}
