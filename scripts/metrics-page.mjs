// docs/generated/METRICS.md, from the table of metrics (src/observe/metrics-table.ts).

export function renderMetricsPage(metrics, prefix) {
  const rows = Object.entries(metrics).map(
    ([name, { type, unit, help, labels }]) =>
      `| \`${prefix}${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`,
  );
  return `${[
    '# Metrics',
    '',
    'Generated from `src/observe/metrics-table.ts`; do not edit. Served at `/metrics` for Prometheus.',
    'Counters start at zero with the process. Gauges are absent while their value is unknown.',
    '',
    '| metric | type | unit | labels | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'Besides these, the usual metrics of a Node.js process: `process_…` and `nodejs_…`.',
  ].join('\n')}\n`;
}
