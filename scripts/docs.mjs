// Writes the generated pages anew, from the built program. A test fails when what is checked in differs.
import { writeFile } from 'node:fs/promises';
import { renderErrorsPage } from '../dist/src/src/base/errors-page.js';
import { renderConfigPage, renderJsonSchema, renderReference } from '../dist/src/src/config/reference.js';
import { renderMetricsPage } from '../dist/src/src/observe/metrics-page.js';

const pages = {
  'config/reference.yaml': renderReference,
  'docs/generated/config.schema.json': renderJsonSchema,
  'docs/generated/CONFIG.md': renderConfigPage,
  'docs/generated/ERRORS.md': renderErrorsPage,
  'docs/generated/METRICS.md': renderMetricsPage,
};

for (const [path, render] of Object.entries(pages)) await writeFile(new URL(`../${path}`, import.meta.url), render());
