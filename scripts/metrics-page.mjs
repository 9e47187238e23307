// docs/generated/METRICS.md, from the table of metrics (src/observe/metrics-table.ts).

export function renderMetricsPage(metrics, prefix) {
  const rows = Object.entries(metrics).map(
    ([name, { type, unit, help, labels, together = '' }]) =>
      `| \`${prefix}${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${together} | ${help} |`,
  );
  return `${[
    '# Metrics',
    '',
    'Generated from `src/observe/metrics-table.ts`; do not edit. Served at `/metrics` for Prometheus.',
    'Counters start at zero with the process. Gauges are absent while their value is unknown.',
    '',
    'Beyond 20 accounts in a process, or with `http.metrics_by: account`, the label `stream` is empty: counters and histograms count',
    'all streams of an account, and of a gauge the column *together* says how those of its streams are one. What a stream owes that',
    'is not read (FORBIDDEN, FEATURE_OFF, BLOCKED, PAUSED) is left out then. How long requests and transactions take is told of all',
    'accounts together then, with an empty label `account`.',
    '',
    '| metric | type | unit | labels | together | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    'Besides these, the usual metrics of a Node.js process: `process_…` and `nodejs_…`.',
  ].join('\n')}\n`;
}
