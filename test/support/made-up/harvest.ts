// A Harvest that has the made-up streams too: they are answered here, everything else by the simulator.
import type { Simulator } from '../../../lab/simulator/index.ts';
import type { HttpAnswer, HttpRequest, Transport } from '../../../src/harvest/transport.ts';
import { inProcess } from '../account.ts';

export interface Vehicle {
  readonly id: number;
  name: string;
  updated_at: string;
}

export interface Trip {
  readonly id: number;
  readonly vehicle_id: number;
  stops?: readonly { readonly id: number; readonly place: string }[];
  driven_on: string;
  kilometers: number;
  updated_at: string;
}

export interface Receipt {
  readonly id: number;
  readonly trip_id: number;
  shop: string;
  readonly updated_at: string;
}

export interface MadeUpHarvest {
  readonly vehicles: Map<number, Vehicle>;
  readonly trips: Map<number, Trip>;
  readonly receipts: Map<number, Receipt>;
  /** The time of a change that happens now. */
  stamp(): string;
  /** Paths with query that were asked for. */
  readonly asked: string[];
  readonly transport: Transport;
}

export function madeUpHarvest(simulator: Simulator): MadeUpHarvest {
  const vehicles = new Map<number, Vehicle>();
  const trips = new Map<number, Trip>();
  const receipts = new Map<number, Receipt>();
  const asked: string[] = [];
  const others = inProcess(simulator);

  const shown = ({ vehicle_id, ...trip }: Trip) => ({ ...trip, vehicle: { id: vehicle_id } });

  function kilometers(from: string, to: string) {
    const driven = [...trips.values()].filter(({ driven_on }) => driven_on >= from && driven_on <= to);
    return [...new Set(driven.map(({ vehicle_id }) => vehicle_id))].map((id) => {
      const own = driven.filter(({ vehicle_id }) => vehicle_id === id);
      const total = own.reduce((sum, trip) => sum + trip.kilometers, 0);
      return { vehicle_id: id, vehicle_name: vehicles.get(id)!.name, total_kilometers: total, currency: 'EUR' };
    });
  }

  /** The body of an answer; null is a 404, undefined nothing of ours. */
  function answer(path: string, query: URLSearchParams): object | null | undefined {
    const [, noun, id, below] =
      /^\/(vehicles|trips|reports\/trips\/vehicles)(?:\/(\d+)(\/receipts)?)?$/.exec(path) ?? [];
    if (noun === undefined) return undefined;
    if (noun === 'reports/trips/vehicles')
      return page('results', kilometers(dashed(query.get('from')!), dashed(query.get('to')!)), query);
    const rows = noun === 'vehicles' ? [...vehicles.values()] : [...trips.values()].map(shown);
    if (id === undefined) return page(noun, rows.filter(isWithin(query)), query);
    const row = rows.find((each) => each.id === Number(id));
    if (row === undefined || below === undefined) return row ?? null;
    return page(
      'trip_receipts',
      [...receipts.values()].filter(({ trip_id }) => trip_id === row.id).map(unfiled),
      query,
    );
  }

  return {
    ...{ vehicles, trips, receipts, asked },
    stamp: () => new Date(simulator.now()).toISOString().replace(/\.\d+/, ''),
    async transport(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
      const { pathname, search, searchParams } = new URL(request.url);
      const path = pathname.replace(/^\/v2/, '');
      const body = answer(path, searchParams);
      if (body === undefined) return others(request, signal);
      asked.push(path + search);
      const date = new Date(simulator.now()).toUTCString();
      const headers = { date, 'content-type': 'application/json; charset=utf-8' };
      const refusal = { status: 404, message: 'Not found' };
      return { status: body === null ? 404 : 200, headers, body: Buffer.from(JSON.stringify(body ?? refusal)) };
    },
  };
}

/** One page is always enough here. */
function page(member: string, rows: readonly object[], query: URLSearchParams): object {
  const shown = rows.slice(0, Number(query.get('per_page')));
  return { [member]: shown, total_entries: rows.length, links: { next: null } };
}

/** A list below a record does not name the record. */
const unfiled = ({ trip_id, ...receipt }: Receipt) => receipt;

function isWithin(query: URLSearchParams) {
  const [since, from, to] = ['updated_since', 'from', 'to'].map((name) => query.get(name));
  return (row: { readonly updated_at: string; readonly driven_on?: string }) =>
    (!since || row.updated_at >= since) && (!from || row.driven_on! >= from) && (!to || row.driven_on! <= to);
}

const dashed = (date: string) => date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
