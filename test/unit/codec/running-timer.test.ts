import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/engine/ports.ts';
import { streamNamed, testCodec } from '../../support/codec.ts';
import { documentedFields } from '../../support/harvest-fields.ts';
import { anyRecord } from '../../support/records.ts';
import { contextOf, sampleOf } from '../../support/samples.ts';

const stream = streamNamed('time_entries');
const context = contextOf(stream);
const { record: sample } = sampleOf('time_entries');
const running: JsonObject = { ...sample, is_running: true, timer_started_at: '2024-11-03T08:00:00Z', ended_time: null };
const codecs = {
  on_change: testCodec({ runningTimers: 'on_change' }),
  every_poll: testCodec({ runningTimers: 'every_poll' }),
};
const modes = ['on_change', 'every_poll'] as const;

const hashOf = (record: JsonObject, mode: (typeof modes)[number] = 'on_change') =>
  codecs[mode].encode(stream, record, context).hash;

/** Hours as Harvest may say them, also with more digits than the schema holds, whose literal goes into `_extra`. */
const anyHours = fc.oneof(
  fc.integer({ min: 0, max: 2400 }).map((cents) => cents / 100),
  fc.constantFrom(1 / 3, 2 / 7),
);
const anyEntry = anyRecord(documentedFields.time_entries!, ['id']);

describe('the ticking of a timer', () => {
  test('alone makes no other version, and is published as Harvest said it all the same [P2]', async () => {
    await fc.assert(
      fc.asyncProperty(anyEntry, anyHours, anyHours, async (entry, hours, rounded_hours) => {
        const before = { ...entry, is_running: true };
        const after = { ...before, hours, rounded_hours };
        expect(hashOf(after)).toBe(hashOf(before));
        const codec = codecs.on_change;
        const decoded = await codec.decode(stream, codec.encode(stream, after, context).value);
        expect(Number(decoded!.hours)).toBeCloseTo(hours, 5);
        expect(Number(decoded!.rounded_hours)).toBeCloseTo(rounded_hours, 5);
      }),
    );
  });

  test('makes one at every poll when that is asked for, and once the timer has stopped', () => {
    const ticked = { ...running, hours: 7.77 };
    expect(hashOf(ticked, 'every_poll')).not.toBe(hashOf(running, 'every_poll'));
    expect(hashOf({ ...ticked, is_running: false })).not.toBe(hashOf({ ...running, is_running: false }));
    expect(hashOf({ ...ticked, is_running: null })).not.toBe(hashOf({ ...running, is_running: null }));
  });

  test('does not hide a start, a stop, or a change of any other member [P2]', () => {
    expect(hashOf({ ...running, is_running: false })).not.toBe(hashOf(running));
    const others = Object.keys(running).filter((name) => name !== 'hours' && name !== 'rounded_hours');
    expect(others.length).toBeGreaterThan(20);
    for (const name of others.filter((name) => name !== 'id')) {
      const changed = { ...running, [name]: running[name] === null ? sample[name] : null };
      expect([name, hashOf(changed) === hashOf(running)]).toEqual([name, false]);
    }
    expect(hashOf({ ...running, new_member: 1 })).not.toBe(hashOf(running));
    expect(hashOf({ ...running, cost_rate: 1 / 3 })).not.toBe(hashOf({ ...running, cost_rate: 0.333333 }));
  });
});

test.each(modes)(
  'the hash of a value is known again when it is read back, whether its timer runs or not (%s) [P2]',
  async (mode) => {
    const codec = codecs[mode];
    const unknown = fc.option(fc.dictionary(fc.constantFrom('vat', '__proto__', '10', '9'), fc.jsonValue()), {
      nil: {},
    });
    await fc.assert(
      fc.asyncProperty(anyEntry, fc.boolean(), anyHours, unknown, async (entry, is_running, hours, extra) => {
        const record = { ...entry, ...extra, is_running, hours, rounded_hours: hours };
        const { id, hash, group, day, key, value } = codec.encode(stream, record, context);
        expect(await codec.restore(stream, key, value)).toEqual({ id, hash, group, day });
      }),
      { numRuns: 300 },
    );
  },
);

test.each(['double', 'string'] as const)('decimals as %s tick alike', async (decimalHandling) => {
  const codec = testCodec({ decimalHandling });
  const first = codec.encode(stream, running, context);
  const later = codec.encode(stream, { ...running, hours: 1 / 3, rounded_hours: 0.5 }, context);
  expect(later.hash).toBe(first.hash);
  expect(later.value.equals(first.value)).toBe(false);
  expect(await codec.restore(stream, later.key, later.value)).toMatchObject({ hash: first.hash });
});

test('a stream without timers is hashed whole, whatever its records say', () => {
  const clients = streamNamed('clients');
  const encode = (hours: number) =>
    codecs.on_change.encode(clients, { id: 1, is_running: true, hours }, contextOf(clients)).hash;
  expect(encode(1)).not.toBe(encode(2));
});
