// `check`: does this configuration work? Asks Harvest, the broker and the registry, changes nothing, and shows every answer.
import { asPublisherError, CODES, EXIT } from '../base/errors.ts';
import { diffSubjects, type LostSubject, lostSubjects, type Written } from '../codec/registry.ts';
import { describeConfig } from '../config/load.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { Brokers } from '../kafka/brokers.ts';
import { transactionalIdOf } from '../kafka/publisher.ts';
import { openTopicLog } from '../kafka/topic-log.ts';
import { describeTopics, stateTopic } from '../kafka/topics.ts';
import { valueSchemas } from '../privacy.ts';
import { createRegistry } from '../registry.ts';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.ts';
import { beside, sharing } from './beside.ts';
import { factsIn, nextStep, plannedBy, plannedLine } from './check-end.ts';
import { type CheckFinding, failed, found, HEAD, isQuiet, renderEnd, renderQuiet, renderRow } from './check-finding.ts';
import { checkGroup } from './check-group.ts';
import { checkHarvest } from './check-harvest.ts';
import { checkPolls } from './check-polls.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, random } from './context.ts';
import { printJson } from './output.ts';
import { createPacer } from './pacer.ts';

export interface CheckOptions extends CommonOptions {
  /** No daemon runs: as fast as the budget allows. */
  readonly alone?: boolean;
}

/** Exit 0 when `run` would work for every enabled stream; else the code of the first thing that would not. */
export async function check(options: CheckOptions): Promise<number> {
  const config = configOf(options);
  const { signal, exitCode } = interruption();
  const findings: CheckFinding[] = [];
  const say = options.json ? () => {} : print;
  const show = (finding: CheckFinding) => {
    if (!isQuiet(finding)) say(renderRow(finding));
  };
  const planned: object[] = [];
  let isPublished = false;
  say(HEAD);
  findings.push(...shown([checkPolls(config), ...(await checkGroup(config, signal))], show));
  for (const account of config.harvest.accounts) {
    const [kafka, registry] = await Promise.all([
      checkKafka(config, account).then((told) => shown(told, show)),
      checkRegistry(config, account, signal).then((told) => shown(told, show)),
    ]);
    for (const line of renderQuiet([...kafka, ...registry])) say(line);
    const isRead = mayRun(kafka, prefixOf(config, account));
    isPublished ||= isRead;
    const share = options.alone || !isRead ? config : beside(config);
    if (share !== config) say(sharing(share, account));
    const harvest: CheckFinding[] = [];
    const tell = (finding: CheckFinding) => {
      harvest.push(finding);
      show(finding);
    };
    const pacer = share === config ? undefined : createPacer(share);
    try {
      const learned = await checkHarvest(share, account, signal, tell, pacer);
      const budgets = plannedBy(config, factsIn(enabledStreams(config), harvest, learned));
      if (budgets !== null) {
        planned.push({ account_id: account.id, ...budgets });
        say(plannedLine(config, budgets));
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      pacer?.close();
    }
    // They are shown as they come; the exit code is that of the account first.
    findings.push(...harvest, ...kafka, ...registry);
    if (signal.aborted) break;
  }
  const next = nextStep(findings, options, isPublished);
  if (options.json) printJson({ config: describeConfig(config), findings, planned, next });
  else if (!signal.aborted) for (const text of [...renderEnd(findings), `Next: ${next}`]) print(text);
  return exitCode() ?? findings.find((finding) => finding.exit_code !== EXIT.clean)?.exit_code ?? EXIT.clean;
}

/** The same findings, each shown. */
function shown(findings: readonly CheckFinding[], show: (finding: CheckFinding) => void): readonly CheckFinding[] {
  findings.forEach(show);
  return findings;
}

/** Whether a daemon may be at work on the account: one has been, when its state topic is there. */
function mayRun(kafka: readonly CheckFinding[], prefix: string): boolean {
  return kafka.some(({ about, name, state }) => about === 'topic' && name === stateTopic(prefix) && state === 'ok');
}

async function checkKafka(config: Config, account: AccountConfig): Promise<CheckFinding[]> {
  const prefix = prefixOf(config, account);
  const brokers = new Brokers(kafkaSettings(config), clock);
  try {
    const reports = await describeTopics(
      brokers,
      { ...config.topics, prefix },
      enabledStreams(config),
      transactionalIdOf(prefix, account.id),
    );
    const topics = reports.map((report): CheckFinding => {
      if (report.state === 'ok') return found('topic', report.topic, '');
      if (report.state === 'missing') return { ...found('topic', report.topic, ''), state: 'will be made' };
      return {
        ...found('topic', report.topic, report.problem ?? ''),
        state: report.state,
        remedy: report.command ?? '',
        exit_code: report.state === 'forbidden' ? EXIT.notAuthorised : EXIT.dataContract,
      };
    });
    return [found('broker', brokers.names, 'answers'), ...topics];
  } catch (thrown) {
    return [failed('broker', brokers.names, asPublisherError(thrown))];
  } finally {
    brokers.close();
  }
}

async function checkRegistry(config: Config, account: AccountConfig, signal: AbortSignal): Promise<CheckFinding[]> {
  const client = createRegistry(config, { clock, random });
  const name = config.schema_registry.url.join(', ');
  try {
    const differences = await diffSubjects(client, enabledStreams(config), {
      schemas: await valueSchemas(config, enabledStreams(config)),
      prefix: prefixOf(config, account),
      mode: config.decimal_handling_mode,
      keyFormat: config.key.format,
    });
    // A broker that is down is told as that.
    const brokers = new Brokers(kafkaSettings(config), clock);
    const written: Written = async (streams) => {
      return (await openTopicLog(brokers, prefixOf(config, account), clock)).written(streams, signal);
    };
    const lost = await lostSubjects(client, differences, written)
      .catch((): LostSubject[] => [])
      .finally(() => brokers.close());
    const subjects = differences.map((difference): CheckFinding => {
      const { name: subject } = difference.subject;
      const { state, message } = difference;
      const known = lost.find((one) => one.subject === difference.subject);
      if (known) {
        const { exit } = CODES['registry.replaced'];
        return { ...found('subject', subject, known.message), state: 'lost', remedy: known.remedy, exit_code: exit };
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
