// The day on which the tests take place. It is always the same one, so that no test depends on when it is run; `scripts/calendars.mjs`
// runs them on the awkward days below.
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { isoDay, type WeekStart } from '../../src/streams/windows.ts';

export interface Calendar {
  readonly name: string;
  /** The moment at which tests begin, UTC. */
  readonly at: string;
  /** The zone of the machine. */
  readonly zone: string;
  readonly weekStart: WeekStart;
}

const ORDINARY: Calendar = { name: 'ordinary', at: '2026-11-21T00:00:00Z', zone: 'UTC', weekStart: 'Monday' };

/** Days on which calendars do something, half an hour before they do it, so that tests that let an hour pass go through it. */
export const AWKWARD: readonly Calendar[] = [
  { name: 'month-end', at: '2026-11-30T23:30:00Z', zone: 'UTC', weekStart: 'Monday' },
  // Tests that let days pass go through the end of the month.
  { name: 'days-before-month-end', at: '2026-11-28T05:00:00Z', zone: 'UTC', weekStart: 'Saturday' },
  { name: 'year-end', at: '2026-12-31T23:30:00Z', zone: 'UTC', weekStart: 'Sunday' },
  { name: 'before-leap-day', at: '2028-02-28T23:30:00Z', zone: 'UTC', weekStart: 'Monday' },
  { name: 'leap-day', at: '2028-02-29T10:00:00Z', zone: 'UTC', weekStart: 'Saturday' },
  { name: 'after-leap-day', at: '2028-02-29T23:30:00Z', zone: 'UTC', weekStart: 'Sunday' },
  { name: 'new-york-spring', at: '2026-03-08T06:30:00Z', zone: 'America/New_York', weekStart: 'Sunday' },
  // The day is the first of its month as well.
  { name: 'new-york-autumn', at: '2026-11-01T05:30:00Z', zone: 'America/New_York', weekStart: 'Saturday' },
  { name: 'berlin-spring', at: '2026-03-29T00:30:00Z', zone: 'Europe/Berlin', weekStart: 'Monday' },
  { name: 'berlin-autumn', at: '2026-10-25T00:30:00Z', zone: 'Europe/Berlin', weekStart: 'Sunday' },
  { name: 'auckland-spring', at: '2026-09-26T13:30:00Z', zone: 'Pacific/Auckland', weekStart: 'Monday' },
  { name: 'auckland-autumn', at: '2026-04-04T13:30:00Z', zone: 'Pacific/Auckland', weekStart: 'Saturday' },
  // Half an hour off: there the month turns at 18:30 UTC.
  { name: 'kolkata-month-end', at: '2026-08-31T18:00:00Z', zone: 'Asia/Kolkata', weekStart: 'Sunday' },
];

/** The one that `TEST_CALENDAR` names. */
export const CALENDAR: Calendar = chosen(process.env.TEST_CALENDAR ?? ORDINARY.name);

/** The moment at which tests begin, in milliseconds. */
export const EPOCH = Date.parse(CALENDAR.at);

/** The date so many days after the first one of the tests. */
export function dayAt(days: number): string {
  return isoDay(Math.floor(EPOCH / 86_400_000) + days);
}

/** Real time for pauses and time-outs; its wall clock goes on from `start`, which is asked at each look. */
export function clockFrom(start: () => number = () => EPOCH): Clock {
  const begun = systemClock.monotonic();
  return { ...systemClock, now: () => start() + Math.floor(systemClock.monotonic() - begun) };
}

function chosen(name: string): Calendar {
  const found = [ORDINARY, ...AWKWARD].find((calendar) => calendar.name === name);
  if (!found) throw new Error(`TEST_CALENDAR: ${name} is none of ${AWKWARD.map((each) => each.name).join(', ')}`);
  return found;
}
