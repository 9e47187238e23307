// `check`: does this configuration work? Asks Harvest, the broker and the registry, changes nothing, and shows every answer.
import { isoSeconds } from '../base/clock.ts';
import { asPublisherError, CODES, EXIT, type PublisherError } from '../base/errors.ts';
import { diffSubjects, type LostSubject, lostSubjects } from '../codec/registry.ts';
import { loadSchemas } from '../codec/schemas.ts';
import { describeConfig } from '../config/load.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { AVRO, createRegistry, writtenTo } from '../daemon.ts';
import { type JsonObject, PRIORITY } from '../engine/ports.ts';
import type { HarvestSource } from '../harvest/client.ts';
import { createHarvestSource } from '../harvest-source.ts';
import { createConnection } from '../kafka/connection.ts';
import { transactionalIdOf } from '../kafka/publisher.ts';
import { describeTopics } from '../kafka/topics.ts';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.ts';
import { findStream } from '../streams/catalog.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, indented, interruption, print, random } from './context.ts';
import { printJson, table } from './output.ts';

/** One thing that was looked at. */
interface Finding {
  readonly about: 'account' | 'stream' | 'topic' | 'subject' | 'broker' | 'registry';
  readonly name: string;
  /** `ok`, `will be made` (topics and schemas that start makes), or what is wrong. */
  readonly state: string;
  readonly detail: string;
  readonly remedy: string;
  /** 0 when it stands in nobody's way. */
  readonly exit_code: number;
}

/** Exit 0 when `run` would work for every enabled stream; else the code of the first thing that would not. */
export async function check(options: CommonOptions): Promise<number> {
  const config = configOf(options);
  const { signal } = interruption();
  const findings: Finding[] = [];
  for (const account of config.harvest.accounts) {
    const [harvest, kafka, registry] = await Promise.all([
      checkHarvest(config, account, signal),
      checkKafka(config, account),
      checkRegistry(config, account, signal),
    ]);
    findings.push(...harvest, ...kafka, ...registry);
  }
  if (options.json) printJson({ config: describeConfig(config), findings });
  else show(findings);
  return findings.find((finding) => finding.exit_code !== EXIT.clean)?.exit_code ?? EXIT.clean;
}

async function checkHarvest(config: Config, account: AccountConfig, signal: AbortSignal): Promise<Finding[]> {
  const source = createHarvestSource(config, account, { clock, random, emit: () => {} });
  try {
    const person = await source.whoAmI(signal);
    const roles = Array.isArray(person.access_roles) ? person.access_roles.join(', ') : 'roles unknown';
    const owner: Finding = found(
      'account',
      account.id,
      `the token belongs to ${person.first_name} ${person.last_name} (${roles})`,
    );
    const features = await readCompany(source, signal);
    const parents = new Map<string, Promise<number | null>>();
    const streams = enabledStreams(config).map((stream) => checkStream(stream, source, features, parents, signal));
    return [owner, ...(await Promise.all(streams))];
  } catch (thrown) {
    return [failed('account', account.id, asPublisherError(thrown))];
  } finally {
    await source.close();
  }
}

async function readCompany(source: HarvestSource, signal: AbortSignal): Promise<JsonObject> {
  try {
    const company = findStream('company')!;
    const page = await source.fetchPage(
      { stream: company, target: { query: {} }, purpose: 'probe', priority: PRIORITY.probe, alone: true },
      signal,
    );
    return page.records[0] ?? {};
  } catch (thrown) {
    const error = asPublisherError(thrown);
    if (error.kind === 'blocked') return {};
    throw error;
  }
}

/** Asks for one record: enough to learn whether the token may. */
async function checkStream(
  stream: StreamDefinition,
  source: HarvestSource,
  company: JsonObject,
  parents: Map<string, Promise<number | null>>,
  signal: AbortSignal,
): Promise<Finding> {
  if (stream.feature && company[stream.feature] === false) {
    const detail = `the company has this module switched off (${stream.feature} is false)`;
    return {
      ...found('stream', stream.name, detail),
      state: 'FEATURE_OFF',
      remedy: 'Switch the module on in Harvest (Settings, Modules), if it is wanted.',
    };
  }
  try {
    const parent = stream.parent ? await firstId(stream.parent.stream, source, parents, signal) : undefined;
    if (parent === null) return found('stream', stream.name, 'nothing to ask: no parent record');
    await source.fetchPage(
      {
        stream,
        target: { query: probeQuery(stream), ...(parent === undefined ? {} : { parent }) },
        purpose: 'probe',
        priority: PRIORITY.probe,
        alone: true,
      },
      signal,
    );
    return found('stream', stream.name, stream.path);
  } catch (thrown) {
    return failed('stream', stream.name, asPublisherError(thrown));
  }
}

function probeQuery(stream: StreamDefinition): Record<string, string> {
  const today = isoSeconds(clock.now()).slice(0, 10).replaceAll('-', '');
  const window = stream.kind === 'report' ? { from: today, to: today } : {};
  return stream.paging === 'none' ? {} : { per_page: '1', ...window };
}

/** The id of any record of a parent stream, asked for once; null when it has none. */
function firstId(
  name: string,
  source: HarvestSource,
  asked: Map<string, Promise<number | null>>,
  signal: AbortSignal,
): Promise<number | null> {
  const before = asked.get(name);
  if (before) return before;
  const stream = findStream(name)!;
  const request = {
    stream,
    target: { query: probeQuery(stream) },
    purpose: 'probe',
    priority: PRIORITY.probe,
    alone: true,
  } as const;
  const id = source.fetchPage(request, signal).then(({ records }) => (records[0]?.id as number | undefined) ?? null);
  asked.set(name, id);
  return id;
}

