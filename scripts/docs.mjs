// Writes the generated pages anew, from the built program and from the titles of its tests. A test fails when what is checked in differs.
import { mkdir, writeFile } from 'node:fs/promises';
import * as errors from '../dist/src/base/errors.js';
import { createCodec } from '../dist/src/codec/codec.js';
import { loadSchemas } from '../dist/src/codec/schemas.js';
import { declared, renderJsonSchema } from '../dist/src/config/declared.js';
import { METRICS, PREFIX } from '../dist/src/observe/metrics-table.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { renderConfigPage, renderReference } from './config-pages.mjs';
import { renderDashboard } from './dashboard.mjs';
import { renderErrorsPage } from './errors-page.mjs';
import { renderMetricsPage } from './metrics-page.mjs';
import { renderPromises } from './promises.mjs';
import { renderChangelog } from './renames.mjs';
import { renderStreamPages } from './stream-pages.mjs';

const pages = {
  'config/reference.yaml': () => renderReference(declared),
  'docs/generated/config.schema.json': renderJsonSchema,
  'docs/generated/CONFIG.md': () => renderConfigPage(declared, catalog),
  'docs/generated/ERRORS.md': () => renderErrorsPage(errors),
  'docs/generated/METRICS.md': () => renderMetricsPage(METRICS, PREFIX),
  'docs/generated/PROMISES.md': renderPromises,
  'CHANGELOG.md': renderChangelog,
  'observe/grafana/dashboards/harvest-kafka.json': renderDashboard,
};

for (const [path, render] of Object.entries(pages)) await writeFile(new URL(`../${path}`, import.meta.url), render());

const schemas = await loadSchemas(new URL('../avro/', import.meta.url), catalog);
await mkdir(new URL('../docs/generated/streams/', import.meta.url), { recursive: true });
for (const [path, page] of Object.entries(await renderStreamPages({ catalog, schemas, createCodec })))
  await writeFile(new URL(`../${path}`, import.meta.url), page);
