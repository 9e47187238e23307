// State rows as they are read back from the topic.
import { expect, test } from 'vitest';
import { freshRow, parseRow } from '../../../src/engine/state/stream-row.ts';
import { findStream } from '../../../src/streams/catalog.ts';

const clients = findStream('clients')!;

test('a row of an older version is refused with what to do, never misread [P9]', () => {
  const row = JSON.parse(JSON.stringify(freshRow(clients, 'month', 0)));
  expect(parseRow(clients, row)).toEqual(row);
  expect(() => parseRow(clients, { ...row, version: 1 })).toThrow(
    expect.objectContaining({
      code: 'state.unreadable',
      message: 'the state row of clients has version 1, we read 2',
      remedy: expect.stringContaining('delete the topic <prefix>.state'),
    }),
  );
});
