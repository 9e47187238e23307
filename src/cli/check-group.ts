// The part of `check` that asks the group of instances: whether it would take us, who is in it, and whether all of them were given the
// same accounts.
import { asPublisherError, EXIT } from '../base/errors.ts';
import { counted } from '../base/words.ts';
import { type DescribedMember, inspectGroup } from '../cluster/describe.ts';
import type { Config } from '../config/options.ts';
import { kafkaSettings } from '../settings.ts';
import { type CheckFinding, failed, found } from './check-finding.ts';
import { clock } from './context.ts';

/** Nothing for an instance by itself. */
export async function checkGroup(config: Config, signal: AbortSignal): Promise<CheckFinding[]> {
  const { enabled, group_id: group } = config.cluster;
  if (!enabled) return [];
  try {
    const members = await inspectGroup(kafkaSettings(config), group, { clock, log: () => {}, signal });
    return groupFindings(group, members, new Set(config.harvest.accounts.map(({ id }) => id)));
  } catch (thrown) {
    if (signal.aborted) return [];
    return [failed('group', group, asPublisherError(thrown))];
  }
}

/** What there is to say of a group that answers; `ours` are the accounts of our own configuration. */
export function groupFindings(
  group: string,
  members: readonly DescribedMember[],
  ours: ReadonlySet<string>,
): CheckFinding[] {
  if (members.length === 0) return [found('group', group, 'answers; no instance is in it now')];
  const told = members.flatMap(({ assignment }) => assignment ?? []).sort((a, b) => b.term - a.term)[0];
  const round = told === undefined ? 'joining anew' : `term ${told.term}, led by ${told.leader}`;
  return [
    found('group', group, `answers; ${counted(members.length, 'member')}, ${round}`),
    ...members.map((member) => listOf(member, ours)),
    ...(told?.unassigned ?? []).map(({ account, why }) => unowned(account, why, ours)),
  ];
}

/** Lists differ while a configuration is rolled out; who looks on should know, and nothing stands still for it. */
function listOf({ memberId, metadata, assignment }: DescribedMember, ours: ReadonlySet<string>): CheckFinding {
  const name = assignment?.name ?? metadata?.name ?? memberId;
  if (metadata === null) {
    return { ...found('member', name, 'another version, whose words this one cannot read'), state: 'unreadable' };
  }
  const theirs = new Set(metadata.accounts);
  const lacks = [...ours].filter((id) => !theirs.has(id));
  const others = [...theirs].filter((id) => !ours.has(id));
  const runs = `runs ${counted(assignment?.accounts.length ?? 0, 'account')}`;
  if (lacks.length + others.length === 0) return found('member', name, runs);
  const differences = [
    ...(lacks.length > 0 ? [`lacks ${named(lacks)}`] : []),
    ...(others.length > 0 ? [`has ${named(others)} besides`] : []),
  ];
  return { ...found('member', name, `${runs}; its list of accounts ${differences.join(', ')}`), state: 'differs' };
}

function unowned(account: string, why: string, ours: ReadonlySet<string>): CheckFinding {
  const remedy = ours.has(account)
    ? 'Start an instance with this configuration: harvest-kafka run.'
    : 'Give it to an instance that stays (harvest.accounts), or take it out of all of them.';
  return { about: 'account', name: account, state: 'unassigned', detail: why, remedy, exit_code: EXIT.temporary };
}

const NAMED_MOST = 5;

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, NAMED_MOST).join(', ');
  return ids.length > NAMED_MOST ? `${shown} and ${ids.length - NAMED_MOST} more` : shown;
}
