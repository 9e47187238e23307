// A budget under virtual time, and how its requests are counted.
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../../src/base/clock.ts';
import { Budget } from '../../../src/harvest/budget.ts';
import { Connections } from '../../../src/harvest/connections.ts';

export const WINDOW = 1000;
export const never = new AbortController().signal;
setMaxListeners(0, never);

export interface Setting {
  readonly requests: number;
  readonly clock: Clock;
  readonly places?: number;
  readonly windowMs?: number;
  readonly onLeaseLow?: () => void;
}

export function open({ requests, clock, places = 1000, windowMs = WINDOW, onLeaseLow }: Setting): Budget {
  const connections = new Connections(places);
  return new Budget({ name: 'general', requests, windowMs, clock, connections, onLeaseLow: onLeaseLow ?? null });
}

/** The greatest number of times that fall into one window. */
export function busiestWindow(times: readonly number[], ms: number = WINDOW): number {
  return Math.max(0, ...times.map((start) => times.filter((time) => time >= start && time < start + ms).length));
}
