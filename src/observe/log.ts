// Events as log lines. Normal operation is quiet: a page is a debug line, a failure that repeats gets louder.
// `event` names are stable, so that operators can alert on them; fields are the event's own.
import { styleText } from 'node:util';
import { type Logger, pino } from 'pino';
import { loudness } from '../base/backoff.ts';
import { counted } from '../base/words.ts';
import type { Emit, PublisherEvent } from '../engine/events.ts';
import { LONG_PAUSE_MS, type Purpose } from '../engine/ports.ts';
import type { AccountStatus } from '../engine/status.ts';
import type { Outlet } from './outlet.ts';
import { duration, headline } from './readiness.ts';
import type { Traces } from './traces.ts';

export type { Logger } from 'pino';

export interface LineStream {
  write(line: string): unknown;
}

/** JSON, or short human lines for a terminal. `stream` must not wait for its reader: see outlet.ts. */
export function createLog(options: { level: string; pretty?: boolean; color?: boolean; stream: LineStream }): Logger {
  const out = options.stream;
  const stream = options.pretty
    ? { write: (line: string) => out.write(prettyLine(line, options.color ?? false)) }
    : out;
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, stream);
}

/** Says in the log, once its reader takes lines again, how many it has missed. */
export function tellOfDrops(log: Logger, outlet: Outlet): void {
  outlet.whenItFlows((lines) => {
    const what = `${counted(lines, 'line')} of this log ${lines === 1 ? 'was' : 'were'}`;
    log.warn(
      { event: 'log.dropped', lines },
      `${what} dropped here: nobody read it, and the work does not wait for that`,
    );
  });
}

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

interface Line {
  readonly level: Level;
  readonly message: string;
}

export interface EventLog {
  /** The listener for one account's events. */
  listen(accountId: string): Emit;
  /** One line per account on what has happened since the last call. Meant for every few minutes. */
  summarise(accounts: readonly AccountStatus[]): void;
}

/** With traces, the line of an event carries the ids of its step's. */
export function createEventLog(log: Logger, traces?: Pick<Traces, 'hear'>): EventLog {
  const sinceSummary = new Map<string, SinceSummary>();
  const sinceScan = new Map<string, number>();

  const sinceSummaryOf = (account: string): SinceSummary => {
    const since = sinceSummary.get(account) ?? { published: 0, unchanged: 0, deadLetters: 0, requests: 0 };
    sinceSummary.set(account, since);
    return since;
  };

  return {
    listen: (account) => (event) => {
      const since = sinceSummaryOf(account);
      let publishedInScan = 0;
      if (event.name === 'request.finished') since.requests += 1;
      if (event.name === 'page.committed') {
        const published = sum(event.published);
        since.published += published;
        since.unchanged += event.unchanged;
        since.deadLetters += event.deadLetters;
        const scan = `${account} ${event.stream} ${event.purpose}`;
        sinceScan.set(scan, (sinceScan.get(scan) ?? 0) + published);
      }
      if (event.name === 'scan.completed') {
        const scan = `${account} ${event.stream} ${event.purpose}`;
        publishedInScan = sinceScan.get(scan) ?? 0;
        sinceScan.delete(scan);
      }
      const { name, agesMs: _, ...fields } = { agesMs: null, ...event };
      const { level, message } = lineOf(event, publishedInScan);
      log[level]({ event: name, account, ...fields, ...traces?.hear(account, event) }, message);
    },
    summarise: (accounts) => {
      for (const account of accounts) {
        const since = sinceSummaryOf(account.accountId);
        const { published, unchanged, requests, deadLetters } = since;
        const message = `${headline(account)} Since the last summary: ${published} published, ${unchanged} unchanged, ${counted(requests, 'request')}.`;
        log.info(
          { event: 'summary', account: account.accountId, published, unchanged, deadLetters, requests },
          message,
        );
        sinceSummary.delete(account.accountId);
      }
    },
  };
}

