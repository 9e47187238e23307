import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AccountStatus } from '../../../src/engine/status.ts';
import { createMetrics, type MetricsBy } from '../../../src/observe/metrics.ts';
import { METRICS, PREFIX } from '../../../src/observe/metrics-table.ts';
import { catalog } from '../../../src/streams/catalog.ts';
import { account as accountOf, benchAccount } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { has, promtool } from '../../support/programs.ts';
import { account, firstScan, NO_BACKLOG, NOW, stream } from '../../support/status.ts';

const { renderMetricsPage } = (await import(new URL('../../../scripts/metrics-page.mjs', import.meta.url).href)) as {
  renderMetricsPage(metrics: typeof METRICS, prefix: string): string;
};

/** Samples of ours as `name{labels} value`. */
async function samples(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const text = await metrics.render();
  return text.split('\n').filter((line) => line.startsWith('harvest_kafka_'));
}

describe('metrics', () => {
  it('follow the events of each account [P7]', async () => {
    const metrics = createMetrics('1.2.3', () => [], { now: () => NOW });
    const emit = metrics.listen('42');
    emit({
      name: 'page.committed',
      stream: 'clients',
      purpose: 'snapshot',
      read: 10,
      published: { c: 0, u: 2, d: 1, r: 0 },
      unchanged: 5,
      stale: 1,
      deadLetters: 1,
      drift: [
        { kind: 'unknown_member', field: 'vat_id', count: 7 },
        { kind: 'new_type', field: 'is_active', count: 1 },
      ],
      commitMs: 20,
      agesMs: [1_200, 2_900],
    });
    const none = { avro: null, into: null, advice: '' };
    const drifted = { stream: 'clients', shape: 'null', expected: 'a value', ...none };
    emit({ name: 'drift.seen', kind: 'unexpected_null', field: 'currency', ...drifted });
    emit({ name: 'drift.seen', kind: 'unknown_member', field: 'vat_id', ...drifted });
    for (const status of [200, 429, 404, 503, 0]) {
      const cost = { ms: 100, bytes: 1_000, waitedMs: 500, requestId: null };
      emit({ name: 'request.finished', stream: 'clients', purpose: 'snapshot', budget: 'general', status, ...cost });
    }
    emit({ name: 'transaction.committed', pages: 3, ms: 20 });
    emit({ name: 'commit.doubted', code: 'kafka.doubt', reason: 'x' });
    const lines = await samples(metrics);
    expect(lines).toEqual(
      expect.arrayContaining([
        'harvest_kafka_build_info{version="1.2.3"} 1',
        'harvest_kafka_records_published_total{account="42",stream="clients",op="u"} 2',
        'harvest_kafka_records_published_total{account="42",stream="clients",op="d"} 1',
        'harvest_kafka_records_unchanged_total{account="42",stream="clients"} 5',
        'harvest_kafka_records_stale_total{account="42",stream="clients"} 1',
        'harvest_kafka_dead_letters_total{account="42",stream="clients"} 1',
        'harvest_kafka_freshness_seconds_bucket{le="2.5",account="42",stream="clients"} 1',
        'harvest_kafka_freshness_seconds_count{account="42",stream="clients"} 2',
        'harvest_kafka_drift_total{account="42",stream="clients",field="vat_id",kind="unknown_member"} 7',
        'harvest_kafka_drift_total{account="42",stream="clients",field="is_active",kind="new_type"} 1',
        'harvest_kafka_drift_total{account="42",stream="clients",field="currency",kind="unexpected_null"} 1',
        'harvest_kafka_commit_seconds_sum{account="42"} 0.02',
        'harvest_kafka_budget_wait_seconds_total{account="42",budget="general"} 2.5',
        'harvest_kafka_doubts_total{account="42",code="kafka.doubt"} 1',
      ]),
    );
    const statuses = lines
      .filter((line) => line.includes('requests_total{'))
      .map((line) => /status="(\w+)"/.exec(line)![1]);
    expect(statuses).toEqual(['2xx', '429', '4xx', '5xx', 'none']);
    expect(lines.some((line) => line.includes('op="c"'))).toBe(false);
  });

  /** So many accounts that have read all of their streams, and what they have told. */
  function manyAccounts(count: number, by?: MetricsBy) {
    const statuses = Array.from({ length: count }, (_, at) => {
      const streams = catalog.map(({ name }) => stream(name, { rows: 10 }));
      return account(streams, { accountId: String(1_000_000 + at) });
    });
    const metrics = createMetrics('1', () => statuses, { now: () => NOW }, undefined, undefined, by);
    for (const { accountId } of statuses) metrics.listen(accountId)({ name: 'token.accepted', refusedMs: 0 });
    for (const { accountId } of statuses) {
      const emit = metrics.listen(accountId);
      for (const { name: of, budget } of catalog) {
        const counts = { read: 10, unchanged: 8, stale: 0, deadLetters: 0, drift: [], commitMs: 20, agesMs: [1_200] };
        emit({ name: 'page.committed', stream: of, purpose: 'poll', published: { c: 1, u: 1, d: 0, r: 0 }, ...counts });
        emit({ name: 'scan.completed', stream: of, purpose: 'poll', pages: 1, read: 10, ms: 1, cursor: null });
        for (const purpose of ['snapshot', 'poll', 'count', 'window'] as const) {
          const cost = { ms: 100, bytes: 1_000, waitedMs: 500, requestId: null };
          emit({ name: 'request.finished', stream: of, purpose, budget, status: 200, ...cost });
        }
      }
      emit({ name: 'transaction.committed', pages: 3, ms: 20 });
    }
    return { metrics, statuses };
  }

  it('of more than twenty accounts tell each account as a whole: fifty are a quarter of a megabyte and not three', async () => {
    const { metrics } = manyAccounts(50);
    const lines = await samples(metrics);
    expect(Buffer.byteLength(lines.join('\n'))).toBeLessThan(300_000);
    expect(lines.filter((line) => /stream="\w/.test(line))).toEqual([]);
    expect(lines).toEqual(
      expect.arrayContaining([
        `harvest_kafka_stream_rows{account="1000000",stream=""} ${10 * catalog.length}`,
        `harvest_kafka_records_read_total{account="1000000",stream=""} ${10 * catalog.length}`,
        `harvest_kafka_freshness_seconds_count{account="1000000",stream=""} ${catalog.length}`,
        `harvest_kafka_scans_completed_total{account="1000000",stream="",purpose="poll"} ${catalog.length}`,
        'harvest_kafka_stream_state{account="1000000",stream="",state="RUNNING"} 1',
        'harvest_kafka_stream_complete{account="1000000",stream=""} 1',
        'harvest_kafka_commit_seconds_count{account=""} 50',
      ]),
    );
  });

  it('of twenty accounts, or when they are asked for, tell each stream; and as a whole when that is asked for', async () => {
    const rowsOf = async ({ metrics }: ReturnType<typeof manyAccounts>) =>
      (await samples(metrics)).filter((line) => line.startsWith('harvest_kafka_stream_rows{account="1000000"'));
    expect(await rowsOf(manyAccounts(20))).toHaveLength(catalog.length);
    expect(await rowsOf(manyAccounts(21))).toHaveLength(1);
    expect(await rowsOf(manyAccounts(21, 'stream'))).toHaveLength(catalog.length);
    expect(await rowsOf(manyAccounts(1, 'account'))).toHaveLength(1);
  });

  it('of an account as a whole show what is worst in it, and nothing that a stream owes which is not read', async () => {
    const backlog = { ...NO_BACKLOG, pendingParents: 3 };
    const statuses = [
      account([
        stream('clients', { lagSeconds: 30, pollIntervalSeconds: 4, backlog }),
        stream('users', { lagSeconds: 500, pollIntervalSeconds: 300, backlog, state: 'HELD' }),
        stream('invoices', { lagSeconds: 99_999, complete: false, state: 'FORBIDDEN', backlog }),
      ]),
    ];
    const metrics = createMetrics('1', () => statuses, { now: () => NOW }, undefined, undefined, 'account');
    const of = 'account="1234567",stream=""';
    expect(await samples(metrics)).toEqual(
      expect.arrayContaining([
        `harvest_kafka_stream_lag_seconds{${of}} 500`,
        `harvest_kafka_stream_poll_interval_seconds{${of}} 300`,
        `harvest_kafka_stream_complete{${of}} 1`,
        `harvest_kafka_stream_backlog{${of},kind="pending_parents"} 6`,
        `harvest_kafka_stream_state{${of},state="FORBIDDEN"} 1`,
        `harvest_kafka_stream_state{${of},state="HELD"} 1`,
        `harvest_kafka_stream_state{${of},state="BLOCKED"} 0`,
      ]),
    );
  });

  it('begin anew when accounts become too many to tell each stream, so that nothing is told twice', async () => {
    const { metrics, statuses } = manyAccounts(20);
    statuses.push(account([stream('users')], { accountId: '7' }));
    const lines = await samples(metrics);
    expect(lines.filter((line) => /stream="\w/.test(line))).toEqual([]);
    expect(lines).toContain('harvest_kafka_stream_rows{account="7",stream=""} 1234');
  });

  it('name no more than a hundred fields of a stream, whatever Harvest invents', async () => {
    const metrics = createMetrics('1.2.3', () => [], { now: () => NOW });
    const emit = metrics.listen('42');
    const page = { purpose: 'poll', read: 1, published: { c: 0, u: 0, d: 0, r: 0 } } as const;
    const counts = { unchanged: 0, stale: 0, deadLetters: 0, commitMs: 1, agesMs: [] };
    for (let number = 0; number < 150; number++) {
      const drift = [{ kind: 'unknown_member', field: `member_${number}`, count: 1 }] as const;
      emit({ name: 'page.committed', stream: 'clients', ...page, ...counts, drift });
    }
    const drift = (await samples(metrics)).filter((line) => line.startsWith('harvest_kafka_drift_total{'));
    expect(drift).toHaveLength(101);
    expect(drift.at(-1)).toBe(
      'harvest_kafka_drift_total{account="42",stream="clients",field="other",kind="unknown_member"} 50',
    );
  });

  it('show the status as it is now, and nothing where nothing is known', async () => {
    let accounts: AccountStatus[] = [account([stream('clients', firstScan(50, 200)), stream('users')])];
    const metrics = createMetrics('1.2.3', () => accounts, { now: () => NOW });
    expect(await samples(metrics)).toEqual(
      expect.arrayContaining([
        'harvest_kafka_up{account="1234567"} 1',
        'harvest_kafka_stream_state{account="1234567",stream="clients",state="RUNNING"} 1',
        'harvest_kafka_stream_state{account="1234567",stream="clients",state="BLOCKED"} 0',
        'harvest_kafka_scan_progress_ratio{account="1234567",stream="clients",purpose="snapshot"} 0.25',
        'harvest_kafka_stream_lag_seconds{account="1234567",stream="users"} 30',
        'harvest_kafka_budget_limit{account="1234567",budget="reports"} 95',
        'harvest_kafka_budget_free_seconds{account="1234567",budget="reports"} 0',
        'harvest_kafka_stream_poll_interval_seconds{account="1234567",stream="users"} 60',
        `harvest_kafka_stream_last_commit_timestamp_seconds{account="1234567",stream="users"} ${NOW / 1000 - 42}`,
        'harvest_kafka_account_state{account="1234567",state="running",code=""} 1',
        'harvest_kafka_ready 0',
      ]),
    );
    expect((await samples(metrics)).join('\n')).not.toContain('stream_lag_seconds{account="1234567",stream="clients"}');
    accounts = [account([], { phase: 'waiting', code: 'kafka.unavailable' })];
    const waiting = (await samples(metrics)).join('\n');
    expect(waiting).toContain('harvest_kafka_up{account="1234567"} 0');
    expect(waiting).not.toContain('stream="users"');
    expect(waiting).toContain('account_state{account="1234567",state="waiting",code="kafka.unavailable"} 1');
    expect(waiting).not.toContain('state="running"');
    accounts = [account([stream('users')])];
    expect(await samples(metrics)).toContain('harvest_kafka_ready 1');
  });

  it('count the transactions that the sink saw, not the pages in them', async () => {
    const bench = benchAccount(accountOf().simulator, new MemoryLog());
    let transactions = 0;
    const commit = bench.sink.commit.bind(bench.sink);
    bench.sink.commit = (batch) => {
      transactions++;
      return commit(batch);
    };
    await bench.catchUp();
    const metrics = createMetrics('1', () => [], { now: () => NOW });
    for (const event of bench.events) metrics.listen('42')(event);
    const lines = await samples(metrics);
    expect(lines).toContain(`harvest_kafka_commits_total{account="42"} ${transactions}`);
    expect(lines).toContain(`harvest_kafka_commit_seconds_count{account="42"} ${transactions}`);
    expect(bench.events.filter(({ name }) => name === 'page.committed').length).not.toBe(transactions);
  });

  it('say how many lines of the log were dropped', async () => {
    let dropped = 3;
    const metrics = createMetrics(
      '1',
      () => [],
      { now: () => NOW },
      () => dropped,
    );
    expect(await samples(metrics)).toContain('harvest_kafka_log_lines_dropped_total 3');
    dropped = 5;
    expect(await samples(metrics)).toContain('harvest_kafka_log_lines_dropped_total 5');
  });

  it('keep the conventions: what counts ends with _total and nothing else does, each has its help', async () => {
    const text = await createMetrics('1', () => [account([stream('users')])], { now: () => NOW }).render();
    const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name, type]) => ({ name: name!, type: type! }));
    expect(types.map(({ name }) => name)).toContain('process_resident_memory_bytes');
    for (const { name, type } of types) {
      expect(`${name} ends with _total: ${name.endsWith('_total')}`).toBe(
        `${name} ends with _total: ${type === 'counter'}`,
      );
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
    }
    if (has('promtool')) expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
  });

  it('are all on the page, which is checked in as it is generated now', async () => {
    const page = readFileSync(new URL('../../../docs/generated/METRICS.md', import.meta.url), 'utf8');
    expect(page).toBe(renderMetricsPage(METRICS, PREFIX));
    const text = await createMetrics('1', () => [], { now: () => NOW }).render();
    const names = [...text.matchAll(/^# TYPE (harvest_kafka_\w+)/gm)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(30);
    for (const name of names) expect(page).toContain(`\`${name}\``);
  });
});
