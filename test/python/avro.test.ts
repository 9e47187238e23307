// Not among the ordinary tests, for not every machine has fastavro: `npm run test:python`. PYTHON names another interpreter.
import { expect, test } from 'vitest';
import { run } from '../../lab/stack/process.ts';
import { disagreements, questions } from '../support/other-readers.ts';

const PYTHON = process.env.PYTHON || 'python3';

test('fastavro reads every sample and random records of every stream as we wrote them', {
  timeout: 600_000,
}, async () => {
  const { code, output } = await run(PYTHON, ['-c', 'import fastavro']).catch((error) => ({
    code: 1,
    output: `${error}`,
  }));
  if (code !== 0)
    throw new Error(`${PYTHON} has no fastavro (pip install fastavro, or PYTHON=<interpreter>): ${output}`);
  const reader = new URL('../support/python/avro_reader.py', import.meta.url).pathname;
  expect(await disagreements(PYTHON, [reader], await questions(100))).toEqual([]);
});
