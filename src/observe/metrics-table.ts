// The metrics, each declared once with unit and description. docs/generated/METRICS.md is this table.

export const PREFIX = 'harvest_kafka_';

export interface Declaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Buckets of the histograms. */
export const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Every metric of ours, without the prefix. */
export const METRICS = {
  build_info: metric('gauge', '', 'Always 1; the label says which version runs.', ['version']),
  ready: metric(
    'gauge',
    '0 or 1',
    '1 while /health/ready answers 200: all that can be read has been, and goes on.',
    [],
  ),
  up: metric('gauge', '0 or 1', '1 while the account is running, 0 while it opens, waits or has stopped.', ['account']),
  account_state: metric(
    'gauge',
    '',
    'Always 1, of the state that the account is in: opening, running, waiting, stopped, taken; `code` says why, and is empty while all is well.',
    ['account', 'state', 'code'],
  ),
  records_published_total: metric('counter', 'records', 'Records committed, by operation: c, u, d, r (first read).', [
    'account',
    'stream',
    'op',
  ]),
  records_read_total: metric('counter', 'records', 'Records that Harvest answered.', ['account', 'stream']),
  records_unchanged_total: metric('counter', 'records', 'Records read and not published: equal to the topic.', [
    'account',
    'stream',
  ]),
  records_stale_total: metric('counter', 'records', 'Records read and not published: older than the topic.', [
    'account',
    'stream',
  ]),
  dead_letters_total: metric(
    'counter',
    'records',
    'Records that could not be converted and went to the dead letters.',
    ['account', 'stream'],
  ),
  decimals_rounded_total: metric(
    'counter',
    'values',
    'Decimals with more fraction digits than the schema: rounded half-even, their literal kept in _extra.',
    ['account', 'stream'],
  ),
  drift_total: metric(
    'counter',
    'records',
    'Records with a member that the schema does not know (`unknown_member`) or of a type that it does not take (`new_type`), fields that were null for the first time (`unexpected_null`), streams whose text was no UTF-8 (`replaced_text`), and times that came as an empty text (`empty_text`). Beyond 100 fields of a stream, `field` is `other`.',
    ['account', 'stream', 'field', 'kind'],
  ),
  scans_completed_total: metric('counter', 'scans', 'Scans walked to their end.', ['account', 'stream', 'purpose']),
  scans_shifted_total: metric('counter', 'scans', 'Scans walked again because the list moved meanwhile.', [
    'account',
    'stream',
  ]),
  topics_refilled_total: metric('counter', 'topics', 'Topics found emptied or made anew, and filled again.', [
    'account',
    'stream',
  ]),
  requests_total: metric('counter', 'requests', 'Requests to Harvest, by status: 2xx, 4xx, 429, 5xx, none.', [
    'account',
    'budget',
    'purpose',
    'status',
  ]),
  request_seconds: metric('histogram', 'seconds', 'Time from sending a request to its answer.', ['account', 'budget']),
  budget_wait_seconds_total: metric('counter', 'seconds', 'Time that requests waited for the budget.', [
    'account',
    'budget',
  ]),
  received_bytes_total: metric('counter', 'bytes', 'Bytes of the answers.', ['account', 'budget']),
  budget_pauses_total: metric('counter', 'pauses', 'Times Harvest asked to slow down.', ['account', 'budget']),
  budget_limit: metric('gauge', 'requests', 'Requests allowed per window.', ['account', 'budget']),
  budget_used: metric('gauge', 'requests', 'Requests made in the window that ends now.', ['account', 'budget']),
  budget_free_seconds: metric(
    'gauge',
    'seconds',
    'Until the next request may start: 0 while the window has room and Harvest did not ask for a pause.',
    ['account', 'budget'],
  ),
  budget_waiting: metric('gauge', 'requests', 'Requests waiting for the budget.', ['account', 'budget']),
  commits_total: metric('counter', 'transactions', 'Kafka transactions committed.', ['account']),
  commit_seconds: metric('histogram', 'seconds', 'Duration of a transaction.', ['account']),
  doubts_total: metric('counter', 'transactions', 'Commits whose outcome had to be read back.', ['account', 'code']),
  retries_total: metric('counter', 'attempts', 'Failures after which a stream tries again.', [
    'account',
    'stream',
    'code',
  ]),
  waits_total: metric('counter', 'attempts', 'Failures after which the whole account tries again.', [
    'account',
    'code',
  ]),
  stalls_total: metric(
    'counter',
    'stalls',
    'Times that a loop of ours stood still for a minute although it could go on: a defect.',
    ['account', 'loop'],
  ),
  token_refreshes_total: metric('counter', 'refreshes', 'Access tokens renewed.', ['account']),
  stream_state: metric(
    'gauge',
    '0 or 1',
    '1 for the state the stream is in: RUNNING, FORBIDDEN, FEATURE_OFF, BLOCKED, HELD.',
    ['account', 'stream', 'state'],
  ),
  stream_complete: metric('gauge', '0 or 1', '1 once the snapshot is complete.', ['account', 'stream']),
  stream_retrying: metric('gauge', '0 or 1', '1 while requests fail and are repeated.', ['account', 'stream']),
  stream_lag_seconds: metric(
    'gauge',
    'seconds',
    'Age of the moment up to which the topic is known to be equal; absent before.',
    ['account', 'stream'],
  ),
  stream_poll_interval_seconds: metric('gauge', 'seconds', 'How often changes are asked for now.', [
    'account',
    'stream',
  ]),
  stream_last_commit_timestamp_seconds: metric(
    'gauge',
    'seconds',
    'When the last page of the stream was committed, since 1970; absent before the first one of this process.',
    ['account', 'stream'],
  ),
  stream_rows: metric('gauge', 'records', 'Rows on the topic.', ['account', 'stream']),
  stream_missing_rows: metric(
    'gauge',
    'records',
    "Rows that Harvest's count had less than the topic at the last count check; negative when it had more.",
    ['account', 'stream'],
  ),
  stream_backlog: metric(
    'gauge',
    '',
    'What is still to be read, asked for or deleted: pending_parents, dirty_windows, touched_windows, held_windows, delete_candidates, confirmed_deletes.',
    ['account', 'stream', 'kind'],
  ),
  stream_backlog_seconds: metric(
    'gauge',
    'seconds',
    'Since when changed parents wait for their children to be read; absent when none do.',
    ['account', 'stream'],
  ),
  stream_reconciliation_seconds: metric(
    'gauge',
    'seconds',
    'Age of the last complete reconciliation or round; absent before.',
    ['account', 'stream'],
  ),
  scan_progress_ratio: metric('gauge', '0 to 1', 'How much of the scan under way is done; absent when unknown.', [
    'account',
    'stream',
    'purpose',
  ]),
  log_lines_dropped_total: metric('counter', 'lines', 'Lines of the log that its reader did not take in time.', []),
  cluster_accounts: metric(
    'gauge',
    'accounts',
    'Accounts that the group has given to this instance: owned, opening, taken (somebody outside of the group has it).',
    ['state'],
  ),
  cluster_members: metric('gauge', 'instances', 'Members of the group, as the last assignment says.', []),
  cluster_unassigned: metric('gauge', 'accounts', 'Accounts of the group that no member runs.', []),
  cluster_rebalances_total: metric(
    'counter',
    'rounds',
    'Assignments, by what this instance joined the round for: start, others (another member asked for it), accounts, lost, balance, leaving, evicted.',
    ['cause'],
  ),
  cluster_takeover_seconds: metric('histogram', 'seconds', 'From an assignment to the account being open here.', []),
  cluster_tenures_lost_total: metric(
    'counter',
    'accounts',
    'Accounts that were taken over while they ran here, by a member of the group or by an outsider.',
    ['to'],
  ),
  cluster_heartbeat_seconds: metric('gauge', 'seconds', 'How long the last heartbeat waited for its answer.', []),
  cluster_loop_lag_seconds: metric('gauge', 'seconds', 'How late the main loop answered its thread the last time.', []),
} as const satisfies Record<string, Declaration>;

export type MetricName = keyof typeof METRICS;

function metric(type: Declaration['type'], unit: string, help: string, labels: readonly string[]): Declaration {
  return { type, unit, help, labels };
}
