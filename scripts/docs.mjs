// Writes the generated pages anew, from the built program and from the titles of its tests. A test fails when what is checked in differs.
import { writeFile } from 'node:fs/promises';
import { renderErrorsPage } from '../dist/src/base/errors-page.js';
import { renderConfigPage, renderJsonSchema, renderReference } from '../dist/src/config/reference.js';
import { renderMetricsPage } from '../dist/src/observe/metrics-page.js';
import { renderDashboard } from './dashboard.mjs';
import { renderPromises } from './promises.mjs';
import { renderChangelog } from './renames.mjs';

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
