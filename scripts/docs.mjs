// Writes the generated pages anew, from the built program and from the titles of its tests. A test fails when what is checked in differs.
import { writeFile } from 'node:fs/promises';
import * as errors from '../dist/src/base/errors.js';
import { renderConfigPage, renderJsonSchema, renderReference } from '../dist/src/config/reference.js';
import { renderMetricsPage } from '../dist/src/observe/metrics-page.js';
import { renderErrorsPage } from './errors-page.mjs';
import { renderPromises } from './promises.mjs';
import { renderChangelog } from './renames.mjs';

const pages = {
  'config/reference.yaml': renderReference,
  'docs/generated/config.schema.json': renderJsonSchema,
  'docs/generated/CONFIG.md': renderConfigPage,
  'docs/generated/ERRORS.md': () => renderErrorsPage(errors),
  'docs/generated/METRICS.md': renderMetricsPage,
  'docs/generated/PROMISES.md': renderPromises,
  'CHANGELOG.md': renderChangelog,
};

for (const [path, render] of Object.entries(pages)) await writeFile(new URL(`../${path}`, import.meta.url), render());
