import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as errors from '../../../src/base/errors.ts';

const root = new URL('../../../', import.meta.url);
const { renderErrorsPage } = (await import(new URL('scripts/errors-page.mjs', root).href)) as {
  renderErrorsPage(tables: typeof errors): string;
};

test('the page of failures is checked in as it is generated now, and has a row for every code', () => {
  const checkedIn = readFileSync(new URL('docs/generated/ERRORS.md', root), 'utf8');
  expect(checkedIn).toBe(renderErrorsPage(errors));
  for (const code of Object.keys(errors.CODES)) expect(checkedIn).toContain(`| \`${code}\` |`);
  expect(checkedIn, 'a code, kind or exit code without a sentence').not.toContain('undefined');
});
