// `check` ends with what reading everything costs, and with the one thing to do next.
import { describe, expect, test } from 'vitest';
import { nextStep, plannedLine } from '../../../src/cli/check-end.ts';
import type { CheckFinding } from '../../../src/cli/check-finding.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { pollsLine } from '../../../src/intervals.ts';

const env = {
  ...{ HARVEST_ACCOUNT_ID: '1', HARVEST_ACCESS_TOKEN: 'none' },
  ...{ KAFKA_BROKERS: 'nobody:9092', SCHEMA_REGISTRY_URL: 'http://nobody:8081' },
};
const well: CheckFinding = { about: 'stream', name: 'clients', state: 'ok', detail: '', remedy: '', exit_code: 0 };
const refused: CheckFinding = { ...well, name: 'invoices', state: 'FORBIDDEN', exit_code: 77 };
const PLANNED = { general: { requests: 268, seconds: 30 }, reports: { requests: 334, seconds: 2_700 } };

describe('the next step', () => {
  test.each([
    [[well], {}, false, 'harvest-kafka run'],
    [[well], { config: 'my.yaml' }, false, 'harvest-kafka run --config my.yaml'],
    [[well], { config: "it's my.yaml" }, false, "harvest-kafka run --config 'it'\\''s my.yaml'"],
    [[well], {}, true, 'harvest-kafka verify'],
    [[well, refused], {}, true, 'mend stream invoices as said above, then: harvest-kafka check'],
  ])('after %j with %j is one command', (findings, options, isPublished, next) => {
    expect(nextStep(findings, options, isPublished)).toBe(next);
  });

  test('does not repeat what --set said, which may be a secret [P10]', () => {
    const set = ['harvest.accounts.0.access_token=canary'];
    expect(nextStep([well], { set }, false)).toBe('harvest-kafka run (with the same --set)');
  });
});

test.each([
  [[], 'reports take one for each month besides, which harvest-kafka plan counts.'],
  [['harvest.start_date=2024-01-01'], 'reports take 334 besides: 45 min.'],
])('the planned requests stand against the budget, with %j', (overrides, tail) => {
  const head = 'Reading everything takes about 268 general requests: 30 s at 46 of 95 in 15 s; ';
  expect(plannedLine(loadConfig({ env, overrides }), PLANNED)).toBe(head + tail);
});

test.each([
  [[], 'While the account lives, a change is seen within 4 to 10 s: 38 of 95 requests in 15 s, with 5 lists changing.'],
  [
    ['polling.target_seconds=1', 'polling.quiet_seconds=2'],
    'Polls and count checks would take 148 of 95 requests in 15 s, polling.budget_share leaves them 48 of 95 requests in 15 s: while the account lives their intervals are 3.1 times as long.',
  ],
])('how soon changes are seen stands against the budget, with %j', (overrides, line) => {
  expect(pollsLine(loadConfig({ env, overrides }))).toBe(line);
});
