// The settings of streams: what each has by its kind, and what all lists have together.
import { z } from 'zod';
import { catalog } from '../streams/catalog.ts';
import type { StreamKind } from '../streams/definition.ts';
import { option, seconds } from './values.ts';

/** Seconds between two polls of a stream, by its kind; those of lists are by what changes in them (`polling`). */
export const POLL_INTERVAL_SECONDS: Readonly<Record<Exclude<StreamKind, 'list'>, number>> = {
  whole: 300,
  child: 21_600,
  report: 900,
};

const orAuto = z.union([z.literal('auto'), seconds(1)]);

const stream = (kind: StreamKind) =>
  z
    .strictObject({
      enabled: option(z.boolean().default(true), 'Whether the stream is published at all.'),
      poll_interval_seconds: option(
        kind === 'list' ? orAuto.default('auto') : seconds(1).default(POLL_INTERVAL_SECONDS[kind]),
        'Time between two polls: of what changed (lists; auto: by `polling`), of everything (company, roles, project_budget), of the slow scan over all parents (children), of the current window (reports).',
        { unit: 'seconds' },
      ),
      count_interval_seconds: option(
        orAuto.default('auto'),
        'Time between two count checks (lists with updated_since; auto: 45 s while anything changed in the account within the hour, else 300 s): one request that counts the list, so that deletions are looked for only when something is missing.',
        { unit: 'seconds' },
      ),
      reconcile_interval_seconds: option(
        seconds(1).default(86_400),
        'Time between two reconciliations, which read everything in the slack of the budget for what drifted without moving updated_at (reports: all windows again).',
        { unit: 'seconds' },
      ),
    })
    .prefault({});

/** What lists have that say nothing of their own; `withListDefaults` puts it in their places. */
const listDefaults = z
  .strictObject({
    poll_interval_seconds: option(orAuto.optional(), 'Time between two polls of a list that names none of its own.', {
      unit: 'seconds',
      example: 'auto',
    }),
    count_interval_seconds: option(
      orAuto.optional(),
      'Time between two count checks of a list that names none of its own.',
      { unit: 'seconds', example: 300 },
    ),
    reconcile_interval_seconds: option(
      seconds(1).optional(),
      'Time between two reconciliations of a list that names none of its own.',
      { unit: 'seconds', example: 86_400 },
    ),
  })
  .prefault({});

export const streams = option(
  z
    .strictObject({ ...Object.fromEntries(catalog.map((row) => [row.name, stream(row.kind)])), defaults: listDefaults })
    .superRefine((streams, context) => {
      const given = streams as Readonly<Record<string, { readonly enabled?: boolean }>>;
      for (const { name, parent } of catalog) {
        if (parent === null || !given[name]?.enabled || given[parent.stream]?.enabled) continue;
        const message = `is read through ${parent.stream}: enable streams.${parent.stream}, or disable this stream too`;
        context.addIssue({ code: 'custom', path: [name, 'enabled'], message });
      }
    })
    .prefault({}),
  'Settings per stream; a stream not named here runs with its defaults. Intervals under `defaults` are for all lists.',
);

export type StreamConfig = z.output<ReturnType<typeof stream>>;

/** A configuration as it was written, with the intervals of `streams.defaults` in every list that names none of its own. */
export function withListDefaults(written: { readonly streams?: Readonly<Record<string, object>> }): object {
  const { streams: given = {} } = written;
  const lists = catalog.filter(({ kind }) => kind === 'list').map(({ name }) => name);
  const filled = Object.fromEntries(lists.map((name) => [name, { ...given.defaults, ...given[name] }]));
  return { ...written, streams: { ...given, ...filled } };
}
