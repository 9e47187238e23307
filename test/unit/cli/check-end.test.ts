// `check` ends with what reading everything costs, and with the one thing to do next.
import { describe, expect, test } from 'vitest';
import { nextStep, plannedLine } from '../../../src/cli/check-end.ts';
import { type CheckFinding, renderEnd } from '../../../src/cli/check-finding.ts';
import { checkPolls } from '../../../src/cli/check-polls.ts';
import { loadConfig } from '../../../src/config/load.ts';

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

describe('how soon a change is seen', () => {
  const polls = (...overrides: string[]) => checkPolls(loadConfig({ env, overrides }));
  const detail =
    'a change is seen within 4 to 10 s: 37 of 95 requests in 15 s, with changes in 5 lists (of 7 at the most)';

  test('stands against the budget', () => {
    expect(polls()).toMatchObject({ state: 'ok', detail, remedy: '', exit_code: 0 });
  });

  test.each([
    [
      ['polling.target_seconds=1', 'polling.quiet_seconds=2'],
      'polls and count checks would take 148 of 95 requests in 15 s and have room for 42.3, nine tenths of the 47 that polling.budget_share gives: intervals are 3.49 times as long, a change is seen within 3.5 to 7 s',
      'Lengthen intervals (polling.*, streams.<name>.poll_interval_seconds, count_interval_seconds).',
    ],
    [
      ['polling.budget_share=0.3'],
      'polls and count checks would take 38 of 95 requests in 15 s and have room for 25.2, nine tenths of the 28 that polling.budget_share gives: intervals are 1.47 times as long, a change is seen within 5.9 to 14.7 s',
      'Lengthen intervals (polling.*, streams.<name>.poll_interval_seconds, count_interval_seconds), or set polling.budget_share to 0.45.',
    ],
    [
      ['polling.budget_share=1', 'polling.target_seconds=2', 'polling.quiet_seconds=2'],
      'polls and count checks would take 110 of 95 requests in 15 s and have room for 68.4, nine tenths of the 76 that polls get at the most: intervals are 1.61 times as long, a change is seen within 3.2 s',
      'Lengthen intervals (polling.*, streams.<name>.poll_interval_seconds, count_interval_seconds).',
    ],
  ])('is a warning with the arithmetic when the intervals cannot hold, with %j', (overrides, arithmetic, remedy) => {
    expect(polls(...overrides)).toMatchObject({ state: 'warning', detail: arithmetic, remedy, exit_code: 0 });
  });

  test('holds with the share that the remedy names, and with none that is smaller', () => {
    for (let requests = 40; requests <= 100; requests++) {
      const general = `harvest.budgets.general.requests=${requests}`;
      const { remedy } = polls(general, 'polling.budget_share=0.05');
      const [, named] = /budget_share to (0\.\d+)/.exec(remedy) ?? [];
      if (named === undefined) continue;
      expect(polls(general, `polling.budget_share=${named}`).state, general).toBe('ok');
      expect(polls(general, `polling.budget_share=${(Number(named) - 0.01).toFixed(2)}`).state, general).toBe(
        'warning',
      );
    }
  });
});

describe('the last words', () => {
  const warned: CheckFinding = {
    ...well,
    about: 'polls',
    name: 'auto',
    state: 'warning',
    detail: 'too much',
    remedy: 'Less.',
  };
  const newer: CheckFinding = { ...well, about: 'member', name: 'b', state: 'unreadable', detail: 'another version' };

  test.each([
    ['all is well', [well], 'Everything is as it should be.'],
    [
      'there is a warning',
      [well, warned],
      'Nothing stands in the way. Worth knowing: polls auto: warning too much Less.',
    ],
    ['a member differs', [newer], 'Nothing stands in the way. Worth knowing: member b: unreadable another version'],
    [
      'something is wrong besides',
      [warned, refused],
      'stream invoices: FORBIDDEN Worth knowing besides: polls auto: warning too much Less.',
    ],
  ])('do not say that all is well unless it is: %s', (_, findings, words) => {
    expect(renderEnd(findings).join(' ').replace(/\s+/g, ' ').trim()).toBe(words);
  });
});
