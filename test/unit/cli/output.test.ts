import { describe, expect, it } from 'vitest';
import { painter, printJson, table } from '../../../src/cli/output.ts';

describe('a table', () => {
  it('is aligned, with numbers to the right and no blanks at the ends', () => {
    const rows = [
      { name: 'clients', rows: 12, note: '' },
      { name: 'time_entries', rows: 412_345, note: 'snapshot' },
    ];
    expect(table(rows, ['name', 'rows', 'note'])).toBe(
      ['name            rows  note', 'clients           12', 'time_entries  412345  snapshot', ''].join('\n'),
    );
  });

  it('pads what is seen, not the color codes', () => {
    const paint = (text: string) => `\u001b[1m${text}\u001b[22m`;
    const lines = table(
      [{ a: 'x' }, { a: 'long' }],
      [
        { title: 'a', value: (row) => row.a, paint },
        { title: 'b', value: () => 'y' },
      ],
    );
    expect(lines.split('\n')[1]).toBe('\u001b[1mx\u001b[22m     y');
  });

  it('keeps a row on its line and obeys nothing', () => {
    expect(table([{ a: 'one\ntwo\u001b[2J' }], ['a'])).toBe('a\none two [2J\n');
    expect(table<{ a: null }>([{ a: null }], ['a'])).toBe('a\n\n');
    expect(table([], [{ title: 'a', value: () => '' }])).toBe('a\n');
  });
});

describe('color', () => {
  const red = (output: { isTTY?: boolean }, env: Record<string, string>) =>
    painter({ ...output, write: () => {} }, env)('red', 'x') !== 'x';

  it.each([
    ['is there on a terminal', { isTTY: true }, {}, true],
    ['is not in a pipe', {}, {}, false],
    ['is not when NO_COLOR is set', { isTTY: true }, { NO_COLOR: '1' }, false],
    ['is when NO_COLOR is empty', { isTTY: true }, { NO_COLOR: '' }, true],
    ['is not on a dumb terminal', { isTTY: true }, { TERM: 'dumb' }, false],
    ['is when forced', {}, { FORCE_COLOR: '1' }, true],
  ])('%s', (_, output, env, expected) => {
    expect(red(output, env)).toBe(expected);
  });
});

it('JSON ends with a line break', () => {
  let written = '';
  printJson({ a: 1 }, { write: (text) => (written += text) });
  expect(written).toBe('{\n  "a": 1\n}\n');
});
