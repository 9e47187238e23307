// How the benches tell: a table on stdout, beside what README.md said the last time; what is under way on stderr.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const README = new URL('README.md', import.meta.url);

/** The rows of one bench, each of a part; README.md keeps the last ones between two marks that bear the bench's name. */
export class Table {
  #begin;
  #end;
  /** By `part|what`. */
  #kept;
  #new = new Map();

  constructor(name) {
    [this.#begin, this.#end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
    const rows = [...this.#text().between.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$/gm)].slice(1);
    this.#kept = new Map(rows.map(([line, part, what, value]) => [`${part}|${what}`, { part, what, value, line }]));
  }

  head() {
    print('| part | what | value | the last time |', '|---|---|---:|---:|');
  }

  row(part, what, value) {
    const before = this.#kept.get(`${part}|${what}`)?.value ?? '';
    print(`| ${part} | ${what} | ${value} | ${before} |`);
    const measured = new Date().toISOString().slice(0, 10);
    this.#new.set(`${part}|${what}`, { part, what, line: `| ${part} | ${what} | ${value} | ${measured} |` });
  }

  /** Keeps the new rows for the next time, each part where it stood; those of parts that were not measured stay. */
  write() {
    const measured = [...this.#new.values()];
    const parts = new Set([...this.#kept.values(), ...measured].map(({ part }) => part));
    const lines = [...parts].flatMap((part) => {
      const ofPart = (rows) => rows.filter((row) => row.part === part).map(({ line }) => line);
      const anew = ofPart(measured);
      return anew.length > 0 ? anew : ofPart([...this.#kept.values()]);
    });
    const machine = `Node ${process.version}, ${availableParallelism()} cores.`;
    const table = ['| part | what | value | measured |', '|---|---|---:|---|', ...lines, '', machine, ''].join('\n');
    const { before, after } = this.#text();
    writeFileSync(README, `${before}${table}${after}`);
  }

  #text() {
    const text = readFileSync(README, 'utf8');
    const [from, to] = [text.indexOf(this.#begin) + this.#begin.length, text.indexOf(this.#end)];
    return { before: text.slice(0, from), between: text.slice(from, to), after: text.slice(to) };
  }
}

export function whole(value) {
  return Math.round(value).toLocaleString('en');
}

export function seconds(value) {
  return `${value.toFixed(2)} s`;
}

export function print(...lines) {
  process.stdout.write(`${lines.join('\n')}\n`);
}

export function note(line) {
  process.stderr.write(`${line}\n`);
}
