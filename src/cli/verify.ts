// `verify`: Harvest against the topics, row by row. Writes nothing, fences nobody, and works beside a running daemon on a small
// share of the account's rate limit.
import { EXIT } from '../base/errors.ts';
import { createCodec } from '../codec/codec.ts';
import { prepareSubjects, type RegistryClient } from '../codec/registry.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { createHarvestSource } from '../harvest-source.ts';
import { Brokers } from '../kafka/brokers.ts';
import { readState } from '../kafka/state-view.ts';
import { openTopicLog } from '../kafka/topic-log.ts';
import { valueSchemas } from '../privacy.ts';
import { createRegistry } from '../registry.ts';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.ts';
import { catalog } from '../streams/catalog.ts';
import { neededFor, type StreamDefinition } from '../streams/definition.ts';
import { differs, type StreamFinding } from '../verify/finding.ts';
import { type Requests, Verification } from '../verify/verification.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, random } from './context.ts';
import { enabledStreamNamed } from './names.ts';
import { printJson } from './output.ts';
import { createPacer } from './pacer.ts';
import { renderExpectation, showVerifying, type Watched } from './verify-progress.ts';
import { renderFindings } from './verify-report.ts';

export interface VerifyOptions extends CommonOptions {
  readonly sample?: number;
  /** Requests in a window of each budget. */
  readonly requests: number;
  /** No daemon runs: the whole configured budget is ours, and nothing will move on the topics. */
  readonly alone?: boolean;
  /** Seconds between the two looks at what differs. */
  readonly patience?: number;
  /** Ids shown of each kind and stream. */
  readonly ids: number;
  readonly values?: boolean;
}

/** One account's comparison. */
export interface VerifiedAccount {
  readonly account_id: string;
  /** For the first look. */
  readonly expected_requests: Requests | null;
  readonly requests: number;
  readonly streams: readonly StreamFinding[];
}

/** A daemon polls, fetches and commits: so long after its interval a change has arrived. */
const SLACK_SECONDS = 15;
/** Longer intervals are not waited for: of children, whose slow scan takes hours, a quarter of an hour has to do. */
const PATIENCE_MAX_SECONDS = 900;

/**
 * Exit 0 when every stream that can be asked is equal, 65 when one is not; 77 when none can be asked; 130 or 143 when it was
 * stopped, with what was compared by then.
 */
export async function verify(options: VerifyOptions, ...names: string[]): Promise<number> {
  const config = configOf(options);
  const streams = chosenStreams(config, names);
  const { signal: interrupted, exitCode } = interruption();
  const stop = new AbortController();
  const watched: Watched[] = [];
  const terminal = process.stdout.isTTY === true && !options.json;
  const progress = showVerifying(watched, clock, terminal);
  const registry = createRegistry(config, { clock, random });
  const signal = AbortSignal.any([interrupted, stop.signal]);
  const brokers = new Brokers(kafkaSettings(config), clock);
  const shared = { registry, brokers, stop, interrupted, signal, watched };
  try {
    const accounts = await Promise.all(
      config.harvest.accounts.map((account) => verifyAccount(config, account, streams, options, shared)),
    );
    progress.close();
    const findings = accounts.flatMap((account) => account.streams);
    const isPartial = findings.some(({ state }) => state === 'unfinished');
    const differ = findings.some((finding) => finding.state === 'compared' && differs(finding));
    const equal = differ ? false : isPartial ? null : true;
    if (options.json) printJson({ equal, partial: isPartial, sample: options.sample ?? null, accounts });
    else print(renderFindings(accounts, options));
    return exitCode() ?? exitCodeOf(findings);
  } catch (thrown) {
    const stopped = exitCode();
    if (stopped !== null) return stopped;
    throw thrown;
  } finally {
    progress.close();
    brokers.close();
    await registry.close();
  }
}

/** Shared by the comparisons of all accounts. */
interface Shared {
  readonly registry: RegistryClient;
  readonly brokers: Brokers;
  /** Stops all of them. */
  readonly stop: AbortController;
  /** A person or a supervisor has. */
  readonly interrupted: AbortSignal;
  readonly signal: AbortSignal;
  readonly watched: Watched[];
}

function chosenStreams(config: Config, names: readonly string[]): StreamDefinition[] {
  const wanted = new Set(names.map((name) => enabledStreamNamed(config, name).name));
  return enabledStreams(config).filter(({ name }) => wanted.size === 0 || wanted.has(name));
}

