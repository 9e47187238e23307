// A broker does not take these: records of another day, letters and rows that are too long.
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ConversionError, type DeadLetter, type Sink } from '../../src/engine/ports.ts';
import { batch, forever, Model, message, openPatiently, readCommitted, sinkOn } from '../support/kafka.ts';
import { sharedStack, uniquePrefix } from '../support/stack.ts';

const HOUR = 3_600_000;
let prefix: string;
let sink: Sink;
let bootstrap: string;

beforeEach(() => {
  ({ bootstrap } = sharedStack());
  prefix = uniquePrefix();
});

afterEach(() => sink.close());

test('a clock two hours ahead is named, and when it is set the work goes on [P9]', async () => {
  let aheadMs = 2 * HOUR;
  sink = sinkOn(bootstrap, { prefix, clock: { ...systemClock, now: () => systemClock.now() + aheadMs } });
  await expect(sink.open(new Model(), forever)).rejects.toMatchObject({ code: 'kafka.clock_ahead', kind: 'reopen' });
  aheadMs = 0;
  await openPatiently(sink, new Model());
  await sink.commit(batch([message('clients', '1', 'x')]));
  aheadMs = 2 * HOUR;
  await expect(sink.commit(batch([message('clients', '1', 'y')]))).rejects.toMatchObject({ code: 'kafka.clock_ahead' });
  aheadMs = -2 * HOUR;
  await openPatiently(sink, new Model());
  await sink.commit(batch([message('clients', '1', 'z')]));
  const values = (await readCommitted(bootstrap, [`${prefix}.clients`])).map(({ value }) => String(value));
  expect(values).toEqual(['x', 'z']);
});

test('a dead letter of eight megabytes that do not compress is written whole, a longer one without its record [P7]', async () => {
  sink = sinkOn(bootstrap, { prefix, kafka: { compression: 'gzip' } });
  await openPatiently(sink, new Model());
  const letter = (key: string, bytes: number): DeadLetter => {
    const value = JSON.stringify({ notes: randomBytes(0.75 * bytes).toString('base64') });
    return { stream: 'clients', key, value, stage: 'VALUE_CONVERTER', error: new ConversionError('notes', 'too long') };
  };
  await sink.commit({ ...batch([]), deadLetters: [letter('fits', 8_000_000), letter('huge', 9_000_000)] });
  const letters = await readCommitted(bootstrap, [`${prefix}.dead-letters`]);
  expect(letters.map(({ key, value, headers }) => [String(key), value?.length, headers.__omitted])).toEqual([
    ['fits', 8_000_012, undefined],
    ['huge', undefined, expect.stringMatching(/^a record of 9000012 bytes/)],
  ]);
});

test('a state row of several megabytes is stored and read back [P7]', async () => {
  const candidates = Array.from({ length: 400_000 }, (_, index) => 2_000_000_000 + index * 7);
  sink = sinkOn(bootstrap, { prefix });
  await openPatiently(sink, new Model());
  await sink.commit(batch([message('clients', '1', 'x')], { clients: { candidates } }));
  await sink.close();
  sink = sinkOn(bootstrap, { prefix });
  const { rows } = await openPatiently(sink, new Model());
  expect((rows.get('clients') as { candidates: number[] }).candidates).toEqual(candidates);
});
