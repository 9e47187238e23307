// Several accounts in one process, before any of them has found a broker: what one waits for or ends with is its own.
import { expect, onTestFinished, test } from 'vitest';
import { systemRandom } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Daemon } from '../../src/daemon.ts';
import type { PublisherEvent } from '../../src/engine/events.ts';
import { clockFrom } from '../support/epoch.ts';
import { startRegistryStub } from '../support/registry-stub.ts';
import { json, scripted } from './harvest/scripted-harvest.ts';

/** A daemon of two accounts on a registry of its own, and no broker. */
async function twoAccounts() {
  const registry = await startRegistryStub();
  onTestFinished(() => registry.close());
  const harvest = await scripted((response) => json(response, { id: 1 }));
  const config = loadConfig({
    text: 'harvest: {accounts: [{id: "1", access_token: t}, {id: "2", access_token: t}]}',
    overrides: [
      ...[`harvest.base_url=${harvest.url}`, `schema_registry.url=${registry.url}`],
      ...['kafka.brokers=127.0.0.1:1', 'topics.prefix=h{account_id}'],
    ],
  });
  const events: [string, PublisherEvent][] = [];
  const daemon = new Daemon(config, {
    clock: clockFrom(),
    random: systemRandom,
    uuid: () => 'instance',
    emit: (account, event) => events.push([account, event]),
    log: () => {},
  });
  const stop = new AbortController();
  const run = () => daemon.run(stop.signal, { once: false, only: null });
  const phases = () => daemon.status().map(({ accountId, phase, reason }) => `${accountId} ${phase} ${reason}`);
  return { registry, daemon, run, stop, events, phases };
}

const PATIENTLY = { timeout: 20_000, interval: 20 };
const OTHER = { type: 'record', name: 'Other', fields: [{ name: 'id', type: 'string' }] };

test('a subject that does not take the schema ends its account alone [P9]', async () => {
  const { registry, daemon, run, stop, events, phases } = await twoAccounts();
  registry.subjects.set('h2.clients-value', [JSON.stringify(OTHER)]);
  const ended = run();
  await expect
    .poll(phases, PATIENTLY)
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
  const { registry, run, stop, events, phases } = await twoAccounts();
  registry.interfere = () => ({ status: 429, body: '', headers: { 'retry-after': '600' } });
  const ended = run();
  await expect
    .poll(phases, PATIENTLY)
    .toEqual(['1', '2'].map((id) => expect.stringMatching(`^${id} waiting .*answered 429, no request for \\d+ s`)));
  const first = events.find(([, { name }]) => name === 'account.waiting')![1];
  expect(first).toMatchObject({ code: 'registry.throttled', retryInMs: 600_000 });
  stop.abort();
  await ended;
});
