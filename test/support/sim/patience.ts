// Whether a publisher waits as long as Harvest asks it to (P6). It knows of a wish when the answer has reached it.
import type { HttpAnswer, HttpRequest } from '../../../src/harvest/transport.ts';
import type { BudgetName } from '../../../src/streams/definition.ts';
import { TEST_HOST } from './plan.ts';

interface Wish {
  readonly heardAt: number;
  readonly until: number;
}

/** A request that was let go in the turn in which the answer came could not know of it; looks at the clock make that turn last. */
const SAME_TURN_MS = 100;

export class Patience {
  readonly #wishes = new Map<string, Wish>();

  /** The fault of a request at this moment; null when it has none. */
  asks({ url }: HttpRequest, now: number): string | null {
    const wish = this.#wishes.get(placeOf(url));
    const isEarly = wish && now > wish.heardAt + SAME_TURN_MS && now < wish.until;
    return isEarly ? `asked ${Math.round(wish.until - now)} ms too early: ${url}` : null;
  }

  hears({ url }: HttpRequest, { status, headers }: HttpAnswer, now: number): void {
    const seconds = Number(headers['retry-after']);
    if ((status !== 429 && status !== 503) || !(seconds > 0)) return;
    const place = placeOf(url);
    const until = Math.max(this.#wishes.get(place)?.until ?? 0, now + seconds * 1000);
    this.#wishes.set(place, { heardAt: now, until });
  }
}

/** The budget that a request takes from; null for those of the id host, which take from none. */
export function budgetOf(url: string): BudgetName | null {
  const { host, pathname } = new URL(url);
  if (host !== TEST_HOST) return null;
  return pathname.startsWith('/v2/reports/') ? 'reports' : 'general';
}

/** A budget or a host that asks to be left alone. */
function placeOf(url: string): string {
  return budgetOf(url) ?? new URL(url).host;
}
