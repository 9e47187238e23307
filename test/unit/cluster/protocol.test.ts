// What members tell each other survives the way through the broker; what nobody understands is no crash.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { packed, unpacked } from '../../../src/cluster/messages.ts';
import {
  type Assignment,
  decodeAssignment,
  decodeMetadata,
  encodeAssignment,
  encodeMetadata,
  type Metadata,
  SHAPE,
} from '../../../src/cluster/protocol.ts';

const metadata = (accounts: readonly string[]): Metadata => ({
  ...{ v: SHAPE, name: 'pub-1', zone: 'a', version: '0.1.0', url: 'http://10.0.0.7:8080', leaving: false, term: 41 },
  ...{ accounts, claims: accounts.map((account) => [account, 41] as const), weight: { '1': 3 }, moves: [] },
});

test('metadata comes back as it was, small ones as readable JSON, large ones compressed', () => {
  const small = metadata(['1', '2']);
  expect(JSON.parse(encodeMetadata(small).toString())).toEqual(small);
  const large = metadata(Array.from({ length: 10_000 }, (_, at) => String(1_000_000 + at)));
  const bytes = encodeMetadata(large);
  expect(bytes.length).toBeLessThan(100_000);
  expect(decodeMetadata(bytes)).toEqual(large);
});

test('an assignment comes back as it was', () => {
  const assignment: Assignment = {
    ...{ v: SHAPE, term: 42, name: 'pub-1', leader: 'pub-2' },
    accounts: [
      ['1', null],
      ['2', 'pub-3'],
    ],
    fleet: [{ name: 'pub-1', zone: 'a', url: '', version: '0.1.0', accounts: ['1', '2'] }],
    unassigned: [{ account: '3', why: 'no member that stays has it' }],
  };
  expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
});

test('bytes that are none of ours are no metadata and no assignment, and members of a later version stay readable', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(decodeMetadata(Buffer.from(bytes))).toBeNull();
      expect(decodeAssignment(Buffer.from(bytes))).toBeNull();
    }),
  );
  expect(decodeAssignment(Buffer.alloc(0))).toBeNull();
  for (const text of ['null', '7', '[]', '{"accounts":3}']) expect(decodeMetadata(Buffer.from(text))).toBeNull();
  const later = { ...metadata(['1']), v: 2, more: 'than we know' };
  expect(decodeMetadata(Buffer.from(JSON.stringify(later)))).toMatchObject({ accounts: ['1'], term: 41 });
});

test('passwords reach the thread of the member, and print there as little as here [P10]', () => {
  const kafka = {
    ...{ brokers: ['b:9092'], compression: 'none' as const },
    sasl: { mechanism: 'plain' as const, username: 'u', password: new Secret('hunter2') },
    ssl: { ca: 'PEM', passphrase: new Secret('hunter3') },
  };
  const settings = {
    ...{ groupId: 'g', self: { name: '', zone: '', url: '', version: '' }, sessionTimeoutMs: 1, heartbeatMs: 1 },
    ...{ balanceAfterMs: 1, movesAtOnce: 1, handOverMs: 1, stallMs: 1 },
  };
  const token = async () => new Secret('hunter4');
  const copied = unpacked(structuredClone(packed(settings, kafka)), token);
  expect((copied.sasl as typeof kafka.sasl).password.reveal()).toBe('hunter2');
  expect((copied.ssl as typeof kafka.ssl).passphrase.reveal()).toBe('hunter3');
  expect(JSON.stringify(copied)).not.toContain('hunter');
  // Bearer tokens are asked for when a log-in needs one.
  const tokens = { token, extensions: { tenant: 'a' } };
  const bearer = packed(settings, { ...kafka, sasl: { mechanism: 'oauthbearer', tokens } });
  expect(JSON.stringify(bearer)).not.toContain('hunter4');
  expect(unpacked(structuredClone(bearer), token).sasl).toEqual({ mechanism: 'oauthbearer', tokens });
});
