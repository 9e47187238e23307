import { Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wholeFrames } from '../../../src/kafka/frames.ts';

function frame(length: number): Buffer {
  const bytes = Buffer.alloc(4 + length, length % 256);
  bytes.writeInt32BE(length, 0);
  return bytes;
}

/** Cuts `bytes` at the places given, and hands the pieces to a socket as the network would. */
function received(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const socket = wholeFrames(new Socket());
  const got: Buffer[] = [];
  socket.on('data', (chunk) => got.push(chunk));
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) {
    const piece = bytes.subarray(places[i - 1], places[i]);
    if (piece.length > 0) socket.emit('data', piece);
  }
  return got;
}

function isWhole(bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length) at += 4 + bytes.readInt32BE(at);
  return at === bytes.length;
}

test('however the network cuts the answers, whole ones arrive, in order, and the last broken one does not', () => {
  const lengths = fc.array(fc.nat(300), { maxLength: 20 });
  fc.assert(
    fc.property(lengths, fc.array(fc.nat()), fc.nat(300), (whole, cuts, broken) => {
      const answers = Buffer.concat(whole.map(frame));
      const torn = frame(broken).subarray(0, 3 + broken);
      const got = received(Buffer.concat([answers, torn]), cuts);
      expect(got.every(isWhole)).toBe(true);
      expect(Buffer.concat(got).equals(answers)).toBe(true);
    }),
  );
});

test('frames that carry no data pass unchanged', () => {
  const socket = wholeFrames(new Socket());
  const errors: unknown[] = [];
  socket.on('error', (error) => errors.push(error));
  socket.emit('error', new Error('reset'));
  expect(errors).toEqual([new Error('reset')]);
});
