// Printing: aligned tables, JSON, and color where a person looks on.
import { styleText } from 'node:util';

/** Where a command writes; process.stdout, or a test's own. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | null;
  readonly align?: 'left' | 'right';
  readonly paint?: (text: string, row: Row) => string;
}

export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colors for a terminal; text as it is for pipes, for `NO_COLOR` (no-color.org) and for dumb terminals. */
export function painter(output: Output, env: Readonly<Record<string, string | undefined>> = process.env): Paint {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const wanted = forced || (output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb');
  return wanted ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;
}

/**
 * Rows below their titles, columns two blanks apart, without blanks at the ends; numbers lean to the right. A column
 * may be just the name of a property.
 */
export function table<Row>(rows: readonly Row[], given: readonly (Column<Row> | (keyof Row & string))[]): string {
  const columns = given.map((column) => (typeof column === 'string' ? propertyColumn<Row>(column) : column));
  const cells = rows.map((row) => columns.map(({ value }) => printable(String(value(row) ?? ''))));
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...cells.map((line) => line[at]!.length)));
  const rightward = columns.map(({ align, value }) => {
    return align ? align === 'right' : rows.length > 0 && rows.every((row) => typeof (value(row) ?? 0) === 'number');
  });
  const line = (texts: readonly string[], row?: Row) =>
    texts
      .map((text, at) => {
        const padding = ' '.repeat(widths[at]! - text.length);
        const painted = row === undefined ? text : (columns[at]!.paint?.(text, row) ?? text);
        if (rightward[at]) return padding + painted;
        return at === texts.length - 1 ? painted : painted + padding;
      })
      .join('  ')
      .trimEnd();
  return `${[line(columns.map(({ title }) => title)), ...cells.map((texts, at) => line(texts, rows[at]))].join('\n')}\n`;
}

function propertyColumn<Row>(name: keyof Row & string): Column<Row> {
  return { title: name, value: (row) => row[name] as string | number | null };
}

/** Labels above the reason that they have in common, each reason once. */
export function groupedByReason(entries: readonly { readonly label: string; readonly reason: string }[]): string[] {
  const labels = new Map<string, string[]>();
  for (const { label, reason } of entries) labels.set(reason, [...(labels.get(reason) ?? []), label]);
  return [...labels].map(([reason, names]) => `${names.join('\n')}\n${indented(reason)}`);
}

/** Each line of a remedy below what it mends. */
export function indented(remedy: string): string {
  return remedy.replace(/^/gm, '  ');
}

export function printJson(value: unknown, output: Output = process.stdout): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One line, and nothing that a terminal would obey: texts may come from Harvest or from a topic. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
