// The findings of a comparison, for people: a row for each stream, then the ids by kind.
import { counted } from '../base/words.ts';
import type { RowId } from '../engine/ports.ts';
import { differs, type StaleRow, type StreamFinding } from '../verify/finding.ts';
import { groupedByReason, printable, table } from './output.ts';

interface ReportOptions {
  readonly sample?: number;
  /** Ids shown of each kind and stream. */
  readonly ids: number;
}

interface FoundAccount {
  readonly account_id: string;
  readonly streams: readonly StreamFinding[];
}

export function renderFindings(accounts: readonly FoundAccount[], options: ReportOptions): string {
  const many = accounts.length > 1;
  return accounts
    .map(({ account_id, streams }) => `${many ? `account ${account_id}\n` : ''}${renderAccount(streams, options)}`)
    .join('\n');
}

function renderAccount(streams: readonly StreamFinding[], options: ReportOptions): string {
  const rows = streams.map((finding) => ({
    stream: finding.stream,
    compared: finding.compared,
    missing: finding.missing.length,
    extra: finding.extra.length,
    stale: finding.stale.length,
    moving: finding.moving,
    refused: finding.refused.length,
    note: noteOf(finding),
  }));
  const shown = table(rows, ['stream', 'compared', 'missing', 'extra', 'stale', 'moving', 'refused', 'note']);
  return [shown, ...reasons(streams), ...differences(streams, options.ids), verdict(streams, options)].join('\n');
}

function noteOf({ state, compared, daemon, count, refused_parents }: StreamFinding): string {
  const notes: string[] = [];
  if (state !== 'compared') notes.push(`${state}, ${compared > 0 ? 'looked at once' : 'not compared'}`);
  if (daemon && daemon.state !== state && daemon.state !== 'RUNNING') notes.push(`the daemon says ${daemon.state}`);
  if (daemon?.state === 'RUNNING' && !daemon.complete) notes.push('snapshot not finished');
  if (refused_parents.length > 0) notes.push(`${counted(refused_parents.length, 'parent')} refused`);
  if (count) notes.push(`${count.harvest} in Harvest, ${count.topic} on the topic`);
  return notes.join('; ');
}

/** Why streams were not compared, each reason once. */
function reasons(streams: readonly StreamFinding[]): string[] {
  const entries = streams.flatMap(({ stream, daemon, ...own }) => {
    const told = own.reason === null ? daemon : own;
    if (!told?.reason) return [];
    return { label: `${stream}: ${told.state}`, reason: [told.reason, told.remedy].filter(Boolean).join('\n') };
  });
  return groupedByReason(entries).map((text) => `${text}\n`);
}

function differences(streams: readonly StreamFinding[], most: number): string[] {
  const lines: string[] = [];
  for (const { stream, missing, extra, stale, count } of streams) {
    lines.push(...idLines(`${stream}: missing on the topic`, missing, most, String));
    lines.push(...idLines(`${stream}: extra on the topic`, extra, most, String));
    lines.push(...idLines(`${stream}: stale on the topic`, stale, most, staleText));
    if (count && count.harvest !== count.topic) {
      lines.push(`${stream}: Harvest counts ${counted(count.harvest, 'row')}, the topic ${count.topic}`);
    }
  }
  return lines.length > 0 ? [...lines, ''] : [];
}

function idLines<T extends RowId | StaleRow>(
  what: string,
  rows: readonly T[],
  most: number,
  text: (row: T) => string,
): string[] {
  if (rows.length === 0) return [];
  const more = rows.length > most ? [`  and ${rows.length - most} more (--ids, --json)`] : [];
  return [what, ...rows.slice(0, most).map((row) => `  ${printable(text(row))}`), ...more];
}

function staleText({ id, fields, values }: StaleRow): string {
  if (values) {
    const pairs = Object.entries(values).map(
      ([name, { harvest, topic }]) => `${name}: Harvest ${JSON.stringify(harvest)}, topic ${JSON.stringify(topic)}`,
    );
    return `${id} ${pairs.join('; ')}`;
  }
  return fields && fields.length > 0 ? `${id} (${fields.join(', ')})` : String(id);
}

function verdict(streams: readonly StreamFinding[], { sample }: ReportOptions): string {
  const compared = streams.filter(({ state }) => state === 'compared');
  const unequal = compared.filter(differs).length;
  const scope =
    sample === undefined ? '' : ` This was a sample of at most ${counted(sample, 'row')} a stream, not all of them.`;
  if (streams.some(({ state }) => state === 'unfinished')) {
    return `Stopped: ${compared.length} of ${counted(streams.length, 'stream')} ${compared.length === 1 ? 'was' : 'were'} compared, ${unequal} of them ${differVerb(unequal)}.${scope}`;
  }
  if (unequal > 0) return `${unequal} of ${counted(compared.length, 'stream')} ${differVerb(unequal)}.${scope}`;
  return compared.length === 0
    ? 'Nothing was compared.'
    : `${counted(compared.length, 'stream')}: no difference.${scope}`;
}

function differVerb(count: number): string {
  return count === 1 ? 'differs' : 'differ';
}
