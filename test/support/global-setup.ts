// One broker and one registry for all tests that need real ones; they live as long as the run.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startStack } from '../../lab/stack/stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    bootstrap: string;
    registryUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'harvest-kafka-stack-'));
  const stack = await startStack({ dataDir, heapMb: 256, onProgress: (line) => console.log(line) });
  project.provide('bootstrap', stack.broker.bootstrap);
  project.provide('registryUrl', stack.registry.url);
  return async () => {
    await stack.kill();
    await rm(dataDir, { recursive: true, force: true });
  };
}
