import { defineConfig } from 'vitest/config';

// Apart from the ordinary projects: these take an hour, or need root. They start brokers and registries as the others do.
export default defineConfig({
  test: {
    include: ['*.test.ts'],
    globalSetup: ['../support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 1,
    hookTimeout: 900_000,
    // Measurements are printed as they come.
    disableConsoleIntercept: true,
  },
});
