// The metrics, each declared once with unit and description. docs/generated/METRICS.md is this table.

export const PREFIX = 'harvest_kafka_';

export interface Declaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
  /** Of a gauge of streams: how those of an account are one where metrics are by account. */
  readonly together?: Together;
}

export type Together = 'sum' | 'most' | 'least';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A good-bye takes a second, a crash the session, a night without instances a night. */
const UNOWNED = [0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 11.5, 15, 20, 30, 60, 300, 3_600];

/** Changes arrive within seconds; after an outage within hours. */
const FRESHNESS = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 30, 60, 120, 300, 900, 3_600];

const ACCOUNT = ['account'];
const STREAM = ['account', 'stream'];
const BUDGET = ['account', 'budget'];

/** Every metric of ours, without the prefix. */
export const METRICS = {
  build_info: gauge('', ['version'], 'Always 1; the label says which version runs.'),
  ready: gauge('0 or 1', [], '1 while /health/ready answers 200: all that can be read has been, and goes on.'),
  up: gauge('0 or 1', ACCOUNT, '1 while the account is running, 0 while it opens, waits or has stopped.'),
  account_state: gauge(
    '',
    [...ACCOUNT, 'state', 'code'],
    'Always 1, of the state that the account is in: opening, running, waiting, stopped, taken; `code` says why, and is empty while all is well.',
  ),
  records_published_total: counter(
    'records',
    [...STREAM, 'op'],
    'Records committed, by operation: c, u, d, r (first read).',
  ),
  records_read_total: counter('records', STREAM, 'Records that Harvest answered.'),
  records_unchanged_total: counter('records', STREAM, 'Records read and not published: equal to the topic.'),
  records_stale_total: counter('records', STREAM, 'Records read and not published: older than the topic.'),
  dead_letters_total: counter('records', STREAM, 'Records that could not be converted and went to the dead letters.'),
  decimals_rounded_total: counter(
    'values',
    STREAM,
    'Decimals with more fraction digits than the schema: rounded half-even, their literal kept in _extra.',
  ),
  drift_total: counter(
    'records',
    [...STREAM, 'field', 'kind'],
    'Records with a member that the schema does not know (`unknown_member`) or of a type that it does not take (`new_type`), fields that were null for the first time (`unexpected_null`), streams whose text was no UTF-8 (`replaced_text`), and times that came as an empty text (`empty_text`). Beyond 100 fields of a stream, `field` is `other`.',
  ),
  scans_completed_total: counter('scans', [...STREAM, 'purpose'], 'Scans walked to their end.'),
  scans_shifted_total: counter('scans', STREAM, 'Scans walked again because the list moved meanwhile.'),
  topics_refilled_total: counter('topics', STREAM, 'Topics found emptied or made anew, and filled again.'),
  requests_total: counter(
    'requests',
    [...BUDGET, 'purpose', 'status'],
    'Requests to Harvest, by status: 2xx, 4xx, 429, 5xx, none.',
  ),
  request_seconds: histogram('seconds', BUDGET, 'Time from sending a request to its answer.'),
  budget_wait_seconds_total: counter('seconds', BUDGET, 'Time that requests waited for the budget.'),
  received_bytes_total: counter('bytes', BUDGET, 'Bytes of the answers.'),
  budget_pauses_total: counter('pauses', BUDGET, 'Times Harvest asked to slow down.'),
  budget_limit: gauge('requests', BUDGET, 'Requests allowed per window.'),
  budget_used: gauge('requests', BUDGET, 'Requests made in the window that ends now.'),
  budget_free_seconds: gauge(
    'seconds',
    BUDGET,
    'Until the next request may start: 0 while the window has room and Harvest did not ask for a pause.',
  ),
  budget_waiting: gauge('requests', BUDGET, 'Requests waiting for the budget.'),
  freshness_seconds: histogram(
    'seconds',
    STREAM,
    'From updated_at (whole seconds) of a change to its commit; polls only.',
    FRESHNESS,
  ),
  poll_stretch_ratio: gauge(
    'ratio',
    ACCOUNT,
    'By how much polls and count checks are slower than they should be, because they would take more than polling.budget_share has room for; 1 when they are not.',
  ),
  commits_total: counter('transactions', ACCOUNT, 'Kafka transactions committed.'),
  commit_seconds: histogram('seconds', ACCOUNT, 'Duration of a transaction.'),
  doubts_total: counter('transactions', [...ACCOUNT, 'code'], 'Commits whose outcome had to be read back.'),
  retries_total: counter('attempts', [...STREAM, 'code'], 'Failures after which a stream tries again.'),
  waits_total: counter('attempts', [...ACCOUNT, 'code'], 'Failures after which the whole account tries again.'),
  stalls_total: counter(
    'stalls',
    [...ACCOUNT, 'loop'],
    'Times that a loop of ours stood still for a minute although it could go on: a defect.',
  ),
  token_refreshes_total: counter('refreshes', ACCOUNT, 'Access tokens renewed.'),
  stream_state: gauge(
    '0 or 1',
    [...STREAM, 'state'],
    '1 for the state the stream is in: RUNNING, FORBIDDEN, FEATURE_OFF, BLOCKED, HELD, PAUSED.',
    'most',
  ),
  stream_complete: gauge('0 or 1', STREAM, '1 once the snapshot is complete.', 'least'),
  stream_retrying: gauge('0 or 1', STREAM, '1 while requests fail and are repeated.', 'most'),
  stream_lag_seconds: gauge(
    'seconds',
    STREAM,
    'Age of the moment up to which the topic is known to be equal; absent before.',
    'most',
  ),
  stream_poll_interval_seconds: gauge('seconds', STREAM, 'How often changes are asked for now.', 'most'),
  stream_last_commit_timestamp_seconds: gauge(
    'seconds',
    STREAM,
    'When the last page of the stream was committed, or held nothing to commit, since 1970; absent before the first one of this process.',
    'most',
  ),
  stream_rows: gauge('records', STREAM, 'Rows on the topic.', 'sum'),
  stream_missing_rows: gauge(
    'records',
    STREAM,
    "Rows that Harvest's count had less than the topic at the last count check; negative when it had more.",
    'sum',
  ),
  stream_backlog: gauge(
    '',
    [...STREAM, 'kind'],
    'What is still to be read, asked for or deleted: pending_parents, dirty_windows, touched_windows, held_windows, delete_candidates, confirmed_deletes.',
    'sum',
  ),
  stream_backlog_seconds: gauge(
    'seconds',
    STREAM,
    'Since when changed parents wait for their children to be read; absent when none do.',
    'most',
  ),
  stream_reconciliation_seconds: gauge(
    'seconds',
    STREAM,
    'Age of the last complete reconciliation or round; absent before.',
    'most',
  ),
  scan_progress_ratio: gauge(
    '0 to 1',
    [...STREAM, 'purpose'],
    'How much of the scan under way is done; absent when unknown.',
    'least',
  ),
  log_lines_dropped_total: counter('lines', [], 'Lines of the log that its reader did not take in time.'),
  cluster_accounts: gauge(
    'accounts',
    ['state'],
    'Accounts that the group has given to this instance: owned, opening, taken (somebody outside of the group has it).',
  ),
  cluster_members: gauge('instances', [], 'Members of the group, as the last assignment says.'),
  cluster_unassigned: gauge('accounts', [], 'Accounts of the group that no member runs.'),
  cluster_rebalances_total: counter(
    'rounds',
    ['cause'],
    'Assignments, by what this instance joined the round for: start, others (another member asked for it), accounts, lost, balance, leaving, evicted.',
  ),
  cluster_takeover_seconds: histogram('seconds', [], 'From an assignment to the account being open here.'),
  cluster_unowned_seconds: histogram(
    'seconds',
    [],
    'From the last commit of the owner before to the signature here, by the timestamps of Kafka: how long consumers waited at the most.',
    UNOWNED,
  ),
  cluster_tenures_lost_total: counter(
    'accounts',
    ['to'],
    'Accounts that were taken over while they ran here, by a member of the group or by an outsider.',
  ),
  cluster_heartbeat_seconds: gauge('seconds', [], 'How long the last heartbeat waited for its answer.'),
  cluster_loop_lag_seconds: gauge('seconds', [], 'How late the main loop answered its thread the last time.'),
} satisfies Record<string, Declaration>;

export type MetricName = keyof typeof METRICS;

function counter(unit: string, labels: readonly string[], help: string): Declaration {
  return { type: 'counter', unit, help, labels };
}

function gauge(unit: string, labels: readonly string[], help: string, together?: Together): Declaration {
  return { type: 'gauge', unit, help, labels, ...(together && { together }) };
}

function histogram(unit: string, labels: readonly string[], help: string, buckets = SECONDS): Declaration {
  return { type: 'histogram', unit, help, labels, buckets };
}
