// How the benches tell: the table on stdout, what is under way on stderr.
export function whole(value) {
  return Math.round(value).toLocaleString('en');
}

export function print(...lines) {
  process.stdout.write(`${lines.join('\n')}\n`);
}

export function note(line) {
  process.stderr.write(`${line}\n`);
}
