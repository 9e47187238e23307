// A simulated Harvest behind a real socket with a clock that stands still until a test moves it.
import {
  createSimulator,
  type JsonObject,
  type Simulator,
  type SimulatorOptions,
  serve,
} from '../../lab/simulator/index.ts';
import { EPOCH } from './epoch.ts';

/** Where the clock of these accounts stands at first. */
export const START = EPOCH;

// biome-ignore lint/suspicious/noExplicitAny: answers are read member by member in tests.
type Any = any;

export interface Exchange {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Any;
}

export interface SimulatedHarvest {
  readonly simulator: Simulator;
  readonly url: string;
  advance(seconds: number): void;
  /** Sends what every client has to send; `init.headers` come on top, null takes one away. */
  ask(
    path: string,
    init?: { method?: string; headers?: Record<string, string | null>; body?: unknown },
  ): Promise<Exchange>;
  /** The records of every page, following `links.next`. */
  walk(path: string): Promise<{ records: JsonObject[]; pages: Any[] }>;
  close(): Promise<void>;
}

export async function openHarvest(options: SimulatorOptions & { control?: boolean } = {}): Promise<SimulatedHarvest> {
  let now = START;
  const simulator = createSimulator({
    timeEntries: 400,
    now: () => now,
    budgets: { general: null, reports: null },
    ...options,
  });
  const server = await serve(simulator, { control: options.control ?? false });

  const ask: SimulatedHarvest['ask'] = async (path, init = {}) => {
    const headers: Record<string, string> = {};
    const wanted = {
      authorization: `Bearer ${simulator.token}`,
      'harvest-account-id': String(simulator.accountId),
      'user-agent': 'harvest-kafka tests (https://example.com)',
      ...(init.body !== undefined && { 'content-type': 'application/json' }),
      ...init.headers,
    };
    for (const [name, value] of Object.entries(wanted)) if (value !== null) headers[name] = value;
    const body = typeof init.body === 'string' ? init.body : JSON.stringify(init.body);
    const response = await fetch(path.startsWith('http') ? path : server.url + path, {
      method: init.method ?? 'GET',
      headers,
      ...(init.body !== undefined && { body }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
  };

  return {
    simulator,
    url: server.url,
    advance: (seconds) => {
      now += seconds * 1000;
    },
    ask,
    async walk(path) {
      const pages: Any[] = [];
      const records: JsonObject[] = [];
      for (let next: string | null = path; next !== null; next = pages.at(-1).links.next) {
        const { json } = await ask(next);
        pages.push(json);
        records.push(...(Object.values(json)[0] as JsonObject[]));
      }
      return { records, pages };
    },
    close: server.close,
  };
}