async function verifyAccount(
  config: Config,
  account: AccountConfig,
  streams: readonly StreamDefinition[],
  options: VerifyOptions,
  { registry, brokers, stop, interrupted, signal, watched }: Shared,
): Promise<VerifiedAccount> {
  const prefix = prefixOf(config, account);
  const codec = await lookUpCodec(config, prefix, streams, registry);
  const share = options.alone ? config : withRequests(config, options.requests);
  let requests = 0;
  const pacer = options.alone ? null : createPacer(share);
  const source = createHarvestSource(share, account, {
    clock,
    random,
    ...(pacer ? { pacer } : {}),
    emit: ({ name }) => {
      if (name === 'request.finished') requests++;
    },
  });
  const log = await openTopicLog(brokers, prefix, clock);
  const verification = new Verification({
    streams,
    catalog,
    source,
    codec,
    log,
    isEnabled: (name) => config.streams[name]?.enabled === true,
    stateRows: async () => {
      const { rows } = await readState(kafkaSettings(config), prefix, clock, signal);
      return new Map(rows.filter((row) => row.accountId === account.id).map(({ name, row }) => [name, row]));
    },
    settings: {
      accountId: Number(account.id),
      startDate: config.harvest.start_date ?? null,
      endDate: config.harvest.end_date ?? null,
      grain: config.reports.window,
    },
    sample: options.sample ?? null,
    // Derived rows come with their parents.
    patienceMs: ({ name, kind, parent }) =>
      1000 * patienceOf(options, pollSecondsOf(config, kind === 'derived' ? parent!.stream : name)),
    withValues: options.values ?? false,
    clock,
    random,
    signal,
  });
  let expected: Requests | null = null;
  try {
    expected = await verification.prepare();
    if (!options.json) print(renderExpectation(account.id, expected, source.budgets, clock.now()));
    watched.push({ accountId: account.id, expected, verification, budgets: source.budgets });
    const findings = await verification.run();
    return { account_id: account.id, expected_requests: expected, requests, streams: findings };
  } catch (thrown) {
    if (interrupted.aborted) {
      return { account_id: account.id, expected_requests: expected, requests, streams: verification.soFar() };
    }
    // Requests may be left that wait for their turn, here and for other accounts.
    stop.abort();
    throw thrown;
  } finally {
    pacer?.close();
    await source.close();
  }
}

/**
 * For what is compared, and what that is looked up in. Ids are looked up, never registered: throws `registry.not_registered`
 * when the daemon has not been here; with `run --only` it made no others.
 */
async function lookUpCodec(
  config: Config,
  prefix: string,
  compared: readonly StreamDefinition[],
  registry: RegistryClient,
) {
  const needed = neededFor(
    compared.map(({ name }) => name),
    catalog,
  );
  const streams = enabledStreams(config).filter(({ name }) => needed.has(name));
  const schemas = await valueSchemas(config, streams);
  const { decimal_handling_mode: mode, key } = config;
  const settings = { schemas, prefix, mode, keyFormat: key.format, autoRegister: false };
  return createCodec({
    streams,
    schemas,
    ids: await prepareSubjects(registry, streams, settings),
    decimalHandling: mode,
    keyFormat: key.format,
    runningTimers: config.running_timers,
    writerSchema: (id) => registry.schemaById(id),
  });
}

function withRequests(config: Config, requests: number): Config {
  const { general, reports } = config.harvest.budgets;
  const budgets = { general: { ...general, requests }, reports: { ...reports, requests } };
  return { ...config, harvest: { ...config.harvest, budgets } };
}

/** The longest time between two polls, unless they are stretched. */
function pollSecondsOf({ streams, polling }: Config, name: string): number {
  const { poll_interval_seconds } = streams[name]!;
  return poll_interval_seconds === 'auto' ? polling.idle_seconds : poll_interval_seconds;
}

function patienceOf({ patience, alone }: VerifyOptions, pollSeconds: number): number {
  if (patience !== undefined) return patience;
  return alone ? 0 : Math.min(pollSeconds, PATIENCE_MAX_SECONDS) + SLACK_SECONDS;
}

function exitCodeOf(findings: readonly StreamFinding[]): number {
  if (findings.some(differs)) return EXIT.dataContract;
  const failure = findings.find(({ exit_code }) => exit_code !== EXIT.clean);
  if (failure) return failure.exit_code;
  const isRefused = findings.some(({ state }) => state === 'FORBIDDEN');
  return isRefused && !findings.some(({ state }) => state === 'compared') ? EXIT.notAuthorised : EXIT.clean;
}
