// Three instances share six accounts while records change: one is ended, one killed, one put to sleep and woken. Nobody loses an
// account, nobody sees a seam, and what did not have to move did not.
import { expect, test } from 'vitest';
import { seededRandom, storm } from '../../lab/simulator/index.ts';
import type { CheckFinding } from '../../src/cli/check-finding.ts';
import { type Instance, TestFleet } from '../support/fleet.ts';
import { HANGS_MS, until } from '../support/patience.ts';

/** Accounts that were opened by an instance since it was last asked. */
function openings(instance: Instance): () => string[] {
  let seen = 0;
  return () => {
    const lines = instance.lines('cluster.opened').slice(seen);
    seen += lines.length;
    return lines.map(({ account }) => account!).sort();
  };
}

const aboutGroup = (findings: readonly CheckFinding[]) =>
  findings
    .filter(({ about }) => about === 'group' || about === 'member')
    .map(({ about, state }) => `${about} ${state}`);

const ownedBy = (owners: ReadonlyMap<string, string>, name: string) =>
  [...owners].filter(([, owner]) => owner === name).map(([account]) => account);

test(
  'instances that end, die and sleep hand their accounts to the others, and nothing is lost, doubled or older [P1 P2 P3 P5 P6 P8 P11 P12]',
  async () => {
    const fleet = await TestFleet.open({ accounts: 6, timeEntries: 60 });
    const random = seededRandom(14);
    const change = () => {
      for (const simulator of fleet.simulators) storm(simulator, { random, count: 3, lateSeconds: 1 });
    };
    await fleet.list(fleet.simulators.slice(0, 5));
    const [a, b, c] = await Promise.all([fleet.start('a'), fleet.start('b'), fleet.start('c')]);
    await fleet.agreed(a, b, c);
    // The sixth is added while they run.
    await fleet.list(fleet.simulators, a, b, c);
    let owners = await fleet.agreed(a, b, c);
    await until('the loads are even', async () => {
      owners = await fleet.agreed(a, b, c);
      return ['a', 'b', 'c'].every((name) => ownedBy(owners, name).length === 2);
    });

    change();
    const openedByB = openings(b);
    const openedByC = openings(c);
    openedByB();
    openedByC();
    const ofA = ownedBy(owners, 'a');
    a.running.process.kill('SIGTERM');
    expect((await a.running.ended).code).toBe(143);
    owners = await fleet.agreed(b, c);
    expect([...openedByB(), ...openedByC()].sort()).toEqual(ofA);

    change();
    const ofB = ownedBy(owners, 'b');
    b.running.process.kill('SIGKILL');
    owners = await fleet.agreed(c);
    expect(openedByC()).toEqual(ofB.sort());

    const d = await fleet.start('d');
    await until('the newcomer has its share', async () => {
      owners = await fleet.agreed(c, d);
      return ownedBy(owners, 'd').length === 3;
    });
    c.running.process.kill('SIGSTOP');
    change();
    await fleet.agreed(d);
    change();
    c.running.process.kill('SIGCONT');
    // Until it hears of it, it takes itself for a member.
    await until('the sleeper is told', () => c.lines('cluster.evicted').length > 0);
    await until('the sleeper is back in the group', async () => (await c.cluster()).members.length === 2);
    expect(c.lines('cluster.evicted')).toHaveLength(1);
    owners = await fleet.agreed(c, d);
    // A member that is replaced is no reason to end the process.
    expect(c.running.process.exitCode).toBeNull();

    const [account, owner] = [...owners][0]!;
    const other = owner === 'c' ? d : c;
    expect((await fleet.command('move', account, '--to', other.name)).code).toBe(0);
    await until('the account has moved', async () => (await fleet.agreed(c, d)).get(account) === other.name);

    const taken = fleet.simulators.find(({ accountId }) => String(accountId) === account)!;
    const refused = await fleet.outsider(taken, '--once');
    expect(await refused.ended).toMatchObject({ code: 78, output: expect.stringContaining('cluster.owned') });
    const checked = JSON.parse((await fleet.command('check', '--alone', '--json')).output) as {
      findings: CheckFinding[];
    };
    expect(aboutGroup(checked.findings)).toEqual(['group ok', 'member ok', 'member ok']);
    const outsider = await fleet.outsider(taken, '--take-over');
    await until('it is left to the outsider', async () => (await other.cluster()).taken.includes(account));
    outsider.process.kill('SIGTERM');
    expect((await outsider.ended).code).toBe(143);
    await until('it is back', async () => {
      await fleet.agreed(c, d);
      return (await Promise.all([c.cluster(), d.cluster()])).every(({ taken: still }) => still.length === 0);
    });
    const shown = JSON.parse((await fleet.command('fleet', '--json')).output) as { accounts: { owner: string }[] };
    expect(shown.accounts.map((each) => each.owner).sort()).toEqual([...(await fleet.agreed(c, d)).values()].sort());

    await fleet.isRight();
  },
  HANGS_MS,
);
