// Several accounts in one process, before any of them has found a broker: what one waits for or ends with is its own.
import { expect, test } from 'vitest';
import { waitingDaemon } from './waiting-daemon.ts';

const OTHER = { type: 'record', name: 'Other', fields: [{ name: 'id', type: 'string' }] };

test('a subject that does not take the schema ends its account alone [P9]', async () => {
  const { registry, daemon, run, stop, events, phases } = await waitingDaemon(['t', 't']);
  registry.subjects.set('h2.clients-value', [JSON.stringify(OTHER)]);
  const ended = run();
  await expect
    .poll(phases)
    .toEqual([
      expect.stringMatching(/^1 waiting .*127\.0\.0\.1:1/),
      expect.stringMatching(/^2 stopped h2\.clients-value does not take our schema/),
    ]);
  // Another start of all accounts would not mend it.
  expect(daemon.dead()).toEqual([]);
  expect(events).toContainEqual([
    '2',
    expect.objectContaining({ name: 'account.stopped', code: 'registry.incompatible' }),
  ]);
  stop.abort();
  await expect(ended).rejects.toMatchObject({ code: 'registry.incompatible' });
});

test('a registry that limits us is told of both accounts while they wait [P9]', async () => {
  const { registry, run, stop, events, phases } = await waitingDaemon(['t', 't']);
  registry.interfere = () => ({ status: 429, body: '', headers: { 'retry-after': '600' } });
  const ended = run();
  await expect
    .poll(phases)
    .toEqual(['1', '2'].map((id) => expect.stringMatching(`^${id} waiting .*answered 429, no request for \\d+ s`)));
  const first = events.find(([, { name }]) => name === 'account.waiting')![1];
  expect(first).toMatchObject({ code: 'registry.throttled', retryInMs: 600_000 });
  stop.abort();
  await ended;
});
