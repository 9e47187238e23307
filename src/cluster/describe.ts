// A group as its coordinator knows it, for whoever is no member: no instance has to be asked or reachable.
import { type Pace, until } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { createConnection, type KafkaSettings, type Log } from '../kafka/connection.ts';
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
  const connection = createConnection(kafka, log);
  signal.addEventListener('abort', connection.sever);
  try {
    const cluster = connection.cluster();
    await cluster.connect();
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    let seen: readonly DescribedMember[] = [];
    const isStill = async () => {
      const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
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
    throw translate(error, `asking for group ${groupId}`, { brokers: connection.brokers, prefix: '', groupId });
  } finally {
    signal.removeEventListener('abort', connection.sever);
    connection.sever();
  }
}
