// The end of `check`: what reading everything would cost, and the one thing to do next, as a command where it is one.
import { EXIT } from '../base/errors.ts';
import type { Config } from '../config/options.ts';
import { firstRunRooms } from '../intervals.ts';
import { duration } from '../observe/readiness.ts';
import { company } from '../streams/catalog.ts';
import type { StreamDefinition } from '../streams/definition.ts';
import type { CheckFinding } from './check-finding.ts';
import type { Learned } from './check-harvest.ts';
import type { CommonOptions } from './context.ts';
import { planFor } from './plan.ts';
import type { Plan } from './plan-estimate.ts';
import type { Facts } from './plan-facts.ts';

/** The cost of a first run, by what Harvest said on the way; null when it said too little. */
export function plannedBy(config: Config, { streams, settings }: Facts): Plan['budgets'] | null {
  if (!streams.some(({ rows }) => rows !== null)) return null;
  return planFor(config, { streams, settings }).budgets;
}

/** The line that says so. Of reports it knows the windows only where the configuration says since when. */
export function plannedLine(config: Config, { general, reports }: Plan['budgets']): string {
  const { budgets, start_date } = config.harvest;
  const { requests, per_seconds } = budgets.general;
  const limit = `${firstRunRooms(config).general} of ${requests} in ${per_seconds} s`;
  const head = `Reading everything takes about ${general.requests} general requests: ${time(general.seconds)} at ${limit}`;
  const tail =
    start_date === undefined
      ? `reports take one for each ${config.reports.window} besides, which harvest-kafka plan counts`
      : `reports take ${reports.requests} besides: ${time(reports.seconds)}`;
  return `${head}; ${tail}.`;
}

function time(seconds: number): string {
  return seconds === 0 ? 'at once' : duration(seconds);
}

/** The one next step. `isPublished`: something was published under the prefix before. */
export function nextStep(findings: readonly CheckFinding[], options: CommonOptions, isPublished: boolean): string {
  const wrong = findings.find((finding) => finding.exit_code !== EXIT.clean);
  if (wrong !== undefined)
    return `mend ${wrong.about} ${wrong.name} as said above, then: ${commandLine('check', options)}`;
  return commandLine(isPublished ? 'verify' : 'run', options);
}

/** The command with the options that this one was given. What --set says stays out: it may be a secret. */
function commandLine(command: string, { config, set = [] }: CommonOptions): string {
  const file =
    config === undefined
      ? ''
      : ` --config ${/^[\w./:@%+=,-]+$/.test(config) ? config : `'${config.replaceAll("'", "'\\''")}'`}`;
  return `harvest-kafka ${command}${file}${set.length > 0 ? ' (with the same --set)' : ''}`;
}

/** The facts of a check, as a plan takes them. */
export function factsIn(
  streams: readonly StreamDefinition[],
  findings: readonly CheckFinding[],
  learned: Learned,
): Facts {
  const states = new Map(findings.filter(({ about }) => about === 'stream').map((each) => [each.name, each]));
  const facts = streams.map((stream) => {
    const { state = 'not asked', detail = '' } = states.get(stream.name) ?? {};
    const rows = stream.name === company.name ? 1 : (learned.totals.get(stream.name) ?? null);
    const standsStill = state === 'ok' ? null : { state, reason: detail };
    return { stream, standsStill, rows, recordBytes: null, days: [] };
  });
  return { streams: facts, settings: learned.settings };
}
