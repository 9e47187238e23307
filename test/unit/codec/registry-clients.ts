// A registry in process and clients of it, for which a wait is over at once. Both end with the test.
import { afterEach, beforeEach, expect } from 'vitest';
import { createRegistryClient, type RegistryClient } from '../../../src/codec/registry.ts';
import type { RegistryClientOptions } from '../../../src/codec/registry-client.ts';
import { schemas } from '../../support/codec.ts';
import { type RegistryStub, startRegistryStub } from '../../support/registry-stub.ts';
import { skippingClock } from '../../support/skipping-clock.ts';

export const SCHEMA = { type: 'record', name: 'R', fields: [{ name: 'id', type: 'long' }] };
export const OPTIONS = { schemas, prefix: 'harvest', mode: 'precise', keyFormat: 'avro' } as const;

export let stub: RegistryStub;
export let client: RegistryClient;
const started: RegistryClient[] = [];

/** Call it once in a file of tests: each begins with a registry of its own. */
export function registryForEach(): void {
  beforeEach(async () => {
    stub = await startRegistryStub();
    renewClient();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.close()));
    await stub.close();
  });
}

/** From here on `client` is one that remembers nothing. */
export function renewClient(): void {
  client = clientOf();
}

/** A client of it. */
export function clientOf(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const made = createRegistryClient({ urls: [stub.url], clock: skippingClock(), random: () => 0.5, ...options });
  started.push(made);
  return made;
}

export function failure(code: string, message: RegExp | string) {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}
