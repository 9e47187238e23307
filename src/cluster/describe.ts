// A group as its coordinator knows it, for whoever is no member: no instance has to be asked or reachable.
import type Cluster from 'kafkajs/src/cluster/index.js';
import { type Pace, until } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { Brokers } from '../kafka/brokers.ts';
import type { KafkaSettings, Log } from '../kafka/connection.ts';
import { translate } from '../kafka/failures.ts';
import { type Assignment, decodeAssignment, decodeMetadata, type Metadata } from './protocol.ts';

export interface DescribedMember {
  readonly memberId: string;
  readonly host: string;
  /** Its own words; null when this version cannot read them. */
  readonly metadata: Metadata | null;
  /** The words of the leader to it; null while the members join anew. */
  readonly assignment: Assignment | null;
}

/** A round takes seconds; what it leaves behind is worth waiting for. */
const ROUND_PACE: Pace = { baseMs: 300, mostMs: 300, patienceMs: 5_000 };

/** The members of a group as of now, none when nobody is in it. Throws PublisherError `kafka.*`. */
export async function describeGroup(
  kafka: KafkaSettings,
  groupId: string,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<readonly DescribedMember[]> {
  const brokers = new Brokers(kafka, clock, log);
  try {
    let seen: readonly DescribedMember[] = [];
    const isStill = async () => {
      const describe = async (cluster: Cluster) =>
        (await cluster.findGroupCoordinator({ groupId })).describeGroups({ groupIds: [groupId] });
      const { groups } = await brokers.ask(describe, { signal });
      const { state, members } = groups[0]!;
      seen = members.map(({ memberId, clientHost, memberMetadata, memberAssignment }) => ({
        ...{ memberId, host: clientHost, metadata: decodeMetadata(memberMetadata) },
        assignment: decodeAssignment(memberAssignment),
      }));
      return ['Stable', 'Empty', 'Dead'].includes(state) || null;
    };
    await until(isStill, ROUND_PACE, { clock, signal });
    return seen;
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, `asking for group ${groupId}`, { brokers: brokers.names, prefix: '', groupId });
  } finally {
    brokers.close();
  }
}
