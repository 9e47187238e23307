// A broker and a registry together: what the demo, the stack command and the tests run against.

import { join } from 'node:path';
import type { FetchOptions } from './artefacts.ts';
import { type Broker, startBroker } from './broker.ts';
import { type Registry, startRegistry } from './registry.ts';

export interface StackOptions extends FetchOptions {
  /** Holds topics and schemas, and keeps them over restarts. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly brokerPort?: number | undefined;
  /** Default: a free one. */
  readonly registryPort?: number | undefined;
  readonly kafkaVersion?: string | undefined;
  /** Of each; enough for a few accounts when left out. */
  readonly heapMb?: number | undefined;
}

/** Nobody restarts it in a hurry, and on a busy machine it may wait for a processor for seconds. */
const PATIENT = { 'broker.session.timeout.ms': '10000' };

export interface Stack {
  readonly broker: Broker;
  readonly registry: Registry;
  /** Stops both, cleanly. */
  stop(): Promise<void>;
  /** Ends both at once. */
  kill(): Promise<void>;
}

/** Starts both at the same time; when one fails the other is ended. Throws as startBroker and startRegistry. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const failure = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal;
  const abortOthers = (error: unknown): never => {
    failure.abort(error);
    throw error;
  };
  const [broker, registry] = await Promise.allSettled([
    startBroker({
      ...{ ...options, signal, properties: PATIENT },
      ...{ dataDir: join(options.dataDir, 'broker'), port: options.brokerPort },
    }).catch(abortOthers),
    startRegistry({ ...options, signal, dataDir: join(options.dataDir, 'registry'), port: options.registryPort }).catch(
      abortOthers,
    ),
  ]);
  if (broker.status === 'fulfilled' && registry.status === 'fulfilled') {
    const both = [broker.value, registry.value];
    return {
      broker: broker.value,
      registry: registry.value,
      stop: async () => void (await Promise.all(both.map((server) => server.stop()))),
      kill: async () => void (await Promise.all(both.map((server) => server.kill()))),
    };
  }
  if (broker.status === 'fulfilled') await broker.value.kill();
  if (registry.status === 'fulfilled') await registry.value.kill();
  throw failure.signal.reason;
}
