// The settings of streams: what each has by its kind, and what all lists have together.
import { z } from 'zod';
import { catalog } from '../streams/catalog.ts';
import type { StreamKind } from '../streams/definition.ts';
import { list, seconds, section } from './values.ts';

/** Seconds between two polls of a stream, by its kind; those of lists are by what changes in them (`polling`). */
const POLL_INTERVAL_SECONDS: Readonly<Record<Exclude<StreamKind, 'list'>, number>> = {
  whole: 300,
  child: 21_600,
  report: 900,
  derived: 60,
};

const orAuto = () => z.union([z.literal('auto'), seconds(1)]);

/** Only lists are polled by what changes in them. */
const pollInterval = (kind: StreamKind) =>
  kind === 'list' ? orAuto().default('auto') : seconds(1).default(POLL_INTERVAL_SECONDS[kind]);

const fieldNames = (example: string) =>
  list((name) => /^\w+(\.\w+)*$/.test(name), 'must be names of fields: notes, or client.name')
    .default([])
    .meta({ example: [example] });

/** Fields that are left out or hashed, by their names; field-names.ts says which there are. */
const fields = z.strictObject({
  exclude: fieldNames('notes').describe(
    'Fields that are left out, of the schema too: notes, or client.name, which reaches into arrays of records as well.',
  ),
  hash: fieldNames('client_key').describe(
    'Fields that become text, the HMAC-SHA-256 of what Harvest sends under privacy.salt: equal stays equal, and nobody reads it.',
  ),
});

const stream = (kind: StreamKind) =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(kind !== 'derived')
      .describe('Whether the stream is published at all. Derived streams are only when they are asked for.'),
    poll_interval_seconds: pollInterval(kind)
      .meta({ unit: 'seconds' })
      .describe(
        'Time between two polls: of what changed (lists; auto: by `polling`), of everything (company, roles, project_budget), of the slow scan over all parents (children), of the current window (reports).',
      ),
    count_interval_seconds: orAuto()
      .default('auto')
      .meta({ unit: 'seconds' })
      .describe(
        'Time between two count checks, at the most (lists with updated_since; auto: 45 s while anything changed in the account within the hour, else 300 s): one request that counts the list, so that deletions are looked for only when something is missing.',
      ),
    reconcile_interval_seconds: seconds(1)
      .default(86_400)
      .describe(
        'Time between two reconciliations, which read everything in the slack of the budget for what drifted without moving updated_at (reports: all windows again).',
      ),
    fields: fields.optional().describe('Fields that do not reach Kafka as they are.'),
  });

const ofLists = (interval: z.ZodType<number | 'auto'>, what: string, example: number | 'auto') =>
  interval.optional().meta({ description: `Time between two ${what} of a list that names none of its own.`, example });

/** The intervals of lists that name none of their own; `withListDefaults` puts them in their places. */
const listDefaults = z.strictObject({
  poll_interval_seconds: ofLists(orAuto(), 'polls', 'auto'),
  count_interval_seconds: ofLists(orAuto(), 'count checks', 'auto'),
  reconcile_interval_seconds: ofLists(seconds(1), 'reconciliations', 86_400),
});

/** One for all streams of a kind: to make one for each took a tenth of a command's start. */
const KINDS: Readonly<Record<StreamKind, z.ZodType>> = {
  list: stream('list').prefault({}),
  whole: stream('whole').prefault({}),
  child: stream('child').prefault({}),
  report: stream('report').prefault({}),
  derived: stream('derived').prefault({}),
};
const byName = Object.fromEntries(catalog.map(({ name, kind }) => [name, KINDS[kind]]));

export const streams = section(
  'Settings per stream; a stream not named here runs with its defaults. Intervals under `defaults` are for all lists.',
  { ...byName, defaults: listDefaults.prefault({}) },
).superRefine((streams, context) => {
  const given = streams as Readonly<Record<string, { readonly enabled?: boolean }>>;
  for (const { name, parent } of catalog) {
    if (parent === null || !given[name]?.enabled || given[parent.stream]?.enabled) continue;
    const message = `is read through ${parent.stream}: enable streams.${parent.stream}, or disable this stream too`;
    context.addIssue({ code: 'custom', path: [name, 'enabled'], message });
  }
});

export type StreamConfig = z.output<ReturnType<typeof stream>>;

/** A configuration as it was written, with the intervals of `streams.defaults` in every list that names none of its own. */
export function withListDefaults(written: { readonly streams?: Readonly<Record<string, object>> }): object {
  const { streams: given = {} } = written;
  const lists = catalog.filter(({ kind }) => kind === 'list').map(({ name }) => name);
  const filled = Object.fromEntries(lists.map((name) => [name, { ...given.defaults, ...given[name] }]));
  return { ...written, streams: { ...given, ...filled } };
}
