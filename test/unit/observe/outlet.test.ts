import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog, tellOfDrops } from '../../../src/observe/log.ts';
import { Outlet } from '../../../src/observe/outlet.ts';
import { clockFrom } from '../../support/epoch.ts';

/** A reader that takes nothing until it is told to, and then everything. */
function stalledReader() {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  let flows = false;
  const stream = new Writable({
    decodeStrings: false,
    write: (line: string, _, done) => {
      const take = () => {
        taken.push(line);
        done();
      };
      if (flows) take();
      else waiting.push(take);
    },
  });
  const flow = () => {
    flows = true;
    for (const take of waiting.splice(0)) take();
  };
  return { stream, taken, flow };
}

test('a reader that stalls is not waited for: lines are kept up to a bound, the others dropped and counted', () => {
  const { stream } = stalledReader();
  const outlet = new Outlet(stream);
  const line = `${'x'.repeat(999)}\n`;
  for (let count = 0; count < 1_500; count++) outlet.write(line);
  expect(outlet.dropped).toBe(500);
  expect(stream.writableLength).toBeLessThanOrEqual(1_000_000);
});

test('once the reader goes on, it gets what was kept, and a line says how many are missing', async () => {
  const { stream, taken, flow } = stalledReader();
  const outlet = new Outlet(stream);
  const log = createLog({ level: 'info', stream: outlet });
  tellOfDrops(log, outlet);
  const text = 'x'.repeat(100_000);
  for (let count = 0; count < 12; count++) log.info({ count }, text);
  flow();
  await outlet.flushed(clockFrom(), 10_000);
  log.info('afterwards');
  await outlet.flushed(clockFrom(), 10_000);
  const lines = taken.map((line) => JSON.parse(line));
  expect(lines.map(({ count, event, msg }) => count ?? event ?? msg)).toEqual([
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8],
    'log.dropped',
    'afterwards',
  ]);
  expect(lines.at(-2)).toMatchObject({ level: 'warn', lines: 3, msg: expect.stringContaining('3 lines') });
});

test('the last lines wait for a stalled reader only as long as they are told', async () => {
  const { stream } = stalledReader();
  const outlet = new Outlet(stream);
  outlet.write('the last line\n');
  await outlet.flushed(clockFrom(), 20);
  expect(outlet.isBehind).toBe(true);
});

test('lines for a reader that went away are counted and do no harm', async () => {
  const failing = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) });
  failing.on('error', () => {});
  const outlet = new Outlet(failing);
  outlet.write('one\n');
  outlet.write('two\n');
  await outlet.flushed(clockFrom(), 10_000);
  expect([outlet.dropped, outlet.isBehind]).toEqual([2, false]);
});
