// A machine whose clock ran ahead and is set right: what was put off by the wrong clock is not put off until it is late.
import { expect, test } from 'vitest';
import { MemoryLog } from '../../../src/lab/memory-sink.ts';
import { createSimulator } from '../../../src/lab/simulator/index.ts';
import { benchAccount } from '../../support/account.ts';
import { evidenceOf, judge } from '../../support/oracle.ts';
import { MachineClock, VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const streams = ['company', 'users', 'time_entries', 'invoices', 'invoice_messages', 'time_clients'];
const intervals = { pollMs: MINUTE, tallyMs: MINUTE, censusMs: 5 * MINUTE };

test.each([
  ['a running daemon reads, counts and takes its censuses', false],
  ['a restarted one too', true],
])('after a clock that was a day ahead is set right, %s', async (_, isRestarted) => {
  const clock = new VirtualClock();
  const machine = new MachineClock(clock);
  machine.offMs = DAY;
  const simulator = createSimulator({
    timeEntries: 40,
    years: 0.3,
    now: clock.now,
    budgets: { general: null, reports: null },
  });
  const log = new MemoryLog();
  const begin = () => {
    const stop = new AbortController();
    const { account } = benchAccount(simulator, log, { clock: machine, streams, intervals });
    return { ended: account.run(stop.signal), stop };
  };
  let daemon = begin();
  await clock.pass(10 * MINUTE);
  machine.offMs = 0;
  if (isRestarted) {
    daemon.stop.abort();
    await daemon.ended;
    daemon = begin();
  }
  const { time_entries: entries, invoice_messages: messages, users } = simulator.data;
  for (const { id, timer_started_at } of entries.all()) if (timer_started_at !== null) entries.stop(id);
  entries.update(entries.all()[0]!.id, { hours: 3.25 });
  entries.drop(entries.all()[1]!);
  messages.drop(messages.all()[0]!);
  // Nothing but a census tells this.
  const { updated_at } = users.all()[0]!;
  users.update(users.all()[0]!.id, { first_name: 'Renamed' });
  Object.assign(users.all()[0]!, { updated_at });
  await clock.pass(12 * MINUTE);
  daemon.stop.abort();
  await clock.pass(MINUTE);
  await daemon.ended;
  expect((await judge(simulator, evidenceOf(log), { streams })).differences).toEqual([]);
});
