// The group's coordinator, reached over kafkajs' connections: the four requests of a member, and what a failure of one means. Finds
// the coordinator anew after anything that may mean that it moved.
import type { Broker } from 'kafkajs/src/cluster/index.js';
import joinGroup from 'kafkajs/src/protocol/requests/joinGroup/index.js';
import { type Clock, systemClock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { type Connection, createConnection, type KafkaSettings, type Log } from '../kafka/connection.ts';
import { answeredWith, translate } from '../kafka/failures.ts';
import { PROTOCOL, PROTOCOL_TYPE } from './protocol.ts';

export interface Joined {
  readonly memberId: string;
  readonly generation: number;
  readonly leaderId: string;
  /** The words of each member, by its id; empty for all but the leader. */
  readonly members: ReadonlyMap<string, Buffer>;
}

export interface Coordinator {
  /** A new member has no id yet, and hears of it before the round is over: whoever goes meanwhile can leave under it. */
  join(memberId: string, metadata: Buffer, onId: (memberId: string) => void): Promise<Joined>;
  /** The leader hands in what each member is told, the others nothing; answers with what this one is told. */
  sync(joined: Joined, assignments: ReadonlyMap<string, Buffer>): Promise<Buffer>;
  beat(joined: Joined): Promise<void>;
  leave(memberId: string): Promise<void>;
  /** The coordinator may be another one now, or not answer: it is looked for with the next request. */
  forget(): void;
}

/**
 * - again:   another round has begun, or this one is over: join it
 * - evicted: the coordinator does not know this member any more
 * - away:    no coordinator that works: nothing has been said about the member
 * - refused: waiting does not help
 */
export type Verdict = 'again' | 'evicted' | 'away' | 'refused';

const VERDICTS: Readonly<Record<string, Verdict>> = {
  REBALANCE_IN_PROGRESS: 'again',
  ILLEGAL_GENERATION: 'again',
  UNKNOWN_MEMBER_ID: 'evicted',
  INCONSISTENT_GROUP_PROTOCOL: 'refused',
  GROUP_AUTHORIZATION_FAILED: 'refused',
  GROUP_MAX_SIZE_REACHED: 'refused',
  INVALID_SESSION_TIMEOUT: 'refused',
  INVALID_GROUP_ID: 'refused',
};

export function verdictOf(error: unknown): Verdict {
  return VERDICTS[answeredWith(error)] ?? 'away';
}

export interface CoordinatorOptions {
  readonly kafka: KafkaSettings;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly log: Log;
  readonly clock?: Clock;
}

/** So much longer than the members may take a round may take. */
const ROUND_MARGIN_MS = 5_000;
const JOIN_GROUP = 11;

export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { kafka, groupId, sessionTimeoutMs, log, clock = systemClock } = options;
  let connection: Connection | null = null;
  let broker: Broker | null = null;
  // A request that is not answered for half a session is given up while there is time for another.
  const patienceMs = sessionTimeoutMs / 2;

  return {
    async join(memberId, metadata, onId) {
      const answer = await ask(2 * sessionTimeoutMs + ROUND_MARGIN_MS, async ({ lookupRequest, connectionPool }) => {
        const request = lookupRequest(JOIN_GROUP, joinGroup);
        const joinAs = (memberId: string) =>
          connectionPool.send(
            request({
              ...{ groupId, memberId, sessionTimeout: sessionTimeoutMs, rebalanceTimeout: sessionTimeoutMs },
              protocolType: PROTOCOL_TYPE,
              groupProtocols: [{ name: PROTOCOL, metadata }],
            }),
          );
        try {
          return await joinAs(memberId);
        } catch (error) {
          // What kafkajs' own `joinGroup` does unseen: the coordinator gives a new member its id first, and from then on waits
          // for it for a session, be it gone or not.
          if (!isIdGiven(error)) throw error;
          onId(error.memberId);
          return joinAs(error.memberId);
        }
      });
      const members = new Map(answer.members.map((each) => [each.memberId, each.memberMetadata]));
      return { memberId: answer.memberId, generation: answer.generationId, leaderId: answer.leaderId, members };
    },
    async sync({ memberId, generation }, assignments) {
      const groupAssignment = [...assignments].map(([id, memberAssignment]) => ({ memberId: id, memberAssignment }));
      // A member that is no leader waits until the leader has spoken.
      const answer = await ask(sessionTimeoutMs + ROUND_MARGIN_MS, (broker) =>
        broker.syncGroup({ groupId, generationId: generation, memberId, groupAssignment }),
      );
      return answer.memberAssignment;
    },
    async beat({ memberId, generation }) {
      await ask(patienceMs, (broker) => broker.heartbeat({ groupId, groupGenerationId: generation, memberId }));
    },
    async leave(memberId) {
      await ask(patienceMs, (broker) => broker.leaveGroup({ groupId, memberId }));
    },
    forget,
  };

  function forget(): void {
    connection?.sever();
    connection = null;
    broker = null;
  }

  async function ask<Answer>(ms: number, request: (broker: Broker) => Promise<Answer>): Promise<Answer> {
    broker ??= await within(patienceMs, find());
    return within(ms, request(broker));
  }

  async function find(): Promise<Broker> {
    connection = createConnection(kafka, log);
    const cluster = connection.cluster();
    await cluster.connect();
    return cluster.findGroupCoordinator({ groupId });
  }

  async function within<Answer>(ms: number, work: Promise<Answer>): Promise<Answer> {
    let cancel = () => {};
    const overdue = new Promise<never>((_, reject) => {
      cancel = clock.after(ms, () =>
        reject(new Error(`the coordinator of group ${groupId} did not answer in ${ms} ms`)),
      );
    });
    work.catch(() => {});
    try {
      return await Promise.race([work, overdue]);
    } finally {
      cancel();
    }
  }
}

/** The answer to the first request of a new member. */
function isIdGiven(error: unknown): error is Error & { readonly memberId: string } {
  return error instanceof Error && error.name === 'KafkaJSMemberIdRequired';
}

/** The failure that a member that is refused tells. */
export function refusal(error: unknown, groupId: string, brokers: string): PublisherError {
  const type = answeredWith(error);
  if (type === 'GROUP_AUTHORIZATION_FAILED') {
    return translate(error, `joining group ${groupId}`, { brokers, prefix: '', groupId });
  }
  const why: Readonly<Record<string, string>> = {
    INCONSISTENT_GROUP_PROTOCOL: 'others use it for something else, a consumer for one',
    GROUP_MAX_SIZE_REACHED: 'it is full (group.max.size of the broker)',
    INVALID_SESSION_TIMEOUT:
      'the broker does not take cluster.session_timeout_seconds (group.min.session.timeout.ms, group.max.session.timeout.ms)',
  };
  const reason = why[type] ?? (error instanceof Error ? error.message : String(error));
  return new PublisherError(
    'cluster.refused',
    `group ${groupId} does not take this member: ${reason} (brokers ${brokers})`,
    {
      cause: error,
    },
  );
}
