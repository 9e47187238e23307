// The part of `check` that looks at the group of instances: what it says of who is in it and what each was given.
import { expect, test } from 'vitest';
import { groupFindings } from '../../../src/cli/check-group.ts';
import type { DescribedMember } from '../../../src/cluster/describe.ts';
import type { Unassigned } from '../../../src/cluster/protocol.ts';

const OURS = new Set(['1', '2']);

function member(
  name: string,
  listed: readonly string[],
  runs: readonly string[],
  term = 7,
  unassigned: Unassigned[] = [],
) {
  const common = { v: 1, zone: '', url: '', version: '0' };
  const fleet = [{ name, zone: '', url: '', version: '0', accounts: runs }];
  const accounts = runs.map((id) => [id, null] as const);
  return {
    ...{ memberId: `${name}-id`, host: '/10.0.0.1' },
    metadata: { ...common, name, leaving: false, term, accounts: listed, claims: [], weight: {} },
    assignment: { v: 1, term, name, leader: 'a', accounts, fleet, unassigned },
  } satisfies DescribedMember;
}

const told = (members: readonly DescribedMember[]) =>
  groupFindings('g', members, OURS).map(({ about, name, state, detail, exit_code }) =>
    [about, name, state, exit_code, detail].join(' | '),
  );

test('a group that nobody is in yet stands in nobody’s way', () => {
  expect(told([])).toEqual(['group | g | ok | 0 | answers; no instance is in it now']);
});

test('members that were given the same accounts are told with what they run', () => {
  expect(told([member('a', ['1', '2'], ['1']), member('b', ['2', '1'], ['2'])])).toEqual([
    'group | g | ok | 0 | answers; 2 members, term 7, led by a',
    'member | a | ok | 0 | runs 1 account',
    'member | b | ok | 0 | runs 1 account',
  ]);
});

test('a member whose list of accounts differs from ours is named with the difference, and keeps nobody from running', () => {
  expect(told([member('a', ['1', '3', '4', '5', '6', '7', '8'], ['1'])])).toContain(
    'member | a | differs | 0 | runs 1 account; its list of accounts lacks 2, has 3, 4, 5, 6, 7 and 1 more besides',
  );
});

test('an account without an owner is told as temporary, by the newest term, with what gives it one', () => {
  const older = member('a', ['1', '2'], ['1'], 6, [{ account: '9', why: 'long ago' }]);
  const newer = member('b', ['1', '2'], ['2'], 7, [{ account: '3', why: 'no member that stays has it' }]);
  expect(told([older, newer])).toContain('account | 3 | unassigned | 75 | no member that stays has it');
  expect(told([older, newer]).join()).not.toContain('long ago');
  const [finding] = groupFindings('g', [newer], OURS).slice(-1);
  expect(finding!.remedy).toContain('harvest.accounts');
  const ours = member('a', ['1'], ['1'], 7, [{ account: '2', why: 'no member that stays has it' }]);
  expect(groupFindings('g', [ours], OURS).at(-1)!.remedy).toContain('harvest-kafka run');
});

test('a member of a version that we cannot read is told as that, not as one without accounts', () => {
  expect(told([{ ...member('a', [], []), metadata: null }])).toContain(
    'member | a | unreadable | 0 | another version, whose words this one cannot read',
  );
});
