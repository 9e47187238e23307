// One thing that `check` looked at, and how it is told.
import { EXIT, type PublisherError } from '../base/errors.ts';
import { counted } from '../base/words.ts';
import { groupedByReason, printable } from './output.ts';

export interface CheckFinding {
  readonly about: 'account' | 'stream' | 'topic' | 'subject' | 'broker' | 'registry' | 'group' | 'member' | 'polls';
  readonly name: string;
  /** One of `FINE`, or what is wrong or worth knowing. */
  readonly state: string;
  readonly detail: string;
  readonly remedy: string;
  /** 0 when it stands in nobody's way. */
  readonly exit_code: number;
}

/** `will be made`: topics and schemas that start makes; `FEATURE_OFF`: the account does without. */
const FINE = new Set(['ok', 'will be made', 'FEATURE_OFF']);

export function found(about: CheckFinding['about'], name: string, detail: string): CheckFinding {
  return { about, name, state: 'ok', detail, remedy: '', exit_code: EXIT.clean };
}

export function failed(about: CheckFinding['about'], name: string, error: PublisherError): CheckFinding {
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

const ABOUT_WIDTH = 8;
const NAME_WIDTH = 24;
const STATE_WIDTH = 12;

/** A row as it comes, so that nobody waits before an empty screen; what is wrong or worth knowing is told in full at the end. */
export function renderRow(finding: CheckFinding): string {
  const { about, name, state, detail } = finding;
  return row(about, name, state, isWrong(finding) || isWorthKnowing(finding) ? 'see below' : detail);
}

function isWrong({ exit_code }: CheckFinding): boolean {
  return exit_code !== EXIT.clean;
}

function isWorthKnowing(finding: CheckFinding): boolean {
  return !isWrong(finding) && !FINE.has(finding.state);
}

export const HEAD = row('about', 'name', 'state', 'detail');

function row(about: string, name: string, state: string, detail: string): string {
  const cells = [about.padEnd(ABOUT_WIDTH), printable(name).padEnd(NAME_WIDTH), state.padEnd(STATE_WIDTH)];
  return [...cells, printable(detail)].join('  ').trimEnd();
}

/** Topics and subjects that are as they should be are counted, not shown. */
export function isQuiet({ about, exit_code }: CheckFinding): boolean {
  return (about === 'topic' || about === 'subject') && exit_code === EXIT.clean;
}

/** How many quiet ones there are. */
export function renderQuiet(findings: readonly CheckFinding[]): string[] {
  return (['topic', 'subject'] as const).flatMap((about) => {
    const fine = findings.filter((finding) => finding.about === about && isQuiet(finding));
    const missing = fine.filter((finding) => finding.state !== 'ok').length;
    const there = fine.length - missing;
    const are = (count: number) => `${counted(count, about)} ${count === 1 ? 'is' : 'are'}`;
    return [
      ...(there > 0 ? [`${are(there)} as ${there === 1 ? 'it' : 'they'} should be.`] : []),
      ...(missing > 0 ? [`${are(missing)} not there yet and will be made at start.`] : []),
    ];
  });
}

/** Everything that is wrong, then what is worth knowing, in full. */
export function renderEnd(findings: readonly CheckFinding[]): string[] {
  const wrong = told(findings.filter(isWrong));
  const known = told(findings.filter(isWorthKnowing));
  if (wrong.length + known.length === 0) return ['\nEverything is as it should be.'];
  const head = wrong.length === 0 ? 'Nothing stands in the way. Worth knowing:' : 'Worth knowing besides:';
  return [...wrong, ...(known.length > 0 ? [`\n${head}`, ...known] : [])];
}

/** A reason that several have in common (schemas that are not registered) is told once. */
function told(findings: readonly CheckFinding[]): string[] {
  const entries = findings.map(({ about, name, state, detail, remedy }) => {
    return { label: `${about} ${name}: ${state}`, reason: [detail, remedy].filter(Boolean).join('\n') };
  });
  return groupedByReason(entries).map((text) => `\n${text}`);
}
