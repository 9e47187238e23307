// Five states in which somebody looks at the status page, as the engine would report them.
import type { AccountStatus, StreamStatus } from '../../src/engine/status.ts';
import { catalog } from '../../src/streams/catalog.ts';
import { account, budget, firstScan, NO_BACKLOG, NOW, stream } from './status.ts';

const FIVE_MINUTES_ON = new Date(NOW + 300_000).toISOString();

/** All streams of the catalog; `rest` says what is special about some of them. */
function streams(rest: Readonly<Record<string, Partial<StreamStatus>>> = {}): StreamStatus[] {
  return catalog.map(({ name, kind }) => {
    const slow = kind === 'child' ? { pollIntervalSeconds: 21_600, lagSeconds: 7_400 } : {};
    return stream(name, { ...slow, ...rest[name] });
  });
}

const REFUSED = {
  state: 'FORBIDDEN',
  reason: '403 to /invoices, three times',
  remedy: "Give the token's owner this: Administrator, or Manager with invoice permission.",
  nextProbeAt: FIVE_MINUTES_ON,
} as const;
const BELOW_REFUSED = { ...REFUSED, reason: `its parents cannot be read: ${REFUSED.reason}`, nextProbeAt: null };

const WELL = account(
  streams({
    time_entries: { rows: 1_204_331, lagSeconds: 42 },
    expenses: { state: 'FEATURE_OFF', reason: 'module off' },
  }),
);

const READING = account(
  streams({
    time_entries: firstScan(58_000, 240_000),
    invoices: firstScan(900, null),
    invoice_payments: { complete: false, cursor: null, lagSeconds: null, rows: 0, reason: 'waits for invoices' },
    time_team: firstScan(3, 36, {
      scan: { purpose: 'snapshot', pages: 3, rows: 3, total: 36, unit: 'windows', startedAt: '2026-11-21T06:20:00Z' },
    }),
  }),
  {
    budgets: [
      budget('general', {
        ...{ used: 95, waiting: 4, freeInSeconds: 8 },
        firstScans: { requests: 260, seconds: 75, isKnown: false },
      }),
      budget('reports', {
        ...{ used: 95, freeInSeconds: 540 },
        firstScans: { requests: 297, seconds: 4_140, isKnown: true },
      }),
    ],
  },
);

const TROUBLED = account(
  streams({
    invoices: REFUSED,
    invoice_messages: BELOW_REFUSED,
    invoice_payments: BELOW_REFUSED,
    clients: {
      state: 'HELD',
      reason: '212 of 640 rows are missing at once',
      remedy: "Nothing is deleted meanwhile. If the token's owner lost a role, give it back: the hold ends by itself.",
    },
    tasks: {
      state: 'BLOCKED',
      reason: '422: Unprocessable',
      remedy: 'Harvest rejects the request itself; report it with the message shown.',
    },
    users: {
      lagSeconds: 5_400,
      retrying: {
        since: '2026-11-21T05:00:00Z',
        attempt: 14,
        reason: '503 to /users',
        remedy: 'See www.harveststatus.com.',
      },
    },
    contacts: { lagSeconds: 2_000, backlog: { ...NO_BACKLOG, candidates: 3 } },
    projects: { deadLetters: 2 },
  }),
);

const AWAY = account(streams(), {
  phase: 'waiting',
  code: 'kafka.unavailable',
  reason: 'no broker answers: connect ECONNREFUSED 10.0.0.7:9092',
  remedy:
    'Start the broker (one that stopped by itself says why in its log: often its disk is full) or correct kafka.brokers; nothing is lost, cursors stand still.',
});

/** Accounts by state; the last is a process with several. */
export const PAGE_STATES: Readonly<Record<string, readonly AccountStatus[]>> = {
  well: [WELL],
  reading: [READING],
  troubled: [TROUBLED],
  away: [AWAY],
  several: ['1', '2', '3', '4', '5'].map((id) => ({ ...(id === '4' ? TROUBLED : WELL), accountId: `100${id}` })),
};
