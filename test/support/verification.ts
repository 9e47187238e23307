// A comparison of the simulator with a log in memory: the real client, codec and index, and a clock whose pauses a test fills.

import type { Simulator } from '../../lab/simulator/index.ts';
import type { TopicRecord } from '../../src/engine/ports.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { differs, type StreamFinding } from '../../src/verify/finding.ts';
import type { TopicLog } from '../../src/verify/topic-view.ts';
import { type Requests, Verification, type VerificationOptions } from '../../src/verify/verification.ts';
import { clockOf, simulatedSource } from './account.ts';
import { testCodec } from './codec.ts';
import type { MemoryLog } from './memory-log.ts';

export interface Verified {
  readonly expected: Requests;
  readonly asked: number;
  readonly findings: readonly StreamFinding[];
  /** The differences, as `stream kind id`; count checks as `stream counts harvest/topic`. */
  readonly differences: readonly string[];
  of(stream: string): StreamFinding;
}

export async function verified(
  simulator: Simulator,
  log: MemoryLog,
  options: Partial<VerificationOptions> & {
    readonly only?: readonly string[];
    /** Called while the comparison waits for its second look. */
    readonly meanwhile?: () => void | Promise<void>;
  } = {},
): Promise<Verified> {
  const { only, meanwhile, ...rest } = options;
  const verification = new Verification({
    streams: catalog.filter(({ name }) => only?.includes(name) ?? true),
    catalog,
    source: simulatedSource(simulator),
    codec: testCodec(),
    log: memoryTopicLog(log),
    isEnabled: () => true,
    stateRows: async () => log.rows,
    settings: { accountId: simulator.accountId, startDate: null, endDate: null, grain: 'month' },
    sample: null,
    patienceMs: () => 60_000,
    withValues: false,
    clock: { ...clockOf(simulator), sleep: async () => meanwhile?.() },
    random: () => 0,
    signal: new AbortController().signal,
    ...rest,
  });
  const expected = await verification.prepare();
  const findings = await verification.run();
  const { asked } = verification.progress;
  const differences = findings
    .filter(differs)
    .flatMap(({ stream, missing, extra, stale, count }) => [
      ...missing.map((id) => `${stream} missing ${id}`),
      ...extra.map((id) => `${stream} extra ${id}`),
      ...stale.map(({ id }) => `${stream} stale ${id}`),
      ...(count && count.harvest !== count.topic ? [`${stream} counts ${count.harvest}/${count.topic}`] : []),
    ]);
  return { expected, asked, findings, differences, of: (name) => findings.find(({ stream }) => stream === name)! };
}

function memoryTopicLog(log: MemoryLog): TopicLog {
  const read = new Map<string, number>();
  const records = (stream: string): readonly TopicRecord[] => log.topics.get(stream) ?? [];
  return {
    async news(stream, restore) {
      const from = read.get(stream) ?? 0;
      read.set(stream, records(stream).length);
      for (const record of records(stream).slice(from)) await restore.record(stream, record);
    },
    async all(stream, onRecord) {
      for (const record of records(stream)) onRecord(record);
    },
  };
}
