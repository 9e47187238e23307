// The group of instances for people and probes: log lines of its events, and what its state means for readiness. Pure.
import { counted } from '../base/words.ts';
import type { ClusterEvent, ClusterStatus } from '../cluster/status.ts';
import type { AccountStatus } from '../engine/status.ts';
import type { Logger } from './log.ts';
import { type Concern, type Readiness, readiness } from './readiness.ts';

/** The level and sentence of an event of the group. */
export function clusterLine(event: ClusterEvent): {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
} {
  switch (event.name) {
    case 'cluster.assigned': {
      const { accounts, members, leader, term, unassigned } = event;
      const rest = unassigned > 0 ? `; ${counted(unassigned, 'account')} without an owner` : '';
      const message = `runs ${counted(accounts, 'account')} as one of ${counted(members, 'member')} (term ${term}, leader ${leader})${rest}`;
      return { level: unassigned > 0 ? 'warn' : 'info', message };
    }
    case 'cluster.evicted':
      return {
        level: 'warn',
        message: `the group went on without this instance (${event.reason}): its accounts are closed here`,
      };
    case 'cluster.away':
      return { level: 'warn', message: `no coordinator answers; accounts go on meanwhile: ${event.reason}` };
    case 'cluster.back':
      return { level: 'info', message: `the coordinator answers again, after ${Math.round(event.awayMs / 1000)} s` };
    case 'cluster.refused':
      return { level: 'error', message: event.reason };
    case 'cluster.disputed':
      return {
        level: 'error',
        message: `claimed by two members: ${event.accounts.join(', ')}; one of them keeps each`,
      };
    case 'cluster.died':
      return { level: 'error', message: `the thread of the group has ended: ${event.reason}` };
    case 'cluster.opened': {
      const { ms, unownedMs } = event;
      const from = event.from === null ? '' : `, handed over by ${event.from}`;
      const since = unownedMs === null ? '' : `; the last commit before was ${(unownedMs / 1000).toFixed(1)} s ago`;
      return { level: 'info', message: `owned after ${ms} ms${from}${since}` };
    }
    case 'cluster.closed':
      return { level: 'info', message: 'closed here' };
    case 'cluster.lost': {
      const what = event.to === 'outsider' ? 'it is left to them until they are done with it' : 'another round decides';
      return { level: 'warn', message: `taken over by ${event.by}; ${what}` };
    }
    case 'cluster.accounts_changed': {
      const { added, removed, renewed } = event;
      return {
        level: 'info',
        message: `the accounts were read again: ${added} added, ${removed} removed, ${renewed} changed`,
      };
    }
    case 'cluster.accounts_unreadable':
      return {
        level: 'error',
        message: `the accounts could not be read again, those of before go on: ${event.reason}`,
      };
  }
}

export function logCluster(log: Logger): (event: ClusterEvent) => void {
  return (event) => {
    const { name, ...fields } = event;
    const { level, message } = clusterLine(event);
    log[level]({ event: name, ...fields }, message);
  };
}

/**
 * A member is ready when an assignment is in force and every account of it was opened once, or is refused with a reason: a rolling
 * restart must not wait for Harvest, and no restart mends what others refuse. A member without accounts is ready: it stands by.
 */
export function clusterReadiness(cluster: ClusterStatus, accounts: readonly AccountStatus[]): Readiness {
  const { reasons, notes } = readiness(accounts);
  const isOpening = ({ account, state }: Concern) => state === 'opening' && cluster.moving.includes(account);
  const obstacles = reasons.filter(isOpening);
  const rest = reasons.filter((finding) => !isOpening(finding));
  const unassigned = cluster.unassigned.map(({ account, why }) => {
    return {
      account,
      state: 'unassigned',
      reason: why,
      remedy: 'Give it to an instance that stays: harvest.accounts.',
    };
  });
  if (!cluster.isMember) {
    const { reason, remedy } = cluster;
    obstacles.push({
      account: '',
      state: 'no member',
      reason: reason ?? 'the group has given no assignment yet',
      remedy,
    });
  } else if (cluster.reason !== null) {
    rest.push({ account: '', state: 'no coordinator', reason: cluster.reason, remedy: cluster.remedy });
  }
  return { ready: obstacles.length === 0, reasons: obstacles, notes: [...rest, ...notes, ...unassigned] };
}

/** Every account that the group knows, with its owner and where that shows its status. */
export function fleetView({ members, unassigned, term, leader, group }: ClusterStatus) {
  const owned = members.flatMap(({ name, url, zone, accounts }) =>
    accounts.map((account) => ({ account, owner: name, url, zone, why: null as string | null })),
  );
  const without = unassigned.map(({ account, why }) => ({ account, owner: null, url: null, zone: null, why }));
  const accounts = [...owned, ...without].sort((a, b) => (a.account < b.account ? -1 : 1));
  return { group, term, leader, accounts };
}