interface SinceSummary {
  published: number;
  unchanged: number;
  deadLetters: number;
  requests: number;
}

/** The level and sentence of an event. */
export function lineOf(event: PublisherEvent, publishedInScan = 0): Line {
  switch (event.name) {
    case 'account.opened':
      return openedLine(event);
    case 'account.waiting':
      return { level: loudness(event.failingMs), message: `waiting: ${event.reason} (again in ${event.retryInMs} ms)` };
    case 'account.stopped':
      return { level: 'error', message: `stopped: ${event.reason}` };
    case 'page.committed':
      if (event.commitMs === null) return debug(`nothing new in ${counted(event.read, 'record')}`);
      return debug(`committed ${sum(event.published)} of ${counted(event.read, 'record')} in ${event.commitMs} ms`);
    case 'transaction.committed':
      return debug(`transaction with ${counted(event.pages, 'page')} in ${event.ms} ms`);
    case 'scan.started':
      return event.purpose === 'snapshot' ? info('reads everything for the first time') : debug(scanOf(event.purpose));
    case 'scan.completed': {
      const message = `${scanOf(event.purpose)} complete: ${event.read} read in ${counted(event.pages, 'page')}, ${publishedInScan} published`;
      return event.purpose === 'snapshot' || publishedInScan > 0 ? info(message) : debug(message);
    }
    case 'scan.shifted':
      // Repeating a walk is ordinary while people work; that it never ends is not.
      return {
        level: event.walk < 3 ? 'debug' : 'warn',
        message: `the list moved while it was read (${event.found} rows instead of ${event.expected}); walk ${event.walk} follows`,
      };
    case 'day.unlikely':
      return warn(`record ${event.record} has ${event.field} ${event.day}: a mistyped year? Correct it in Harvest`);
    case 'totals.absent':
      return warn(event.reason);
    case 'stream.changed': {
      const level = event.to === 'FORBIDDEN' || event.to === 'BLOCKED' || event.to === 'HELD' ? 'warn' : 'info';
      return { level, message: `${event.from} -> ${event.to}: ${event.reason}` };
    }
    case 'stream.retrying':
      return {
        level: loudness(event.failingMs),
        message: `attempt ${event.attempt} failed: ${event.reason} (again in ${event.retryInMs} ms)`,
      };
    case 'topic.refilled':
      return warn(`the topic is filled again: ${event.reason}`);
    case 'record.refused':
      return warn(`${event.count} to the dead letters, because of ${event.field}: ${event.reason}`);
    case 'value.unreadable': {
      const what = event.schemaId === null ? 'not in Avro' : `under schema id ${event.schemaId}`;
      return warn(`values ${what} cannot be read; their records are published anew when they are next read`);
    }
    case 'decimal.rounded':
      return debug(`${event.field} has more fraction digits than the schema; rounded, its literal kept in _extra`);
    case 'drift.seen':
      return driftLine(event);
    case 'request.finished':
      return debug(`${event.purpose} request: ${event.status || 'no answer'} in ${event.ms} ms`);
    case 'step.begun':
      return trace(`begins: ${event.task}`);
    case 'step.compared':
      return trace(`${counted(event.read, 'record')} compared, ${counted(event.changes, 'change')}`);
    case 'step.ended':
      return trace(event.commitMs === null ? 'ended, nothing of it committed' : 'ended');
    case 'polls.stretched':
      return {
        level: 'warn',
        message: `polls and count checks would take ${Math.ceil(event.asked)} of ${event.requests} requests in ${event.perSeconds} s and have room for ${Math.floor(event.room)}: all their intervals are ${event.by} times as long; lengthen polling.target_seconds or raise polling.budget_share (${event.share})`,
      };
    case 'polls.fit':
      return info('polls and count checks have room in the general budget again');
    case 'budget.paused': {
      const message = `Harvest asked to pause ${event.budget} requests for ${duration(Math.ceil(event.ms / 1000))} (status ${event.status})`;
      if (event.ms > LONG_PAUSE_MS)
        return { level: 'error', message: `${message}; if that cannot be meant, a restart asks once` };
      return { level: event.ms > 60_000 ? 'warn' : 'info', message };
    }
    case 'token.accepted':
      return info(`Harvest takes the token again, after ${Math.ceil(event.refusedMs / 1000)} s; reading goes on`);
    case 'token.refreshed':
      return info('the access token was renewed');
    case 'signal.carried_out':
      return info(`${event.signal}, asked for at ${event.given}${event.by ? ` by ${event.by}` : ''}, is carried out`);
    case 'loop.stalled': {
      const message = `stands still: ${event.waiting}, and nothing of it moved for ${Math.round(event.forMs / 1000)} s (${event.loop})`;
      return { level: 'error', message };
    }
    case 'loop.moved':
      return warn(`goes on after ${Math.round(event.forMs / 1000)} s (${event.loop})`);
    case 'commit.doubted':
      return warn(`the outcome of a commit is unknown, the state is read back: ${event.reason}`);
  }
}

