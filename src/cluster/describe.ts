// A group as its coordinator knows it, for whoever is no member: no instance has to be asked or reachable.
import type { Broker } from 'kafkajs/src/cluster/index.js';
import { type Pace, until } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { PublisherError } from '../base/errors.ts';
import { Brokers } from '../kafka/brokers.ts';
import type { KafkaSettings, Log } from '../kafka/connection.ts';
import { answeredWith, translate } from '../kafka/failures.ts';
import { refusal, verdictOf } from './coordinator.ts';
import { type Assignment, decodeAssignment, decodeMetadata, type Metadata, PROTOCOL_TYPE } from './protocol.ts';

export interface DescribedMember {
  readonly memberId: string;
  readonly host: string;
  /** Its own words; null when this version cannot read them. */
  readonly metadata: Metadata | null;
  /** The words of the leader to it; null while the members join anew. */
  readonly assignment: Assignment | null;
}

export interface DescribeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A round takes seconds; what it leaves behind is worth waiting for. */
const ROUND_PACE: Pace = { baseMs: 300, mostMs: 300, patienceMs: 5_000 };

/** The members of a group as of now, none when nobody is in it. Throws PublisherError `kafka.*`. */
export async function describeGroup(
  kafka: KafkaSettings,
  groupId: string,
  parts: DescribeParts,
): Promise<readonly DescribedMember[]> {
  const { members } = await asked(kafka, groupId, parts, (coordinator) => described(coordinator, groupId, parts));
  return members;
}

/** The same, of a group that would take an instance with these rights as a member. Throws `cluster.refused` besides. */
export async function inspectGroup(
  kafka: KafkaSettings,
  groupId: string,
  parts: DescribeParts,
): Promise<readonly DescribedMember[]> {
  return asked(kafka, groupId, parts, async (coordinator) => {
    const { members, protocolType } = await described(coordinator, groupId, parts);
    if (members.length > 0 && protocolType !== PROTOCOL_TYPE) {
      throw Object.assign(new Error(`group of ${protocolType}`), { type: 'INCONSISTENT_GROUP_PROTOCOL' });
    }
    await tryRead(coordinator, groupId);
    return members;
  });
}

/** Whether an instance of the group could run the account. A group that must not be asked keeps nobody away: the log decides. */
export async function couldRun(
  account: string,
  kafka: KafkaSettings,
  groupId: string,
  parts: DescribeParts,
): Promise<boolean> {
  try {
    const members = await describeGroup(kafka, groupId, parts);
    return members.some(({ metadata }) => metadata?.accounts.includes(account));
  } catch (error) {
    if ((error as PublisherError).code !== 'kafka.unauthorised') throw error;
    parts.log('warn', `whether group ${groupId} runs account ${account} could not be asked`, {});
    return false;
  }
}

/** A heartbeat of nobody changes nothing, and is refused for want of the right before anything else. */
async function tryRead(coordinator: Broker, groupId: string): Promise<void> {
  try {
    await coordinator.heartbeat({ groupId, groupGenerationId: 0, memberId: 'nobody' });
  } catch (error) {
    if (answeredWith(error) === 'GROUP_AUTHORIZATION_FAILED') throw error;
  }
}

async function described(
  coordinator: Broker,
  groupId: string,
  { clock, signal }: DescribeParts,
): Promise<{ readonly protocolType: string; readonly members: readonly DescribedMember[] }> {
  let seen = { protocolType: '', members: [] as readonly DescribedMember[] };
  const isStill = async () => {
    const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
    const { state, members, protocolType } = groups[0]!;
    const told = members.map(({ memberId, clientHost, memberMetadata, memberAssignment }) => ({
      ...{ memberId, host: clientHost, metadata: decodeMetadata(memberMetadata) },
      assignment: decodeAssignment(memberAssignment),
    }));
    seen = { protocolType, members: told };
    return ['Stable', 'Empty', 'Dead'].includes(state) || null;
  };
  await until(isStill, ROUND_PACE, { clock, signal });
  return seen;
}

async function asked<Answer>(
  kafka: KafkaSettings,
  groupId: string,
  { clock, log, signal }: DescribeParts,
  ask: (coordinator: Broker) => Promise<Answer>,
): Promise<Answer> {
  const brokers = new Brokers(kafka, clock, log);
  try {
    return await brokers.ask(async (cluster) => ask(await cluster.findGroupCoordinator({ groupId })), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (verdictOf(error) === 'refused') throw refusal(error, groupId, brokers.names);
    throw translate(error, `asking for group ${groupId}`, { brokers: brokers.names, prefix: '', groupId });
  } finally {
    brokers.close();
  }
}
