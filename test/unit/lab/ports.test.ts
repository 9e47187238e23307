import { expect, test } from 'vitest';
import { freePort } from '../../../lab/stack/ports.ts';

test('a broker does not end at its start because two of its listeners were given the same port', async () => {
  // Of 22 000 ports: drawn without memory, two of 600 are nearly always the same.
  const ports = await Promise.all(Array.from({ length: 600 }, () => freePort()));
  expect(new Set(ports).size).toBe(ports.length);
});
