// Streams that Harvest does not have, as somebody would add them to the catalog: two lists, what lies below one of them, and a
// report of it.
import { catalog } from '../../../src/streams/catalog.ts';
import { child, derived, list, report, type StreamDefinition, whereSeenIn } from '../../../src/streams/definition.ts';

const permission = 'anybody with a driving licence';

export const madeUp: readonly StreamDefinition[] = [
  list('vehicles', { permission }),
  list('trips', {
    paging: 'page',
    dated: 'driven_on',
    belongsTo: { stream: 'vehicles', member: 'vehicle' },
    permission,
  }),
  child('trip_receipts', 'trips', 'trip_id', 'receipts', { permission }),
  derived('trip_stops', 'trips', 'trip_id', 'stops', { permission }),
  report('trips_vehicles', 'trips/vehicles', 'vehicle_id', {
    sources: ['trips'],
    restatedBy: { vehicles: whereSeenIn('trips_vehicles') },
    permission,
  }),
];

export const extended: readonly StreamDefinition[] = [...catalog, ...madeUp];
