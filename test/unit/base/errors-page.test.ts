import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CODES } from '../../../src/base/errors.ts';
import { renderErrorsPage } from '../../../src/base/errors-page.ts';

test('the page of failures is checked in as it is generated now, and has a row for every code', () => {
  const checkedIn = readFileSync(new URL('../../../docs/generated/ERRORS.md', import.meta.url), 'utf8');
  expect(checkedIn).toBe(renderErrorsPage());
  for (const code of Object.keys(CODES)) expect(checkedIn).toContain(`| \`${code}\` |`);
});
