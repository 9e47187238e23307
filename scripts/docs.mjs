// Writes the generated pages anew, from the built program and from the titles of its tests. A test fails when what is checked in differs.
import { mkdir, writeFile } from 'node:fs/promises';
import { renderErrorsPage } from '../dist/src/base/errors-page.js';
import { createCodec } from '../dist/src/codec/codec.js';
import { loadSchemas } from '../dist/src/codec/schemas.js';
import { renderConfigPage, renderJsonSchema, renderReference } from '../dist/src/config/reference.js';
import { renderMetricsPage } from '../dist/src/observe/metrics-page.js';
import { catalog } from '../dist/src/streams/catalog.js';
import { renderDashboard } from './dashboard.mjs';
import { renderPromises } from './promises.mjs';
import { renderChangelog } from './renames.mjs';
import { renderStreamPages } from './stream-pages.mjs';

const pages = {
  'config/reference.yaml': renderReference,
  'docs/generated/config.schema.json': renderJsonSchema,
  'docs/generated/CONFIG.md': renderConfigPage,
  'docs/generated/ERRORS.md': renderErrorsPage,
  'docs/generated/METRICS.md': renderMetricsPage,
  'docs/generated/PROMISES.md': renderPromises,
  'CHANGELOG.md': renderChangelog,
  'observe/grafana/dashboards/harvest-kafka.json': renderDashboard,
};

for (const [path, render] of Object.entries(pages)) await writeFile(new URL(`../${path}`, import.meta.url), render());

const schemas = await loadSchemas(new URL('../avro/', import.meta.url), catalog);
await mkdir(new URL('../docs/generated/streams/', import.meta.url), { recursive: true });
for (const [path, page] of Object.entries(await renderStreamPages({ catalog, schemas, createCodec })))
  await writeFile(new URL(`../${path}`, import.meta.url), page);
