// The page that Prometheus scrapes. Counters follow events and start at zero on boot; gauges are read from the accounts' status at each
// scrape, and are absent while unknown. Labels are bounded.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import type { ClusterEvent, ClusterStatus } from '../cluster/status.ts';
import type { EventName, PublisherEvent } from '../engine/events.ts';
import type { AccountStatus } from '../engine/status.ts';
import { clusterReadiness } from './cluster.ts';
import { type Declaration, METRICS, type MetricName, PREFIX } from './metrics-table.ts';
import { readiness } from './readiness.ts';
import { type Labels, samplesByAccount, samplesByStream } from './stream-gauges.ts';

/** Gauges that Node.js' own metrics name like counters, which `promtool check metrics` refuses; each has a sibling by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export interface Metrics {
  /** The listener for one account's events. */
  listen(accountId: string): (event: PublisherEvent) => void;
  /** The listener for events of the group. */
  listenCluster(event: ClusterEvent): void;
  /** The page that Prometheus scrapes. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** By stream; or one of all streams of an account, whose `stream` is empty. `auto` is by stream up to 20 accounts. */
export type MetricsBy = 'auto' | 'stream' | 'account';

/** `accounts`, `droppedLines` and `cluster` are asked at each scrape. */
export function createMetrics(
  version: string,
  accounts: () => readonly AccountStatus[],
  clock: Pick<Clock, 'now'>,
  droppedLines: () => number = () => 0,
  cluster: () => ClusterStatus | null = () => null,
  by: MetricsBy = 'auto',
): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, { type, help, unit, labels, buckets }] of Object.entries<Declaration>(METRICS)) {
    const options = { name: PREFIX + name, help: helpText(help, unit), labelNames: [...labels], registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(options));
    else if (type === 'gauge') gauges.set(name, new Gauge(options));
    else histograms.set(name, new Histogram({ ...options, buckets: [...buckets!] }));
  }
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);

  /** Ids of those that have told anything. */
  const known = new Set<string>();
  let isByStream = by !== 'account';
  /** Looks anew how fine the metrics are. Those that change with it begin anew, or some would be there twice. */
  const judge = (count: number) => {
    const was = isByStream;
    isByStream = by === 'stream' || (by === 'auto' && count <= DETAILED_ACCOUNTS);
    if (was === isByStream) return;
    for (const [name, { labels, type }] of Object.entries<Declaration>(METRICS)) {
      if (labels.includes('stream') || type === 'histogram')
        (counters.get(name) ?? gauges.get(name) ?? histograms.get(name))!.reset();
    }
  };
  const record: Recorder = {
    count: (name, labels, by = 1) => counters.get(name)!.inc(labels, by),
    observe: (name, labels, value) => histograms.get(name)!.observe(labels, value),
    set: (name, labels, value) => gauges.get(name)!.set(labels, Number(value)),
    fieldLabel: boundedFields(),
    streamLabel: (stream) => (isByStream ? stream : ''),
    durationLabel: (account) => (isByStream ? account : ''),
  };
  return {
    contentType: registry.contentType,
    listen: (account) => (event) => {
      judge(known.add(account).size);
      follow(record, account, event);
    },
    listenCluster: (event) => followCluster(record, event),
    render: () => {
      const statuses = accounts();
      judge(Math.max(known.size, statuses.length));
      // A gauge that is no longer so must vanish, not keep its last value.
      for (const gauge of gauges.values()) gauge.reset();
      record.set('build_info', { version }, 1);
      const group = cluster();
      record.set('ready', {}, (group ? clusterReadiness(group, statuses) : readiness(statuses)).ready);
      if (group) showCluster(record, group, statuses);
      counters.get('log_lines_dropped_total')!.reset();
      record.count('log_lines_dropped_total', {}, droppedLines());
      for (const status of statuses) {
        show(record, status);
        const samples = isByStream ? samplesByStream(status, clock.now()) : samplesByAccount(status, clock.now());
        for (const { name, labels, value } of samples) record.set(name, labels, value);
      }
      return registry.metrics();
    },
  };
}

/** With more accounts, metrics by stream are megabytes, and take seconds to write. */
const DETAILED_ACCOUNTS = 20;
/** Members come from Harvest, so their number is bounded here. */
const FIELDS_MAX = 100;

function boundedFields(): (stream: string, field: string) => string {
  const fields = new Map<string, Set<string>>();
  return (stream, field) => {
    const known = fields.get(stream) ?? new Set();
    fields.set(stream, known);
    if (known.size < FIELDS_MAX) known.add(field);
    return known.has(field) ? field : 'other';
  };
}

interface Recorder {
  count(name: MetricName, labels: Labels, by?: number): void;
  observe(name: MetricName, labels: Labels, value: number): void;
  set(name: MetricName, labels: Labels, value: number | boolean): void;
  /** The stream as a label; empty where metrics are by account. */
  streamLabel(stream: string): string;
  /** The account as a label of durations, which have many series: empty where metrics are by account. */
  durationLabel(account: string): string;
  /** The field as a label; `other` once a stream has shown too many. */
  fieldLabel(stream: string, field: string): string;
}

