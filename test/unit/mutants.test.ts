// A mutant whose text is gone breaks nothing, and then proves nothing: `npm run mutants` runs the table.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const { MUTANTS, spoilt } = (await import(join(root, 'scripts/mutants-table.mjs'))) as {
  readonly MUTANTS: readonly { readonly name: string; readonly edits: readonly (readonly string[])[] }[];
  spoilt(edits: readonly (readonly string[])[], read: (file: string) => string): ReadonlyMap<string, string>;
};
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test.each(MUTANTS)('the mutant "$name" changes the sources', ({ edits }) => {
  const files = spoilt(edits, read);
  expect(files.size).toBeGreaterThan(0);
  for (const [file, text] of files) expect(text).not.toBe(read(file));
});

test('a mutant whose text is not there is refused', () => {
  expect(() => spoilt([['package.json', 'no such text', '']], read)).toThrow(
    'package.json does not hold: no such text',
  );
});
