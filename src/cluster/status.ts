// The group as one instance knows it: for /status, /fleet, readiness and metrics. Plain data.
import type { FleetMember, Unassigned } from './protocol.ts';

export interface ClusterStatus {
  readonly group: string;
  /** The name of this instance within the group; null before it has an assignment. */
  readonly member: string | null;
  readonly term: number;
  readonly generation: number;
  readonly leader: string | null;
  readonly members: readonly FleetMember[];
  readonly unassigned: readonly Unassigned[];
  /** Accounts of this instance on their way in or out. */
  readonly moving: readonly string[];
  /** Accounts that somebody outside of the group has taken. */
  readonly taken: readonly string[];
  /** An assignment is in force. */
  readonly isMember: boolean;
  /** Whether the thread that speaks to the coordinator lives. */
  readonly isAlive: boolean;
  /** Why there is no assignment, or that the coordinator does not answer; null when all is well. */
  readonly reason: string | null;
  readonly remedy: string | null;
  /** Last measured. */
  readonly heartbeatMs: number;
  readonly loopLagMs: number;
}

/** Things that happen to the group, as one instance sees them. */
export type ClusterEvent =
  | {
      readonly name: 'cluster.assigned';
      readonly cause: string;
      readonly term: number;
      readonly generation: number;
      readonly leader: string;
      readonly members: number;
      readonly accounts: number;
      readonly unassigned: number;
    }
  | { readonly name: 'cluster.evicted'; readonly reason: string }
  | { readonly name: 'cluster.away'; readonly reason: string }
  | { readonly name: 'cluster.back'; readonly awayMs: number }
  | { readonly name: 'cluster.refused'; readonly code: string; readonly reason: string; readonly remedy: string }
  | { readonly name: 'cluster.disputed'; readonly accounts: readonly string[] }
  | { readonly name: 'cluster.died'; readonly reason: string; readonly remedy: string }
  | {
      readonly name: 'cluster.opened';
      readonly account: string;
      readonly ms: number;
      readonly from: string | null;
      /** From the last commit of the owner before to the signature here; null for the first owner. */
      readonly unownedMs: number | null;
    }
  | { readonly name: 'cluster.closed'; readonly account: string }
  | { readonly name: 'cluster.lost'; readonly account: string; readonly to: 'member' | 'outsider'; readonly by: string }
  | {
      readonly name: 'cluster.accounts_changed';
      readonly added: number;
      readonly removed: number;
      readonly renewed: number;
    }
  | { readonly name: 'cluster.accounts_unreadable'; readonly reason: string };