/** Events that are counted one by one, with those of their members as labels that the metric declares. */
const COUNTED: Partial<Record<EventName, MetricName>> = {
  'scan.completed': 'scans_completed_total',
  'scan.shifted': 'scans_shifted_total',
  'topic.refilled': 'topics_refilled_total',
  'stream.retrying': 'retries_total',
  'account.waiting': 'waits_total',
  'commit.doubted': 'doubts_total',
  'decimal.rounded': 'decimals_rounded_total',
  'budget.paused': 'budget_pauses_total',
  'loop.stalled': 'stalls_total',
  'token.refreshed': 'token_refreshes_total',
};

/** Other events than these and those that are COUNTED show in gauges (state, completeness), or in the counts of their page. */
function follow(
  { count, observe, fieldLabel, streamLabel, durationLabel }: Recorder,
  account: string,
  event: PublisherEvent,
): void {
  const counted = COUNTED[event.name];
  if (counted !== undefined) {
    const members: Labels = { ...(event as unknown as Labels), account };
    const labelled = (label: string) => (label === 'stream' ? streamLabel(members.stream!) : members[label]!);
    count(counted, Object.fromEntries(METRICS[counted].labels.map((label) => [label, labelled(label)])));
  } else if (event.name === 'page.committed') {
    const labels = { account, stream: streamLabel(event.stream) };
    for (const [op, records] of Object.entries(event.published)) {
      if (records > 0) count('records_published_total', { ...labels, op }, records);
    }
    count('records_read_total', labels, event.read);
    count('records_unchanged_total', labels, event.unchanged);
    count('records_stale_total', labels, event.stale);
    count('dead_letters_total', labels, event.deadLetters);
    for (const ms of event.agesMs) observe('freshness_seconds', labels, ms / 1000);
    for (const { field, kind, count: records } of event.drift) {
      count('drift_total', { ...labels, field: fieldLabel(labels.stream, field), kind }, records);
    }
  } else if (event.name === 'transaction.committed') {
    count('commits_total', { account });
    observe('commit_seconds', { account: durationLabel(account) }, event.ms / 1000);
  } else if (event.name === 'request.finished') {
    const labels = { account, budget: event.budget };
    count('requests_total', { ...labels, purpose: event.purpose, status: statusClass(event.status) });
    count('received_bytes_total', labels, event.bytes);
    count('budget_wait_seconds_total', labels, event.waitedMs / 1000);
    observe('request_seconds', { account: durationLabel(account), budget: event.budget }, event.ms / 1000);
  } else if (event.name === 'drift.seen' && (event.kind === 'unexpected_null' || event.kind === 'replaced_text')) {
    // The other kinds are counted by their pages.
    const stream = streamLabel(event.stream);
    count('drift_total', { account, stream, field: fieldLabel(stream, event.field), kind: event.kind });
  }
}

function show({ set }: Recorder, status: AccountStatus): void {
  const { accountId: account, phase, code, budgets } = status;
  set('up', { account }, phase === 'running');
  set('poll_stretch_ratio', { account }, status.pollStretch);
  set('account_state', { account, state: phase, code: code ?? '' }, 1);
  for (const { name: budget, requests, used, waiting, freeInSeconds } of budgets) {
    set('budget_free_seconds', { account, budget }, freeInSeconds);
    set('budget_limit', { account, budget }, requests);
    set('budget_used', { account, budget }, used);
    set('budget_waiting', { account, budget }, waiting);
  }
}

function followCluster({ count, observe }: Recorder, event: ClusterEvent): void {
  if (event.name === 'cluster.assigned') count('cluster_rebalances_total', { cause: event.cause });
  if (event.name === 'cluster.opened') {
    observe('cluster_takeover_seconds', {}, event.ms / 1000);
    if (event.unownedMs !== null) observe('cluster_unowned_seconds', {}, event.unownedMs / 1000);
  }
  if (event.name === 'cluster.lost') count('cluster_tenures_lost_total', { to: event.to });
}

function showCluster({ set }: Recorder, cluster: ClusterStatus, accounts: readonly AccountStatus[]): void {
  const { moving, taken, members, unassigned } = cluster;
  set('cluster_accounts', { state: 'opening' }, moving.length);
  set('cluster_accounts', { state: 'taken' }, taken.length);
  set('cluster_accounts', { state: 'owned' }, accounts.length - moving.length - taken.length);
  set('cluster_members', {}, members.length);
  set('cluster_unassigned', {}, unassigned.length);
  set('cluster_heartbeat_seconds', {}, cluster.heartbeatMs / 1000);
  set('cluster_loop_lag_seconds', {}, cluster.loopLagMs / 1000);
}

function statusClass(status: number): string {
  if (status === 0) return 'none';
  return status === 429 ? '429' : `${Math.floor(status / 100)}xx`;
}

function helpText(help: string, unit: string): string {
  return unit === '' ? help : `${help} (${unit})`;
}
