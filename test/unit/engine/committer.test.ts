// One commit after the other, also at the end.
import { expect, test } from 'vitest';
import { createSimulator } from '../../../lab/simulator/index.ts';
import { Committer } from '../../../src/engine/committer.ts';
import type { Sink } from '../../../src/engine/ports.ts';
import { simulatedSource } from '../../support/account.ts';
import { createMemorySink, MemoryLog } from '../../support/memory-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('a lease that runs out while the last commit is under way starts no commit beside it [P4]', async () => {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const inner = createMemorySink(log);
  let underWay = 0;
  let most = 0;
  const sink: Sink = {
    ...inner,
    commit: async (batch) => {
      most = Math.max(most, ++underWay);
      await clock.sleep(1000);
      await inner.commit(batch);
      underWay--;
    },
  };
  const source = simulatedSource(createSimulator({ timeEntries: 5, now: clock.now }), { clock, onLeaseLow: () => {} });
  await sink.open({ reset: () => {}, record: () => {} }, new AbortController().signal);
  for (const budget of source.budgets) budget.restore(null);
  const failures: unknown[] = [];
  const committer = new Committer({
    accountId: 1,
    sink,
    source,
    clock,
    emit: () => {},
    onProgress: () => {},
    onFailure: (reason) => failures.push(reason),
  });
  const finished = committer.finish();
  await clock.pass(500);
  committer.storeBudgets();
  await clock.pass(5000);
  await finished;
  await committer.idle();
  expect({ most, failures, rows: [...log.rows.keys()] }).toEqual({ most: 1, failures: [], rows: ['budgets'] });
  await source.close();
});

test('the last batch of a session that ends well releases the account, and no other does [P11]', async () => {
  const clock = new VirtualClock();
  const inner = createMemorySink(new MemoryLog());
  const batches: boolean[] = [];
  const sink: Sink = {
    ...inner,
    commit: async (batch) => {
      batches.push(batch.isLast ?? false);
      await inner.commit(batch);
    },
  };
  const source = simulatedSource(createSimulator({ timeEntries: 5, now: clock.now }), { clock, onLeaseLow: () => {} });
  await sink.open({ reset: () => {}, record: () => {} }, new AbortController().signal);
  for (const budget of source.budgets) budget.restore(null);
  const none = () => {};
  const committer = new Committer({
    ...{ accountId: 1, sink, source, clock, emit: none, onProgress: none, onFailure: none },
  });
  committer.storeBudgets();
  await committer.idle();
  await committer.finish();
  expect(batches).toEqual([false, true]);
  await source.close();
});
