// The last hour as a small curve, and as a table for those who cannot see it. Plain SVG: no library, nothing that moves.
import { HISTORY_MS, type Moment } from './history.ts';
import { type Html, html, trusted } from './html.ts';
import { percent } from './standing.ts';

const WIDTH = 120;
const HEIGHT = 26;
/** A hole longer than this breaks the curve: the process slept, or nothing was known. */
const HOLE_MS = 90_000;
/** Rows of the table are so long. */
const ROW_MS = 300_000;

export interface Curve {
  readonly label: string;
  /** A share: 1 is full, or late. */
  readonly of: (moment: Moment) => number | null;
}

export function renderCurve({ label, of }: Curve, moments: readonly Moment[], now: number): Html {
  const values = moments.map(of).filter((value) => value !== null);
  if (values.length < 2) return html``;
  const most = Math.max(...values);
  const scale = Math.max(1, most);
  const x = (at: number) => rounded(WIDTH * (1 - (now - at) / HISTORY_MS));
  const y = (value: number) => rounded(HEIGHT - (HEIGHT - 2) * (value / scale));
  const path = moments.map((moment, index) => {
    const value = of(moment);
    if (value === null) return '';
    const before = moments[index - 1];
    const joins = before !== undefined && of(before) !== null && moment.at - before.at < HOLE_MS;
    return `${joins ? 'L' : 'M'}${x(moment.at)} ${y(value)}`;
  });
  const said = `${label} over the last hour: now ${percent(values.at(-1)!)}, at most ${percent(most)}`;
  return html`<svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${said}"><path class="limit" d="M0 ${y(1)}H${WIDTH}"/><path d="${path.join('')}"/></svg>`;
}

/** The worst of every five minutes, newest first. */
export function renderHour(curves: readonly Curve[], moments: readonly Moment[], now: number): Html {
  const rows = Array.from({ length: HISTORY_MS / ROW_MS }, (_, row) => {
    const within = moments.filter(({ at }) => Math.floor((now - at) / ROW_MS) === row);
    const cells = curves.map(({ of }) => within.map(of).filter((value) => value !== null));
    return { minutes: (row * ROW_MS) / 60_000, cells };
  }).filter(({ cells }) => cells.some((values) => values.length > 0));
  if (rows.length === 0) return html``;
  return html`<details class="hour"><summary>the last hour as a table</summary>
<table><thead><tr><th scope="col">minutes ago</th>${curves.map(({ label }) => html`<th scope="col" class="number">${label}, at most</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ minutes, cells }) =>
      html`<tr><th scope="row">${minutes} to ${minutes + ROW_MS / 60_000}</th>${cells.map((values) => html`<td class="number">${values.length === 0 ? trusted('–') : percent(Math.max(...values))}</td>`)}</tr>`,
  )}</tbody></table></details>`;
}

function rounded(value: number): number {
  return Math.round(10 * value) / 10;
}
