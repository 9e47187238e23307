// Writes the generated pages anew, from the built program and from the titles of its tests. A test fails when what is checked in differs.
import { writeFile } from 'node:fs/promises';
import * as errors from '../dist/src/base/errors.js';
import { declared, renderJsonSchema } from '../dist/src/config/declared.js';
import { METRICS, PREFIX } from '../dist/src/observe/metrics-table.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { renderConfigPage, renderReference } from './config-pages.mjs';
import { renderErrorsPage } from './errors-page.mjs';
import { renderMetricsPage } from './metrics-page.mjs';
import { renderPromises } from './promises.mjs';
import { renderChangelog } from './renames.mjs';

const pages = {
  'config/reference.yaml': () => renderReference(declared),
  'docs/generated/config.schema.json': renderJsonSchema,
  'docs/generated/CONFIG.md': () => renderConfigPage(declared, catalog),
  'docs/generated/ERRORS.md': () => renderErrorsPage(errors),
  'docs/generated/METRICS.md': () => renderMetricsPage(METRICS, PREFIX),
  'docs/generated/PROMISES.md': renderPromises,
  'CHANGELOG.md': renderChangelog,
};

for (const [path, render] of Object.entries(pages)) await writeFile(new URL(`../${path}`, import.meta.url), render());
