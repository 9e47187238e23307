// `plan` says what a first run will cost before it begins: rows, requests, time by the budgets, room. It asks Harvest little,
// evenly paced, and writes nothing.
import { isoSeconds } from '../base/clock.ts';
import { EXIT } from '../base/errors.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { createHarvestSource } from '../harvest-source.ts';
import { firstRunRooms } from '../intervals.ts';
import { Brokers } from '../kafka/brokers.ts';
import { presentTopics, stateTopic } from '../kafka/topics.ts';
import { duration } from '../observe/readiness.ts';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.ts';
import type { BudgetName } from '../streams/definition.ts';
import { weekStartIn } from '../streams/windows.ts';
import { beside, sharing } from './beside.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, random } from './context.ts';
import { accountNamed } from './names.ts';
import { printJson, table } from './output.ts';
import { createPacer } from './pacer.ts';
import { type Plan, type PlannedStream, type PlanSettings, planOf } from './plan-estimate.ts';
import { type Facts, factsOf } from './plan-facts.ts';

export interface PlanOptions extends CommonOptions {
  readonly account?: string;
  /** No daemon runs: as fast as the budget allows. */
  readonly alone?: boolean;
}

/** Exit 0 when the plan could be made; 75, 77, 78 as `check`. */
export async function plan(options: PlanOptions): Promise<number> {
  const config = configOf(options);
  const accounts = options.account === undefined ? config.harvest.accounts : [accountNamed(config, options.account)];
  const { signal, exitCode } = interruption();
  const plans: object[] = [];
  for (const account of accounts) {
    const isShared = !options.alone && (await mayBeRead(config, account));
    const share = isShared ? beside(config) : config;
    if (isShared && !options.json) print(sharing(share, account));
    try {
      const made = planFor(config, await ask(share, account, signal));
      if (options.json) plans.push(asJson(account.id, made));
      else print(render(account.id, made, settingsOf(config, {})));
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      break;
    }
  }
  if (options.json) printJson(plans);
  return exitCode() ?? EXIT.clean;
}

/** Whether a daemon may be at work on the account: one has been, when its state topic is there. Without brokers none is. */
async function mayBeRead(config: Config, account: AccountConfig): Promise<boolean> {
  const prefix = prefixOf(config, account);
  const brokers = new Brokers(kafkaSettings(config), clock);
  try {
    return (await presentTopics(brokers, prefix, [stateTopic(prefix)])).size > 0;
  } catch {
    return false;
  } finally {
    brokers.close();
  }
}

async function ask(config: Config, account: AccountConfig, signal: AbortSignal): Promise<Facts> {
  const pacer = createPacer(config);
  const source = createHarvestSource(config, account, { clock, random, pacer, emit: () => {} });
  try {
    return await factsOf(source, enabledStreams(config), config.harvest.start_date ?? null, signal);
  } finally {
    pacer.close();
    await source.close();
  }
}

/** The plan that follows from the facts and the configuration. */
export function planFor(config: Config, facts: Facts): Plan {
  return planOf(facts.streams, settingsOf(config, facts.settings));
}

function settingsOf(config: Config, account: Facts['settings']): PlanSettings {
  const { budgets, start_date, end_date } = config.harvest;
  const rooms = firstRunRooms(config);
  const budget = (name: BudgetName) => {
    const { requests, per_seconds: perSeconds } = budgets[name];
    return { requests, perSeconds, room: rooms[name] };
  };
  return {
    grain: config.reports.window,
    weekStart: weekStartIn(account),
    startDate: start_date ?? null,
    endDate: end_date ?? null,
    today: isoSeconds(clock.now()).slice(0, 10),
    budgets: { general: budget('general'), reports: budget('reports') },
  };
}

function asJson(account_id: string, { topicBytes, indexBytes, containerBytes, streams, ...made }: Plan): object {
  return {
    account_id,
    ...made,
    topic_bytes: topicBytes,
    index_bytes: indexBytes,
    container_bytes: containerBytes,
    streams: streams.map(({ isAtMost, ...stream }) => ({ ...stream, at_most: isAtMost })),
  };
}

/** The plan as lines for people. */
export function render(accountId: string, made: Plan, { budgets }: Pick<PlanSettings, 'budgets'>): string {
  const requests = ({ requests: count, isAtMost }: PlannedStream) =>
    count === null ? '?' : `${isAtMost ? '≤ ' : ''}${grouped(count)}`;
  const rows = made.streams.map((each) => ({
    stream: each.stream,
    rows: each.rows === null ? '' : grouped(each.rows),
    requests: requests(each),
    for: each.note,
  }));
  const right = (title: 'rows' | 'requests') =>
    ({ title, align: 'right', value: (row: (typeof rows)[number]) => row[title] }) as const;
  const budgetLine = (name: BudgetName) => {
    const { requests: count, seconds } = made.budgets[name];
    const isAtMost = made.streams.some((each) => each.budget === name && each.isAtMost);
    const { requests: limit, perSeconds, room } = budgets[name];
    const time = seconds === 0 ? 'at once' : `about ${duration(seconds)}`;
    return `${name}: ${isAtMost ? 'at most ' : ''}${grouped(count)} requests, ${time} (${room} of ${limit} in ${perSeconds} s)`;
  };
  const whole = made.seconds === 0 ? 'The budgets hold nothing up' : `The budgets take about ${duration(made.seconds)}`;
  return [
    `A first run of account ${accountId}:`,
    table(rows, ['stream', right('rows'), right('requests'), 'for']),
    budgetLine('general'),
    budgetLine('reports'),
    `${whole}, both side by side; the time in which Harvest answers comes on top.`,
    'The rest of each is kept for what is current meanwhile; run --once takes all of it.',
    `Topics: about ${megabytes(made.topicBytes)} before compression and replication. Memory: ${megabytes(made.indexBytes)} for the index, a container of ${megabytes(made.containerBytes)}.`,
    ...made.unknown.map((sentence) => `Not known: ${sentence}.`),
    'Nothing was written.',
  ].join('\n');
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}

function megabytes(bytes: number): string {
  return `${grouped(Math.max(1, Math.ceil(bytes / 2 ** 20)))} MB`;
}
