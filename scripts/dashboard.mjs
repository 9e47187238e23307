// observe/grafana/dashboards/harvest-kafka.json: panels as a table here, as Grafana stores them there.

/** Panels from left to right; a row of the screen is 24 wide. `quiet`: nothing is shown while all is well. */
const ROWS = {
  Fleet: [
    stat('Accounts running', 'sum(harvest_kafka_up) or vector(0)', 'of all accounts that answer', { bad: [0, 1] }),
    stat('Not ready', 'count(harvest_kafka_ready == 0) or vector(0)', 'processes whose /health/ready answers 503'),
    stat(
      'Streams that need somebody',
      'sum(harvest_kafka_stream_state{state=~"FORBIDDEN|BLOCKED|HELD"}) or vector(0)',
      'FORBIDDEN, BLOCKED and HELD, in all accounts',
    ),
    stat(
      'Alerts',
      'count(ALERTS{alertname=~"HarvestKafka.+", alertstate="firing"}) or vector(0)',
      'alerts of harvest-kafka that fire',
    ),
    timeline(
      'Accounts',
      'max by (account) (harvest_kafka_up)',
      '{{account}}',
      'Running, or opening, waiting, stopped',
      {
        0: ['not running', 'red'],
        1: ['running', 'green'],
      },
    ),
    table(
      'Processes',
      'max by (instance, version) (harvest_kafka_build_info)',
      'Which version runs where',
      'instance and version',
    ),
  ],
  Group: [
    series(
      'Accounts by instance',
      'sum by (instance, state) (harvest_kafka_cluster_accounts) > 0',
      '{{instance}} {{state}}',
      'short',
      'Who runs how many: owned, on their way (opening), in the hands of somebody outside of the group (taken)',
      { stacked: true, quiet: true },
    ),
    series(
      'Members, and accounts without an owner',
      'label_replace(max by (job) (harvest_kafka_cluster_members), "what", "members", "", "") or label_replace(max by (job) (harvest_kafka_cluster_unassigned), "what", "unassigned", "", "")',
      '{{job}} {{what}}',
      'short',
      'Instances in the group, and accounts that none of them runs',
      { quiet: true },
    ),
    series(
      'Time without an owner',
      'histogram_quantile(0.99, sum by (le, job) (rate(harvest_kafka_cluster_unowned_seconds_bucket[$__rate_interval])))',
      '{{job}} p99',
      's',
      'From the last commit of the owner before to the signature of the next: 99 of 100 hand-overs were faster',
      { quiet: true },
    ),
    series(
      'Rounds',
      'sum by (job, cause) (increase(harvest_kafka_cluster_rebalances_total[$__rate_interval]))',
      '{{job}} {{cause}}',
      'short',
      'Assignments, as each instance counts them, by what it joined them for',
      { stacked: true, quiet: true },
    ),
    series(
      'Heartbeats, and lag of the loop',
      'label_replace(harvest_kafka_cluster_heartbeat_seconds, "what", "heartbeat", "", "") or label_replace(harvest_kafka_cluster_loop_lag_seconds, "what", "loop", "", "")',
      '{{instance}} {{what}}',
      's',
      'How long the coordinator took to answer, and how late the main loop answered its own thread',
      { quiet: true },
    ),
    series(
      'Accounts lost',
      'sum by (instance, to) (increase(harvest_kafka_cluster_tenures_lost_total[$__rate_interval]))',
      '{{instance}} to {{to}}',
      'short',
      'Taken over while they ran, by another member or by somebody outside of the group',
      { quiet: true },
    ),
  ],
  'Account $account': [
    series(
      'Furthest behind',
      'max by (account) (harvest_kafka_stream_lag_seconds{account=~"$account"} and ignoring (state) harvest_kafka_stream_state{state=~"RUNNING|HELD"} == 1)',
      '{{account}}',
      's',
      'The stream that is known to be equal for the shortest time',
    ),
    series(
      'Freshness',
      'histogram_quantile(0.95, sum by (le, account) (rate(harvest_kafka_freshness_seconds_bucket{account=~"$account"}[$__rate_interval])))',
      '{{account}} p95',
      's',
      'From updated_at to the commit: 95 of 100 changes were faster',
      { quiet: true },
    ),
    series(
      'Budget used',
      'max by (account, budget) (harvest_kafka_budget_used{account=~"$account"} / harvest_kafka_budget_limit)',
      '{{account}} {{budget}}',
      'percentunit',
      'Share of the requests that the window allows',
      { max: 1 },
    ),
    series(
      'Requests by purpose',
      '60 * sum by (purpose) (rate(harvest_kafka_requests_total{account=~"$account"}[$__rate_interval]))',
      '{{purpose}}',
      'short',
      'Requests a minute: what the budget is spent on',
      { stacked: true },
    ),
    series(
      'Requests that failed',
      '60 * sum by (status) (rate(harvest_kafka_requests_total{account=~"$account", status!="2xx"}[$__rate_interval]))',
      '{{status}}',
      'short',
      'Requests a minute; none = no answer at all',
      { quiet: true },
    ),
    series(
      'Commits',
      '60 * sum by (account) (rate(harvest_kafka_commits_total{account=~"$account"}[$__rate_interval]))',
      '{{account}}',
      'short',
      'Kafka transactions a minute',
    ),
    series(
      'Duration of a commit',
      'histogram_quantile(0.99, sum by (le, account) (rate(harvest_kafka_commit_seconds_bucket{account=~"$account"}[$__rate_interval])))',
      '{{account}} p99',
      's',
      '99 of 100 were faster',
    ),
    series(
      'Answer time of Harvest',
      'histogram_quantile(0.99, sum by (le, budget) (rate(harvest_kafka_request_seconds_bucket{account=~"$account"}[$__rate_interval])))',
      '{{budget}} p99',
      's',
      '99 of 100 were faster',
    ),
    series(
      'Opened anew, repeated, doubted',
      'sum by (code) (increase(harvest_kafka_waits_total{account=~"$account"}[$__rate_interval]) or increase(harvest_kafka_retries_total{account=~"$account"}[$__rate_interval]) or increase(harvest_kafka_doubts_total{account=~"$account"}[$__rate_interval]))',
      '{{code}}',
      'short',
      'Failures that were ridden out, by code',
      { quiet: true },
    ),
  ],
  'Streams $stream': [
    timeline(
      'State',
      'max by (account, stream) (harvest_kafka:stream_state:number{account=~"$account", stream=~"$stream"})',
      '{{account}} {{stream}}',
      'Computed by the recording rule of rules.yaml',
      {
        0: ['module off', 'text'],
        1: ['in step', 'green'],
        2: ['snapshot', 'blue'],
        3: ['retrying', 'yellow'],
        4: ['held', 'orange'],
        5: ['forbidden', 'red'],
        6: ['blocked', 'dark-red'],
        7: ['paused', 'purple'],
      },
      { width: 24, height: 14 },
    ),
    series(
      'Behind, in intervals',
      'max by (account, stream) (harvest_kafka_stream_lag_seconds{account=~"$account", stream=~"$stream"} / harvest_kafka_stream_poll_interval_seconds)',
      '{{account}} {{stream}}',
      'short',
      'Lag divided by how often the stream is asked for: around 1 is as it should be',
    ),
    series(
      'Records published',
      '60 * sum by (op) (rate(harvest_kafka_records_published_total{account=~"$account", stream=~"$stream"}[$__rate_interval]))',
      '{{op}}',
      'short',
      'Records a minute: c created, u updated, d deleted, r first read',
      { stacked: true },
    ),
    series(
      'Snapshot',
      'max by (account, stream) (harvest_kafka_scan_progress_ratio{account=~"$account", stream=~"$stream", purpose="snapshot"})',
      '{{account}} {{stream}}',
      'percentunit',
      'How much of the first reading is done',
      { max: 1, quiet: true },
    ),
    series(
      'Rows on the topics',
      'sum by (stream) (harvest_kafka_stream_rows{account=~"$account", stream=~"$stream"})',
      '{{stream}}',
      'short',
      'Keys with a value',
    ),
    series(
      'Waiting work',
      'sum by (kind) (harvest_kafka_stream_backlog{account=~"$account", stream=~"$stream"})',
      '{{kind}}',
      'short',
      'What is still to be read, asked for or deleted',
      { stacked: true },
    ),
    series(
      'Dead letters',
      'sum by (account, stream) (harvest_kafka_dead_letters_total{account=~"$account", stream=~"$stream"}) > 0',
      '{{account}} {{stream}}',
      'short',
      'Records that could not be converted, since the start of the process',
      { quiet: true },
    ),
    series(
      'Drift',
      'sum by (stream, field, kind) (harvest_kafka_drift_total{account=~"$account", stream=~"$stream"})',
      '{{stream}}.{{field}} {{kind}}',
      'short',
      'Answers that left the schema, since the start of the process',
      { quiet: true },
    ),
    series(
      'Last compared as a whole',
      'max by (account, stream) (harvest_kafka_stream_reconciliation_seconds{account=~"$account", stream=~"$stream"})',
      '{{account}} {{stream}}',
      's',
      'Age of the last reconciliation or round',
    ),
  ],
  Process: [
    series(
      'Memory',
      'process_resident_memory_bytes and on (job, instance) harvest_kafka_build_info',
      '{{instance}}',
      'bytes',
      'Resident',
    ),
    series(
      'Processor',
      'rate(process_cpu_seconds_total[$__rate_interval]) and on (job, instance) harvest_kafka_build_info',
      '{{instance}}',
      'percentunit',
      'Of one processor',
    ),
    series(
      'Event loop',
      'nodejs_eventloop_lag_p99_seconds and on (job, instance) harvest_kafka_build_info',
      '{{instance}} p99',
      's',
      'How late the process came to what was due',
    ),
  ],
};

