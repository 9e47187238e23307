// Whether a publisher waits as long as Harvest asks it to (P6). It knows of a wish when the answer has reached it.
import type { HttpAnswer, HttpRequest } from '../../../src/harvest/transport.ts';
import { TEST_HOST } from './plan.ts';

interface Wish {
  readonly heardAt: number;
  readonly until: number;
}

export class Patience {
  readonly #wishes = new Map<string, Wish>();

  /** What is wrong with a request at this moment; null when nothing is. */
  asks({ url }: HttpRequest, now: number): string | null {
    const wish = this.#wishes.get(budgetOf(url));
    const isEarly = wish && now > wish.heardAt && now < wish.until;
    return isEarly ? `asked ${Math.round(wish.until - now)} ms too early: ${url}` : null;
  }

  hears({ url }: HttpRequest, { status, headers }: HttpAnswer, now: number): void {
    const seconds = Number(headers['retry-after']);
    if ((status !== 429 && status !== 503) || !(seconds > 0)) return;
    const budget = budgetOf(url);
    const until = Math.max(this.#wishes.get(budget)?.until ?? 0, now + seconds * 1000);
    this.#wishes.set(budget, { heardAt: now, until });
  }
}

function budgetOf(url: string): string {
  const { host, pathname } = new URL(url);
  return host === TEST_HOST && pathname.startsWith('/v2/reports/') ? 'reports' : host;
}
