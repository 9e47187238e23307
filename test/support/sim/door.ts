// Harvest's door as a schedule's publisher meets it: the simulator in process, now and then an answer that is older than it
// should be. Notes what no publisher may do there.

import type { Simulator } from '../../../lab/simulator/index.ts';
import type { HttpAnswer, HttpRequest } from '../../../src/harvest/transport.ts';
import { streams } from '../truth.ts';
import { ID_HOST, TEST_HOST } from './plan.ts';

const LISTS = new Map(streams.filter(({ kind }) => kind === 'list').map((stream) => [stream.path, stream]));

export class Door {
  readonly simulator: Simulator;
  /** Requests that went where they may not go. */
  readonly strayed: string[] = [];
  /** So many answers to come may be old ones. */
  stale = 0;
  /** So many answers to come may lack a record that is there, as a list does that shifts. */
  gaps = 0;
  readonly #before = new Map<string, { readonly answer: HttpAnswer; readonly world: string }>();

  constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  handle({ method, url, headers, body }: HttpRequest): HttpAnswer | 'hang' | 'reset' {
    const { host, pathname } = new URL(url);
    if (host !== TEST_HOST && host !== ID_HOST) {
      this.strayed.push(`${method} ${host}`);
      return 'reset';
    }
    // Uncompressed: unpacking takes real time, which a virtual clock cannot wait for.
    const plain = { ...headers, 'accept-encoding': 'identity' };
    const outcome = this.simulator.handle({ method, url, headers: plain, ...(body !== undefined && { body }) });
    if (outcome.outcome === 'hang') return 'hang';
    if (outcome.outcome !== 'answered') return 'reset';
    const encoding = outcome.headers['content-encoding'];
    // Damaged gzip fails like an encoding that nobody asked for, and that without a thread.
    const answer = {
      status: outcome.status,
      headers: encoding === undefined ? outcome.headers : { ...outcome.headers, 'content-encoding': 'damaged' },
      body: outcome.status === 200 ? outcome.body : telltale(outcome.body, headers.authorization ?? ''),
    };
    const stream = LISTS.get(pathname.replace(/^\/v2/, ''));
    if (!stream || answer.status !== 200) return answer;
    return this.gaps > 0 ? this.#withGap(stream.name, answer) : this.#maybeStale(url, answer);
  }

  #withGap(rows: string, answer: HttpAnswer): HttpAnswer {
    const text = answer.body.toString();
    if (!text.startsWith('{')) return answer;
    const page = tryParse(text);
    if (!Array.isArray(page?.[rows]) || page[rows].length === 0) return answer;
    this.gaps--;
    page[rows].pop();
    if (typeof page.total_entries === 'number') page.total_entries--;
    return { ...answer, body: Buffer.from(JSON.stringify(page)) };
  }

  /** A cache's older answer to the very same question; never one that shows what is gone since, or what another role may see. */
  #maybeStale(url: string, answer: HttpAnswer): HttpAnswer {
    const world = `${this.simulator.data.gone.length} ${this.simulator.settings.role}`;
    const before = this.#before.get(url);
    if (before && before.world === world && this.stale > 0 && !before.answer.body.equals(answer.body)) {
      this.stale--;
      return before.answer;
    }
    this.#before.set(url, { answer, world });
    return answer;
  }
}

/** Half a page is none. */
function tryParse(text: string): Record<string, unknown[] | number> | null {
  try {
    return JSON.parse(text) as Record<string, unknown[] | number>;
  } catch {
    return null;
  }
}

/** The request as some proxies print it in their error pages. */
export const ECHO = 'the-request-itself';

function telltale(body: Buffer, authorization: string): Buffer {
  return body.includes(ECHO) ? Buffer.from(body.toString().replaceAll(ECHO, authorization)) : body;
}
