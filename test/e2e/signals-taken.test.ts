// The same commands beside a running daemon: it takes what was asked for within seconds and goes on.
import { expect, test } from 'vitest';
import { daemon } from '../support/daemon.ts';
import { readCommitted } from '../support/kafka.ts';
import { FEW_STREAMS, finished, until } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

test('a running daemon takes signals, and a replay brings a new dead letter for what still does not convert [P7]', async () => {
  const where = { ...(await scene({ timeEntries: 20, years: 0.2 })), settings: FEW_STREAMS };
  const [task] = where.simulator.data.tasks.all();
  where.simulator.data.tasks.update(task!.id, { billable_by_default: 'perhaps' as never });
  const letters = async () => (await readCommitted(where.bootstrap, [`${where.prefix}.dead-letters`])).length;
  const running = await daemon(where);
  await until('everything is complete', async () => (await running.readiness()).ready);
  expect(await letters()).toBe(1);

  const lines = [
    'reconcile clients',
    'state reset time_entries --to 2026-01-01',
    'release roles',
    'pause contacts',
    'dead-letters replay',
  ];
  const ends = await Promise.all(lines.map((line) => finished(where, [...line.split(' '), '--wait', '30'])));
  for (const end of ends) {
    expect(end).toMatchObject({ code: 0, errors: '', output: expect.stringMatching(/\nTaken\.\n$/) });
  }
  await until('the second letter', async () => (await letters()) === 2);
  const paused = { state: 'PAUSED', reason: expect.stringMatching(/^paused by \S+@\S+$/) };
  expect(await running.readiness()).toMatchObject({ ready: true, notes: [{ stream: 'contacts', ...paused }] });
  const [account] = await running.accounts();
  expect(account!.streams.find(({ stream }) => stream === 'contacts')).toMatchObject(paused);
  expect(await (await fetch(`${running.address}/metrics`)).text()).toMatch(
    /harvest_kafka_stream_state\{.*stream="contacts",state="PAUSED"\} 1/,
  );
  expect((await finished(where, ['state', 'show'])).output).toMatch(/^contacts +PAUSED /m);
  expect(await finished(where, ['resume', 'all', '--wait', '30'])).toMatchObject({ code: 0 });
  expect((await finished(where, ['state', 'show'])).output).toMatch(/^contacts +RUNNING /m);
  expect((await finished(where, ['state', 'show'])).output).not.toContain('Signals that wait');
});
