// A stream is its row and its schema: lists, a child and a report that nobody has heard of run through the real engine, client
// and codec, and through verify.
import { expect, test } from 'vitest';
import { loadSchemas } from '../../../src/codec/schemas.ts';
import { neededFor } from '../../../src/streams/definition.ts';
import { windowOf } from '../../../src/streams/windows.ts';
import { account, benchAccount, simulatedSource } from '../../support/account.ts';
import { schemaIds, schemas, testCodec } from '../../support/codec.ts';
import { CALENDAR, dayAt } from '../../support/epoch.ts';
import { madeUpHarvest } from '../../support/made-up/harvest.ts';
import { extended, madeUp } from '../../support/made-up/streams.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { verified } from '../../support/verification.ts';

const own = await loadSchemas(new URL('../../support/made-up/', import.meta.url), madeUp);
const codecParts = {
  streams: extended,
  schemas: new Map([...schemas, ...own]),
  ids: new Map([
    ...schemaIds,
    ...madeUp.map(({ name }, place) => [name, { key: 901 + 2 * place, value: 902 + 2 * place }] as const),
  ]),
};
const codec = testCodec(codecParts);
const [TODAY, WEEKS_AGO, LONG_AGO] = [dayAt(0), dayAt(-40), dayAt(-400)];

function scene() {
  const { simulator, pass } = account({ timeEntries: 20 });
  const harvest = madeUpHarvest(simulator);
  const log = new MemoryLog();
  const updated_at = '2020-01-01T00:00:00Z';
  for (const [id, name] of [
    [1, 'Van'],
    [2, 'Bike'],
  ] as const)
    harvest.vehicles.set(id, { id, name, updated_at });
  const trips = [
    [11, 1, TODAY, 10],
    [12, 1, WEEKS_AGO, 20],
    [13, 2, LONG_AGO, 30],
  ] as const;
  for (const [id, vehicle_id, driven_on, kilometers] of trips)
    harvest.trips.set(id, { id, vehicle_id, driven_on, kilometers, updated_at });
  for (const [id, trip_id] of [
    [101, 11],
    [102, 13],
  ] as const)
    harvest.receipts.set(id, { id, trip_id, shop: 'Pump', updated_at });
  /** A new process that catches up, and the changes that it publishes: `c 12` is a record made, `d 12` one deleted. */
  async function catchUp(): Promise<Record<string, string[]>> {
    pass(60_000);
    harvest.asked.length = 0;
    const before = log.history.length;
    const bench = benchAccount(simulator, log, {
      catalog: extended,
      streams: [
        ...neededFor(
          madeUp.map(({ name }) => name),
          extended,
        ),
      ],
      codec: codecParts,
      source: { transport: harvest.transport },
    });
    await bench.catchUp();
    const said: Record<string, string[]> = {};
    for (const definition of madeUp) {
      const changes = log.history.slice(before).filter(({ stream }) => stream === definition.name);
      const told = changes.map(({ op, key }) => `${op} ${codec.rowId(definition, key)}`);
      if (told.length > 0) said[definition.name] = told.sort();
    }
    return said;
  }
  /** Rows of a topic, as they stand. */
  async function rows(stream: string) {
    const definition = madeUp.find(({ name }) => name === stream)!;
    return Promise.all([...log.compacted(stream).values()].map(({ value }) => codec.decode(definition, value!)));
  }
  const differences = async () => {
    const source = simulatedSource(simulator, { transport: harvest.transport });
    return (await verified(simulator, log, { streams: madeUp, catalog: extended, codec, source })).differences;
  };
  return { harvest, log, catchUp, rows, differences };
}

const windowWith = (date: string) => windowOf(date, 'month', CALENDAR.weekStart);
/** The report's row of a vehicle in the month of a date. */
const summedUp = (date: string, vehicle: number) => `${windowWith(date).from}|${windowWith(date).to}|${vehicle}|EUR`;
const months = (asked: readonly string[]) =>
  [...new Set(asked.flatMap((path) => /^\/reports.*[?&]from=(\d{8})/.exec(path)?.[1] ?? []))].sort();
const first = (date: string) => windowWith(date).from.replaceAll('-', '');

