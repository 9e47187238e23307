// `check` asks Harvest beside a daemon that uses the same budgets.
import { expect, onTestFinished, test } from 'vitest';
import { createSimulator, type Fault, serve } from '../../../lab/simulator/index.ts';
import { type CheckFinding, renderQuiet } from '../../../src/cli/check-finding.ts';
import { checkHarvest } from '../../../src/cli/check-harvest.ts';
import { createPacer } from '../../../src/cli/pacer.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Pacer } from '../../../src/harvest/caller.ts';
import { clockFrom } from '../../support/epoch.ts';
import { onlyStreams } from '../../support/publisher.ts';
import { harvestStreams } from '../../support/truth.ts';

interface Told {
  readonly faults?: readonly Fault[];
  /** Told of each finding as it comes, with the number of requests made by then. */
  readonly watch?: (asked: number) => void;
  readonly overrides?: readonly string[];
  /** Beside a daemon; gets the budget of each attempt when its turn is asked for. */
  readonly onTurn?: (budget: string) => void;
}

async function checked({ faults = [], watch = () => {}, overrides = [], onTurn }: Told = {}) {
  const simulator = createSimulator({ timeEntries: 50, years: 0.2, now: clockFrom().now });
  for (const fault of faults) simulator.faults.add(fault);
  const server = await serve(simulator, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  const env = {
    ...{ HARVEST_ACCOUNT_ID: String(simulator.accountId), HARVEST_ACCESS_TOKEN: simulator.token },
    ...{
      HARVEST_BASE_URL: `${server.url}/v2`,
      KAFKA_BROKERS: 'nobody:9092',
      SCHEMA_REGISTRY_URL: 'http://nobody:8081',
    },
  };
  const config = loadConfig({ env, overrides });
  const findings: CheckFinding[] = [];
  const pacer = createPacer(config);
  onTestFinished(() => pacer.close());
  const watched: Pacer = {
    run: (budget, ...turn) => {
      onTurn?.(budget);
      return pacer.run(budget, ...turn);
    },
  };
  const tell = (finding: CheckFinding) => {
    findings.push(finding);
    watch(simulator.log.all().length);
  };
  const { signal } = new AbortController();
  await checkHarvest(config, config.harvest.accounts[0]!, signal, tell, onTurn ? watched : undefined);
  const asked = simulator.log.all();
  const states = new Map(findings.map(({ name, state }) => [name, state]));
  return { findings, states, asked };
}

const pause = (match: NonNullable<Fault['match']>, seconds: number): Fault => ({
  match,
  do: { kind: 'status', status: 429, headers: { 'retry-after': String(seconds) } },
});

test('every stream has its row, as soon as it was asked, and the reports cost one request together', async () => {
  const askedAtRow: number[] = [];
  const { findings, asked } = await checked({ watch: (count) => askedAtRow.push(count) });
  expect(findings.map(({ name }) => name).slice(1)).toEqual(harvestStreams.map(({ name }) => name));
  expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(askedAtRow[0]).toBe(1);
  expect(askedAtRow.at(-1)).toBe(asked.length);
  expect(asked.filter(({ budget }) => budget === 'reports')).toHaveLength(1);
});

test('a pause of a quarter of an hour is not waited for, and said of each stream that could not be asked', async () => {
  const { findings, states, asked } = await checked({ faults: [pause({ path: '/reports/' }, 840)] });
  const told = findings.find(({ name }) => name === 'time_projects')!;
  expect(told).toMatchObject({ state: 'not asked', exit_code: 75 });
  expect(told.detail).toMatch(/Harvest asks to wait 14 min before the next reports request/);
  expect(states.get('clients')).toBe('ok');
  expect(asked.filter(({ budget }) => budget === 'reports')).toHaveLength(1);
});

test('short pauses that follow each other are not waited for beyond twenty seconds', async () => {
  const faults = [pause({ stream: 'clients', times: 1 }, 1), pause({ stream: 'clients' }, 20)];
  const { states, asked } = await checked({ faults, overrides: onlyStreams('clients') });
  expect(states.get('clients')).toBe('not asked');
  expect(asked.filter(({ stream }) => stream === 'clients').map(({ status }) => status)).toEqual([429, 429]);
});

test('beside a daemon every attempt waits for its turn, repeated ones too', async () => {
  const turns: string[] = [];
  const { states, asked } = await checked({
    faults: [{ match: { stream: 'clients', times: 2 }, do: { kind: 'status', status: 503 } }],
    overrides: onlyStreams('clients', 'time_team'),
    onTurn: (budget) => turns.push(budget),
  });
  expect([states.get('clients'), states.get('time_team')]).toEqual(['ok', 'ok']);
  expect(asked.map(({ status }) => status)).toEqual(expect.arrayContaining([503, 503]));
  expect(turns).toEqual(asked.map(({ budget }) => budget));
});

test('the line for what was well counts its nouns rightly', () => {
  const topic = { about: 'topic', name: 'a', state: 'ok', detail: '', remedy: '', exit_code: 0 } as const;
  const missing = { ...topic, about: 'subject', state: 'will be made' } as const;
  expect(renderQuiet([topic, missing, missing])).toEqual([
    '1 topic is as it should be.',
    '2 subjects are not there yet and will be made at start.',
  ]);
});