function stat(title, expr, description, { bad = [] } = {}) {
  // Where more is worse, one is red already; `bad` turns that round.
  const [low, high] = bad.length > 0 ? ['red', 'green'] : ['green', 'red'];
  const thresholds = { mode: 'absolute', steps: [threshold(null, low), threshold(1, high)] };
  return panel('stat', title, expr, title, description, {
    ...{ width: 6, height: 4 },
    defaults: { thresholds },
    options: { colorMode: 'background', reduceOptions: { calcs: ['lastNotNull'] } },
  });
}

function series(title, expr, legend, unit, description, { max, stacked = false, quiet = false } = {}) {
  const custom = { fillOpacity: 10, showPoints: 'never', ...(stacked && { stacking: { mode: 'normal' } }) };
  return panel('timeseries', title, expr, legend, description, {
    ...{ width: 12, height: 8, quiet },
    defaults: { unit, min: 0, ...(max !== undefined && { max }), custom },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  });
}

function timeline(title, expr, legend, description, words, { width = 12, height = 8 } = {}) {
  const options = Object.fromEntries(Object.entries(words).map(([value, [text, color]]) => [value, { text, color }]));
  return panel('state-timeline', title, expr, legend, description, {
    ...{ width, height },
    defaults: { mappings: [{ type: 'value', options }], custom: { fillOpacity: 80 } },
    options: { showValue: 'never', mergeValues: true, rowHeight: 0.8 },
  });
}

