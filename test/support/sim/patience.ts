// Whether a publisher waits as long as Harvest asks it to (P6). It knows of a wish when the answer has reached it.
import type { HttpAnswer, HttpRequest } from '../../../src/harvest/transport.ts';
import { TEST_HOST } from './plan.ts';

interface Wish {
  readonly heardAt: number;
  readonly until: number;
}

export class Patience {
  /** What was asked although Harvest had said to wait. */
  readonly lost: string[] = [];
  readonly #wishes = new Map<string, Wish>();

  asks({ url }: HttpRequest, now: number): void {
    const wish = this.#wishes.get(budgetOf(url));
    if (wish && now > wish.heardAt && now < wish.until)
      this.lost.push(`asked ${wish.until - now} ms too early: ${url}`);
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