/** An index that is still in memory needs only what is new. */
function openedLine(event: Extract<PublisherEvent, { name: 'account.opened' }>): Line {
  const { again, streams, rows, restoredRows, restoreMs } = event;
  return info(
    again
      ? `reopened ${counted(streams, 'stream')}, ${counted(rows, 'row')} in memory; ${counted(restoredRows, 'new record')} read in ${restoreMs} ms`
      : `opened ${counted(streams, 'stream')}, ${counted(rows, 'row')}; ${counted(restoredRows, 'record')} read back in ${restoreMs} ms`,
  );
}

function driftLine(event: Extract<PublisherEvent, { name: 'drift.seen' }>): Line {
  const { kind, field, expected } = event;
  const shape = JSON.stringify(event.shape);
  switch (kind) {
    case 'unknown_member':
      return info(`Harvest sends ${field} (${shape}), which the schema does not know; kept in _extra`);
    case 'new_type':
      return warn(`Harvest sends ${field} as ${shape}; the schema takes ${expected}`);
    case 'empty_text':
      return warn(`Harvest sends ${field} as an empty text; it is published as null`);
    case 'unexpected_null':
      return warn(`Harvest sends ${field} as null, for the first time`);
    case 'replaced_text':
      return warn('Harvest sends bytes that are no UTF-8, also when asked again; published as U+FFFD');
  }
}

/** A snapshot and a poll are scans by their names. */
function scanOf(purpose: Purpose): string {
  return purpose === 'snapshot' || purpose === 'poll' ? purpose : `${purpose} scan`;
}

function warn(message: string): Line {
  return { level: 'warn', message };
}

function info(message: string): Line {
  return { level: 'info', message };
}

function trace(message: string): Line {
  return { level: 'trace', message };
}

function debug(message: string): Line {
  return { level: 'debug', message };
}

function sum(published: Readonly<Record<string, number>>): number {
  return Object.values(published).reduce((total, count) => total + count, 0);
}

const COLORS = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red', fatal: 'red', trace: 'gray' } as const;

/** `06:30:01 warn  1234567 clients  attempt 2 failed: … → what to do` */
function prettyLine(json: string, color: boolean): string {
  const { time, level, account, stream, msg, remedy, err } = JSON.parse(json) as Record<string, string | undefined> & {
    err?: { message?: string };
  };
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(format, plain(text), { validateStream: false }) : plain(text);
  const names = [account, stream].filter((name) => name !== undefined).join(' ');
  const parts = [
    paint('gray', (time ?? '').slice(11, 19)),
    paint(COLORS[level as keyof typeof COLORS] ?? 'white', (level ?? '').padEnd(5)),
    names && paint('bold', names),
    plain([msg, err?.message].filter(Boolean).join(': ')),
    remedy && paint('gray', `→ ${remedy}`),
  ];
  return `${parts.filter(Boolean).join('  ')}\n`;
}

/** A terminal obeys control characters, and reasons may quote what came over the network. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
