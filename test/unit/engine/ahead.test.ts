// The next page of a walk is asked for while the one before is published, so that neither Harvest nor the log waits for the other.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { account, benchAccount, falseChanges, viewDifferences } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';

const STREAMS = ['company', 'time_entries'];
const PAGE_ROWS = 10;
const PAGES = 4;

function scene() {
  const { simulator } = account({ timeEntries: PAGE_ROWS * PAGES, years: 0.1 });
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log, { streams: STREAMS, source: { pageRows: PAGE_ROWS } });
  const asked = () => simulator.log.all().filter(({ target }) => /time_entries.*[?&]per_page=10\b/.test(target)).length;
  return { simulator, log, bench, asked };
}

test('while a page of a snapshot is committed, the next is asked for, and no page twice', async () => {
  const { simulator, log, bench, asked } = scene();
  const commit = bench.sink.commit.bind(bench.sink);
  const askedAtCommits: number[] = [];
  bench.sink.commit = async (batch) => {
    await turn();
    if (batch.messages.some(({ stream }) => stream === 'time_entries')) askedAtCommits.push(asked());
    return commit(batch);
  };
  await bench.catchUp();
  expect(askedAtCommits).toEqual([2, 3, 4, 4]);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});

test('a page that was asked for ahead and is lost with its session is asked for again [P1] [P2]', async () => {
  const { simulator, log, bench } = scene();
  let commits = 0;
  bench.sink.fate = () => (++commits === 4 ? 'reply lost' : 'acknowledged');
  await bench.catchUp();
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
  expect(falseChanges(log)).toEqual([]);
});

test('a page that fails when it is asked for ahead is a failure of its own step', async () => {
  const { simulator, log, bench } = scene();
  // More than the client repeats by itself.
  simulator.faults.add({ match: { path: 'time_entries.*page=3', times: 5 }, do: { kind: 'status', status: 500 } });
  await bench.catchUp();
  const retries = bench.events.filter(({ name }) => name === 'stream.retrying');
  expect(retries).toHaveLength(1);
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});