async function checkKafka(config: Config, account: AccountConfig): Promise<Finding[]> {
  const prefix = prefixOf(config, account);
  const connection = createConnection(kafkaSettings(config), () => {});
  try {
    const reports = await describeTopics(
      connection,
      { ...config.topics, prefix },
      enabledStreams(config),
      transactionalIdOf(prefix, account.id),
    );
    const topics = reports.map((report): Finding => {
      if (report.state === 'ok') return found('topic', report.topic, '');
      if (report.state === 'missing') return { ...found('topic', report.topic, ''), state: 'will be made' };
      return {
        ...found('topic', report.topic, report.problem ?? ''),
        state: report.state,
        remedy: report.command ?? '',
        exit_code: report.state === 'forbidden' ? EXIT.notAuthorised : EXIT.dataContract,
      };
    });
    return [found('broker', connection.brokers, 'answers'), ...topics];
  } catch (thrown) {
    return [failed('broker', connection.brokers, asPublisherError(thrown))];
  } finally {
    connection.sever();
  }
}

async function checkRegistry(config: Config, account: AccountConfig, signal: AbortSignal): Promise<Finding[]> {
  const client = createRegistry(config, { clock, random });
  const name = config.schema_registry.url.join(', ');
  try {
    const differences = await diffSubjects(client, enabledStreams(config), {
      schemas: await loadSchemas(AVRO),
      prefix: prefixOf(config, account),
      mode: config.decimal_handling_mode,
      keyFormat: config.key.format,
    });
    // A broker that is down is told as that.
    const lost = await lostSubjects(client, differences, writtenTo(config, account, clock, signal)).catch(
      (): LostSubject[] => [],
    );
    const subjects = differences.map((difference): Finding => {
      const { name: subject } = difference.subject;
      const { state, message } = difference;
      const gone = lost.find((one) => one.subject === difference.subject);
      if (gone) {
        const { exit } = CODES['registry.replaced'];
        return { ...found('subject', subject, gone.message), state: 'lost', remedy: gone.remedy, exit_code: exit };
      }
      if (state === 'registered') return found('subject', subject, '');
      const willBeMade = state === 'missing' && config.schema_registry.auto_register;
      if (willBeMade) return { ...found('subject', subject, ''), state: 'will be made' };
      const remedy =
        state === 'missing' ? 'harvest-kafka schemas register' : 'Use another topics.prefix, or delete the subject.';
      return { ...found('subject', subject, message ?? ''), state, remedy, exit_code: EXIT.dataContract };
    });
    return [found('registry', name, 'answers'), ...subjects];
  } catch (thrown) {
    return [failed('registry', name, asPublisherError(thrown))];
  } finally {
    await client.close();
  }
}

function found(about: Finding['about'], name: string, detail: string): Finding {
  return { about, name, state: 'ok', detail, remedy: '', exit_code: EXIT.clean };
}

function failed(about: Finding['about'], name: string, error: PublisherError): Finding {
  // A stream that is not found may be refused; a token's owner that is not found means a wrong address.
  const isRefusal = error.code === 'harvest.forbidden' || (error.code === 'harvest.not_found' && about === 'stream');
  const exitCode = error.code === 'harvest.not_found' ? EXIT.dataContract : error.exitCode;
  return {
    about,
    name,
    state: isRefusal ? 'FORBIDDEN' : error.kind === 'blocked' && about === 'stream' ? 'BLOCKED' : 'failed',
    detail: error.message,
    remedy: error.remedy,
    exit_code: isRefusal ? EXIT.notAuthorised : exitCode,
  };
}

/** Topics and subjects that are as they should be are counted; everything else is shown, what is wrong once more in full. */
function show(findings: readonly Finding[]): void {
  const quiet = (finding: Finding) =>
    (finding.about === 'topic' || finding.about === 'subject') && finding.exit_code === EXIT.clean;
  const wrong = findings.filter((finding) => finding.exit_code !== EXIT.clean);
  const rows = findings
    .filter((finding) => !quiet(finding))
    .map((finding) => ({ ...finding, detail: wrong.includes(finding) ? 'see below' : finding.detail }));
  print(table(rows, ['about', 'name', 'state', 'detail']));
  for (const about of ['topic', 'subject'] as const) {
    const fine = findings.filter((finding) => finding.about === about && quiet(finding));
    const missing = fine.filter((finding) => finding.state !== 'ok').length;
    if (fine.length > missing) print(`${fine.length - missing} ${about}s are as they should be.`);
    if (missing > 0) print(`${missing} ${about}s are not there yet and will be made at start.`);
  }
  // Several things may be wrong for one reason (schemas that are not registered): it is told once.
  for (const [reason, names] of byReason(wrong)) print(`\n${names.join('\n')}\n${indented(reason)}`);
  if (wrong.length === 0) print('\nEverything is as it should be.');
}

function byReason(findings: readonly Finding[]): Map<string, string[]> {
  const reasons = new Map<string, string[]>();
  for (const { about, name, state, detail, remedy } of findings) {
    const reason = [detail, remedy].filter(Boolean).join('\n');
    reasons.set(reason, [...(reasons.get(reason) ?? []), `${about} ${name}: ${state}`]);
  }
  return reasons;
}
