// A member of a group for probes and people: ready when its accounts were opened or refused, alive while its thread lives.
import { expect, onTestFinished, test } from 'vitest';
import type { ClusterStatus } from '../../../src/cluster/status.ts';
import type { AccountStatus } from '../../../src/engine/status.ts';
import { clusterLine, clusterReadiness } from '../../../src/observe/cluster.ts';
import { openHttp } from '../../../src/observe/http.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { clockFrom } from '../../support/epoch.ts';
import { account, stream } from '../../support/status.ts';

const FORBIDDEN = { state: 'FORBIDDEN', complete: false, reason: '403 to /users', remedy: 'Give the role.' } as const;

function cluster(differing: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    ...{ group: 'g', member: 'pub-1', term: 42, generation: 7, leader: 'pub-2', unassigned: [], moving: [], taken: [] },
    members: [{ name: 'pub-1', zone: 'a', url: 'http://pub-1', version: '0', accounts: ['1234567'] }],
    ...{ isMember: true, isAlive: true, reason: null, remedy: null, heartbeatMs: 3, loopLagMs: 1 },
    ...differing,
  };
}

const MOVING = { moving: ['1234567'] };
const AWAY = { reason: 'no coordinator answers: connection refused', remedy: 'Start the broker.' };

test.each<[string, Partial<ClusterStatus>, AccountStatus[], boolean, string[], string[]]>([
  ['its accounts run', {}, [account([stream('clients')])], true, [], []],
  ['it has none and stands by', { members: [] }, [], true, [], []],
  ['an account has never been opened yet', MOVING, [account([], { phase: 'opening' })], false, ['opening'], []],
  ['an account is refused', {}, [account([], { phase: 'waiting', reason: '401' })], true, [], ['waiting']],
  ['Harvest forbids a stream', {}, [account([stream('users', FORBIDDEN)])], true, [], ['FORBIDDEN']],
  ['an outsider has an account', {}, [account([], { phase: 'taken', reason: 'by x' })], true, [], ['taken']],
  [
    'an account has no owner',
    { unassigned: [{ account: '9', why: 'no member has it' }] },
    [],
    true,
    [],
    ['unassigned'],
  ],
  ['the coordinator is away', AWAY, [account([stream('clients')])], true, [], ['no coordinator']],
  ['it is no member', { isMember: false, reason: 'evicted' }, [], false, ['no member'], []],
])('the readiness of a member when %s [P9 P11]', (_, status, accounts, ready, reasons, notes) => {
  const answer = clusterReadiness(cluster(status), accounts);
  expect(answer.ready).toBe(ready);
  expect(answer.reasons.map(({ state }) => state)).toEqual(reasons);
  expect(answer.notes.map(({ state }) => state)).toEqual(notes);
});

async function served(status: ClusterStatus | null) {
  const clock = clockFrom();
  const metrics = createMetrics(
    '0',
    () => [],
    clock,
    undefined,
    () => status,
  );
  const options = {
    version: '0',
    allowedHosts: [],
    clock,
    metrics,
    accounts: () => [],
    dead: () => [],
    cluster: () => status,
  };
  const server = await openHttp({ ...options, listen: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => server.close());
  return async (path: string) => {
    const answer = await fetch(`${server.address}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
}

test('any instance tells who has which account, and its own place in the group', async () => {
  const get = await served(cluster({ unassigned: [{ account: '9', why: 'no member has it' }] }));
  const fleet = await get('/fleet');
  expect(JSON.parse(fleet.text)).toEqual({
    ...{ group: 'g', term: 42, leader: 'pub-2' },
    accounts: [
      { account: '1234567', owner: 'pub-1', url: 'http://pub-1', zone: 'a', why: null },
      { account: '9', owner: null, url: null, zone: null, why: 'no member has it' },
    ],
  });
  expect(JSON.parse((await get('/status')).text).cluster).toMatchObject({ member: 'pub-1', term: 42 });
  const { text } = await get('/metrics');
  expect(text).toContain('harvest_kafka_cluster_unassigned 1');
  expect(text).toContain('harvest_kafka_cluster_accounts{state="owned"} 0');
});

test('a hand-over is measured twice: how long we took, and how long nobody had written; a first owner has taken from nobody', async () => {
  const metrics = createMetrics('0', () => [], clockFrom());
  const opened = { name: 'cluster.opened', account: '1', ms: 700, from: null } as const;
  metrics.listenCluster({ ...opened, unownedMs: 11_200 });
  metrics.listenCluster({ ...opened, unownedMs: null });
  const text = await metrics.render();
  expect(text).toContain('harvest_kafka_cluster_takeover_seconds_count 2');
  expect(text).toContain('harvest_kafka_cluster_unowned_seconds_count 1');
  expect(text).toContain('harvest_kafka_cluster_unowned_seconds_bucket{le="11.5"} 1');
  expect(clusterLine({ ...opened, unownedMs: 11_200 }).message).toContain('11.2 s ago');
});

test('an instance by itself has no fleet to tell of, and its status names no group', async () => {
  const get = await served(null);
  expect((await get('/fleet')).status).toBe(404);
  expect(JSON.parse((await get('/status')).text)).not.toHaveProperty('cluster');
  expect((await get('/metrics')).text).toContain('harvest_kafka_cluster_members 0');
});

test('a member whose thread has ended is not alive, so that it is restarted [P11]', async () => {
  const get = await served(cluster({ isAlive: false, isMember: false, reason: 'the thread of the group has ended' }));
  expect((await get('/health/live')).status).toBe(503);
  expect((await get('/health/ready')).status).toBe(503);
});