function table(title, expr, description) {
  return panel('table', title, expr, '', description, {
    ...{ width: 12, height: 8, instant: true },
    defaults: {},
    options: {},
    transformations: [{ id: 'organize', options: { excludeByName: { Time: true, Value: true } } }],
  });
}

function panel(type, title, expr, legendFormat, description, { defaults, options, transformations, ...place }) {
  return { type, title, expr, legendFormat, description, defaults, options, transformations, ...place };
}

function threshold(value, color) {
  return { value, color };
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Places panels from left to right and line by line below the title of their row. */
function placed() {
  const panels = [];
  let y = 0;
  const add = (entry) => panels.push({ id: panels.length + 1, ...entry });
  for (const [title, row] of Object.entries(ROWS)) {
    add({ type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 } });
    y += 1;
    let [x, lineHeight] = [0, 0];
    for (const { width: w, height: h, instant = false, quiet: _, defaults, expr, legendFormat, ...rest } of row) {
      if (x + w > 24) [x, y, lineHeight] = [0, y + lineHeight, 0];
      const target = { refId: 'A', datasource: DATASOURCE, expr, legendFormat, instant, range: !instant };
      if (instant) target.format = 'table';
      add({
        ...rest,
        datasource: DATASOURCE,
        gridPos: { x, y, w, h },
        fieldConfig: { defaults, overrides: [] },
        targets: [target],
      });
      [x, lineHeight] = [x + w, Math.max(lineHeight, h)];
    }
    y += lineHeight;
  }
  return panels;
}

function variable(name, query) {
  const all = { selected: true, text: 'All', value: '$__all' };
  return {
    ...{ name, label: name, type: 'query', datasource: DATASOURCE, query: { query, refId: name }, definition: query },
    ...{ multi: true, includeAll: true, allValue: '.+', current: all, refresh: 2, sort: 1 },
  };
}

export function renderDashboard() {
  const dashboard = {
    ...{ uid: 'harvest-kafka', title: 'harvest-kafka', tags: ['harvest-kafka'], schemaVersion: 39, version: 1 },
    ...{ editable: true, graphTooltip: 1, refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'browser' },
    templating: {
      list: [
        { name: 'datasource', label: 'data source', type: 'datasource', query: 'prometheus' },
        variable('account', 'label_values(harvest_kafka_up, account)'),
        variable('stream', 'label_values(harvest_kafka_stream_state{account=~"$account"}, stream)'),
      ],
    },
    annotations: {
      list: [
        {
          ...{ name: 'Started', enable: true, iconColor: 'blue', datasource: DATASOURCE },
          expr: 'changes(process_start_time_seconds[2m]) > 0 and on (job, instance) harvest_kafka_build_info',
          titleFormat: 'harvest-kafka started on {{instance}}',
        },
      ],
    },
    panels: placed(),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** Titles of panels that are empty while all is well. */
export function quietPanels() {
  return Object.values(ROWS)
    .flat()
    .filter(({ quiet }) => quiet)
    .map(({ title }) => title);
}
