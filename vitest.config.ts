import { defineConfig } from 'vitest/config';
import { HANGS_MS, PATIENTLY } from './test/support/patience.ts';

// On a busy machine everything takes longer: a test that hangs is found, one that is slow is let be.
const shared = {
  pool: 'forks',
  testTimeout: HANGS_MS,
  hookTimeout: HANGS_MS,
  // By itself a poll gives up after a second.
  expect: { poll: PATIENTLY },
  maxConcurrency: 12,
} as const;
// One shelf after the other: the cheap one first, and neither takes the other's processors.
const first = { sequence: { groupOrder: 0 } };
const second = { sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          ...first,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Rules without a state of their own: a file needs no process of its own, and imports what the one before it did.
          isolate: false,
          // Vitest would leave a processor to itself; one file waits for the schedules, which run in processes of their own.
          maxWorkers: 3,
        },
      },
      {
        test: {
          ...shared,
          ...second,
          name: 'real',
          // What the files share runs in processes of its own, so they may share the modules too.
          isolate: false,
          include: ['test/{kafka,e2e}/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          // The files share one broker, and each may start a JVM of its own; twice as many as two processors, because they mostly
          // wait: for time-outs, restarts, polls.
          maxWorkers: 4,
        },
      },
    ],
  },
});
