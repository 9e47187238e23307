// One owner's time with an account of the fleet: the real engine and client between the account's made-up Harvest and its log.
import type { Random } from '../../../../src/base/clock.ts';
import { Secret } from '../../../../src/base/secret.ts';
import { Account } from '../../../../src/engine/account.ts';
import type { Emit } from '../../../../src/engine/events.ts';
import type { Batch } from '../../../../src/engine/ports.ts';
import { createSource } from '../../../../src/harvest/client.ts';
import type { Membership } from '../../../../src/kafka/ownership.ts';
import { testCodec } from '../../codec.ts';
import type { CommitFate } from '../../memory-log.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import { Line } from '../line.ts';
import type { Mortal } from '../mortal.ts';
import { ID_HOST, TEST_HOST } from '../plan.ts';
import type { Writer } from './signed-log.ts';
import { createSignedSink } from './signed-sink.ts';
import type { Site } from './site.ts';

export interface SimulatedTenureParts {
  readonly site: Site;
  /** Of its process. */
  readonly name: string;
  readonly instance: string;
  readonly membership?: Membership;
  readonly clock: VirtualClock;
  readonly mortal: Mortal;
  readonly random: Random;
  readonly emit: Emit;
  readonly fate: (batch: Batch) => CommitFate;
  readonly broken: string[];
}

/** Compiling the schemas takes longer than a whole schedule. */
let codec: ReturnType<typeof testCodec> | undefined;

export interface SimulatedTenure {
  readonly account: Account;
  readonly writer: Writer;
}

export function simulatedTenure(parts: SimulatedTenureParts): SimulatedTenure {
  const { site, name, instance, membership, mortal, random, emit, fate, broken } = parts;
  const { plan, simulator, door, log } = site;
  codec ??= testCodec();
  const clock = mortal.on(parts.clock);
  const latency = () => Math.round(random() * plan.latencyMs);
  const line = new Line({ door, clock: parts.clock, mortal, latency, broken });
  site.lines.push(line);
  const source = createSource({
    ...{ baseUrl: `http://${TEST_HOST}/v2`, idBaseUrl: `http://${ID_HOST}`, userAgent: 'harvest-kafka tests' },
    ...{ accountId: simulator.accountId, credential: { accessToken: new Secret(simulator.token) } },
    ...{ budgets: plan.budgets, pageRows: plan.pageRows, clock, random, emit, transport: line.transport },
    onLeaseLow: () => account.onLeaseLow(),
  });
  const common = { name, accountId: site.id, instance, log, mortal, clock, latency, fate };
  const sink = createSignedSink({ ...common, ...(membership && { membership }) });
  const account = new Account({
    settings: {
      ...{ accountId: simulator.accountId, overlapMs: 300_000, grain: plan.grain, startDate: null, endDate: null },
      ...{ hold: plan.hold, pollTimers: false, polling: plan.polling, restateMs: 300_000 },
    },
    ...{ source, codec, sink, clock, random, emit },
    streams: plan.streams.map((definition) => ({ definition, intervals: plan.intervals })),
  });
  return { account, writer: sink.writer };
}
