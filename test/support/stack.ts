// How a test reaches a real broker and registry: the shared ones of the run, or its own when it wants to kill them.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { type Broker, type BrokerOptions, startBroker } from '../../lab/stack/broker.ts';

/** The broker and registry that the whole run shares: never kill them, and keep to your own topics. */
export function sharedStack(): { bootstrap: string; registryUrl: string } {
  return { bootstrap: inject('bootstrap'), registryUrl: inject('registryUrl') };
}

/** A topic prefix, consumer group or transactional id that no other test uses. */
export function uniquePrefix(): string {
  return `t${randomBytes(5).toString('hex')}`;
}

/** A folder that is removed when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'harvest-kafka-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A broker of the test's own, to kill and pause; it is gone when the test is over. Call it inside a test. */
export async function ownBroker(options: Partial<BrokerOptions> = {}): Promise<Broker> {
  const broker = await startBroker({ dataDir: await temporaryFolder(), ...options });
  onTestFinished(() => broker.kill());
  return broker;
}