test('a made-up list, child and report are published whole, then by what changes, is restated or is deleted [P1]', async () => {
  const { harvest, catchUp, rows, differences } = scene();
  const { vehicles, trips, receipts, stamp } = harvest;
  expect(await catchUp()).toEqual({
    vehicles: ['r 1', 'r 2'],
    trips: ['r 11', 'r 12', 'r 13'],
    trip_receipts: ['r 101', 'r 102'],
    trips_vehicles: [summedUp(LONG_AGO, 2), summedUp(WEEKS_AGO, 1), summedUp(TODAY, 1)].map((id) => `r ${id}`),
  });
  expect(await differences()).toEqual([]);
  expect(await catchUp()).toEqual({});

  // A record changes: the child below it is read, and the window of its day.
  Object.assign(trips.get(12)!, { kilometers: 25, updated_at: stamp() });
  receipts.set(103, { id: 103, trip_id: 12, shop: 'Garage', updated_at: stamp() });
  expect(await catchUp()).toEqual({
    trips: ['u 12'],
    trip_receipts: ['c 103'],
    trips_vehicles: [`u ${summedUp(WEEKS_AGO, 1)}`],
  });
  expect(months(harvest.asked)).toEqual([first(WEEKS_AGO), first(TODAY)]);
  expect(await rows('trips_vehicles')).toContainEqual(
    expect.objectContaining({ vehicle_id: 1, total_kilometers: '25' }),
  );
  expect(await differences()).toEqual([]);

  // A record that the report shows changes: only windows that hold the record are read again.
  Object.assign(vehicles.get(2)!, { name: 'Cargo bike', updated_at: stamp() });
  expect(await catchUp()).toEqual({ vehicles: ['u 2'], trips_vehicles: [`u ${summedUp(LONG_AGO, 2)}`] });
  expect(months(harvest.asked)).toEqual([first(LONG_AGO), first(TODAY)]);
  expect(await differences()).toEqual([]);
});

test('a deleted record of a made-up list takes along what belongs to it, and its windows are restated [P1] [P8]', async () => {
  const { harvest, log, catchUp, differences } = scene();
  await catchUp();
  harvest.trips.delete(13);
  harvest.receipts.delete(102);
  expect(await catchUp()).toEqual({
    trips: ['d 13'],
    trip_receipts: ['d 102'],
    trips_vehicles: [`d ${summedUp(LONG_AGO, 2)}`],
  });
  expect(harvest.asked).toContain('/trips/13');
  expect(await differences()).toEqual([]);

  harvest.vehicles.delete(1);
  for (const id of [11, 12]) harvest.trips.delete(id);
  harvest.receipts.delete(101);
  expect(await catchUp()).toEqual({
    vehicles: ['d 1'],
    trips: ['d 11', 'd 12'],
    trip_receipts: ['d 101'],
    trips_vehicles: [`d ${summedUp(WEEKS_AGO, 1)}`, `d ${summedUp(TODAY, 1)}`],
  });
  expect(await differences()).toEqual([]);
  expect(log.deadLetters).toEqual([]);
});

test('a made-up derived stream follows the records that hold it: made, moved, left, and gone with them [P1] [P8]', async () => {
  const { harvest, log, catchUp, rows, differences } = scene();
  const { trips, stamp } = harvest;
  const [home, shop] = [
    { id: 501, place: 'Home' },
    { id: 502, place: 'Shop' },
  ];
  trips.get(11)!.stops = [home, shop];
  trips.get(12)!.stops = [];
  expect(await catchUp()).toMatchObject({ trips: ['r 11', 'r 12', 'r 13'], trip_stops: ['r 501', 'r 502'] });
  expect(harvest.asked.filter((path) => path.includes('stops'))).toEqual([]);
  expect(await differences()).toEqual([]);

  Object.assign(trips.get(11)!, { stops: [{ ...shop, place: 'Market' }], updated_at: stamp() });
  expect(await catchUp()).toMatchObject({ trips: ['u 11'], trip_stops: ['d 501', 'u 502'] });
  expect(await rows('trip_stops')).toEqual([
    expect.objectContaining({ id: 502, trip_id: 11, position: 0, place: 'Market' }),
  ]);
  expect(await differences()).toEqual([]);

  trips.delete(11);
  harvest.receipts.delete(101);
  expect(await catchUp()).toMatchObject({ trips: ['d 11'], trip_stops: ['d 502'] });
  expect(await differences()).toEqual([]);
  expect(log.deadLetters).toEqual([]);
});
