// The open status pages. Each is sent what it shows every two seconds, as server-sent events; one that does not read misses
// some of them, so that nobody's slowness takes memory.
import type { ServerResponse } from 'node:http';
import { type Clock, repeat } from '../base/clock.ts';

export const FRAME_MS = 2_000;
/** More would take the places of those that ask for health and metrics. */
export const VIEWERS_MAX = 20;

export class Viewers {
  readonly #clock: Clock;
  readonly #render: () => string;
  readonly #open = new Set<ServerResponse>();
  #stop: (() => void) | null = null;

  /** `render` gives the event that shows everything as it is now; it is called once for all of them. */
  constructor(clock: Clock, render: () => string) {
    this.#clock = clock;
    this.#render = render;
  }

  get isFull(): boolean {
    return this.#open.size >= VIEWERS_MAX;
  }

  /** Sends the first event at once and goes on until the client leaves. Throws when there is nothing that can be shown. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    const first = this.#render();
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' });
    response.write(`retry: 1000\n\n${first}`);
    this.#open.add(response);
    response.once('close', () => this.#leave(response));
    this.#stop ??= repeat(this.#clock, FRAME_MS, () => this.#tick());
  }

  #tick(): void {
    try {
      const frame = this.#render();
      for (const response of this.#open) if (!response.writableNeedDrain) response.write(frame);
    } catch {
      // The view failed, not the work. Pages that hear nothing say that what they show is old.
    }
  }

  #leave(response: ServerResponse): void {
    this.#open.delete(response);
    if (this.#open.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }
}

/** An event by that name with `data` as JSON, which has no line break. */
export function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
