import { defineConfig } from 'vitest/config';

// Apart from the ordinary projects: needs fastavro.
export default defineConfig({ test: { include: ['*.test.ts'], testTimeout: 600_000 } });
