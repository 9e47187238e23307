// Faults between a publisher and Harvest, drawn one at a time.
import type { Fault, FaultAction } from '../../../lab/simulator/faults.ts';
import { ECHO } from './door.ts';
import type { Draw } from './draw.ts';
import type { Plan } from './plan.ts';

const WEATHERS = {
  throttled: 3,
  unavailable: 2,
  server: 3,
  reset: 2,
  hang: 0.5,
  cut: 1,
  truncated: 1,
  'bad gzip': 1,
  html: 2,
  'html 404': 2,
  forbidden: 2,
  'not found': 1,
  refused: 0.5,
  'repeated page': 1,
  'own link': 1,
  'first link': 1,
  'foreign link': 1.5,
  'date offset': 1,
  'no date': 0.5,
} as const;
export type Weather = keyof typeof WEATHERS;

/** Every address but that of a single record: Harvest's own 404 for a record is a deletion, not a fault. */
const NO_RECORD = /^(?!.*\/\d+(?:\?|$))/;
/** How far ahead the date is that stands for a wait. */
const LATER_MS = 60_000;
/** The error page of a proxy that shows the request in it. */
const TELLTALE = `<html><body>Authorization: ${ECHO}</body></html>`;

/** A fault, and what it is called. `now` is the account's time, from which Harvest reckons how long to wait. */
export function drawWeather(
  plan: Pick<Plan, 'streams'>,
  draw: Draw,
  now: number,
): { readonly name: Weather; readonly fault: Fault } {
  const name = draw.weighted(WEATHERS);
  // The answer before is repeated, which in a report is that of another window.
  const lists = name === 'repeated page' ? plan.streams.filter(({ kind }) => kind === 'list') : plan.streams;
  const stream = name === 'repeated page' || draw.chance(0.6) ? (draw.pick(lists)?.name ?? 'none') : undefined;
  const match = {
    ...(stream !== undefined && { stream }),
    ...(name === 'not found' && { path: NO_RECORD }),
    after: draw.between(0, 8),
    times: draw.between(1, 6),
  };
  return { name, fault: { match, do: actionOf(name, draw, now) } };
}

function actionOf(name: Weather, draw: Draw, now: number): FaultAction {
  const status = (status: number, rest: Omit<Extract<FaultAction, { kind: 'status' }>, 'kind' | 'status'> = {}) =>
    ({ kind: 'status', status, ...rest }) as const;
  switch (name) {
    case 'throttled': {
      const wish = draw.pick([null, '0', '3', '20', 'soon', new Date(now + LATER_MS).toUTCString()]);
      return status(429, wish === null ? {} : { headers: { 'retry-after': wish } });
    }
    case 'unavailable':
      return status(503, { headers: { 'retry-after': String(draw.between(1, 30)) } });
    case 'server':
      return status(draw.pick([408, 500, 502, 504]), { body: TELLTALE });
    case 'reset':
    case 'hang':
    case 'cut':
      return { kind: name };
    case 'truncated':
      return { kind: 'truncate' };
    case 'bad gzip':
      return { kind: 'bad-gzip' };
    case 'html':
      return status(200, { body: '<html><body>Log in first</body></html>' });
    case 'html 404':
      return status(404, { body: TELLTALE });
    case 'forbidden':
      return status(403, { body: JSON.stringify({ message: `not for ${ECHO}` }) });
    case 'not found':
      return status(404);
    case 'refused':
      return status(422, { body: JSON.stringify({ message: `cannot take ${ECHO}` }) });
    case 'repeated page':
      return { kind: 'repeat-page' };
    case 'own link':
      return { kind: 'next-link', to: 'self' };
    case 'first link':
      return { kind: 'next-link', to: 'first' };
    case 'foreign link':
      return { kind: 'next-link', to: 'foreign' };
    case 'date offset':
      return { kind: 'date-offset', seconds: draw.between(-1000, 100) };
    case 'no date':
      return { kind: 'drop-header', header: 'date' };
  }
}

/** A single record that exists is refused, or lost by a proxy: no reason to bury it. */
export function recordFault(draw: Draw): Fault {
  const status = draw.pick([403, 404]);
  const action = { kind: 'status', status, ...(status === 404 && { body: TELLTALE }) } as const;
  return { match: { path: /\/\d+(?:\?|$)/, times: draw.between(1, 8) }, do: action };
}
