// The log in memory keeps the contract of the real one; what only a test can order, its doubts, is tested here alone.
import { expect, test } from 'vitest';
import { batch, forever, Model, message } from '../../support/kafka.ts';
import { createMemorySink, MemoryLog } from '../../support/memory-log.ts';
import { testSinkContract } from '../../support/sink-contract.ts';

testSinkContract(() => {
  const log = new MemoryLog();
  return {
    sink: () => createMemorySink(log),
    committed: async (stream) => (log.topics.get(stream) ?? []).map(({ key, value }) => `${key}=${value}`),
  };
});

test.each([
  ['lost', 0],
  ['reply lost', 1],
] as const)('a commit that was %s is in doubt, and the next opening says which', async (fate, records) => {
  const log = new MemoryLog();
  const sink = createMemorySink(log);
  await sink.open(new Model(), forever);
  sink.fate = () => fate;
  const doubted = batch([message('clients', '1', 'one')], { clients: { cursor: 1 } });
  await expect(sink.commit(doubted)).rejects.toMatchObject({ code: 'kafka.doubt', kind: 'reopen' });
  const opened = await sink.open(new Model(), forever);
  expect(opened.records).toBe(records);
  expect(opened.rows.size).toBe(records);
});
