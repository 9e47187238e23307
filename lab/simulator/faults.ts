// Scripted misbehaviour: which requests it meets, and what happens to them. Applied by the simulator around the
// honest answer, so that a fault never changes what the account holds.
import type { Answer, Call } from './answer.ts';

export interface FaultMatch {
  /** Against path and query as sent. A text is the source of an expression. */
  readonly path?: string | RegExp;
  /** Against the whole name of the stream. */
  readonly stream?: string | RegExp;
  readonly method?: string;
  /** The first so many matching requests pass unharmed. */
  readonly after?: number;
  /** So many are then harmed; all of them when left out. */
  readonly times?: number;
}

export type FaultAction =
  /** Answers this instead; Harvest's own body for that status unless one is given. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string | Record<string, never>;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: 'reset' | 'hang' }
  /** Headers and half of the body, then a reset. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The body in eight pieces with this pause between them. */
  | { readonly kind: 'drip'; readonly ms: number }
  /** Half of the JSON, as a complete answer. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'bad-gzip' }
  /** The page that was sent before for this path, once more. */
  | { readonly kind: 'repeat-page' }
  /** To the page itself, to the first page (a circle), to a host that nobody has, or to this address. */
  | { readonly kind: 'next-link'; readonly to: 'self' | 'first' | 'foreign' | URL }
  | { readonly kind: 'drop-header'; readonly header: string }
  | { readonly kind: 'date-offset'; readonly seconds: number }
  /** Every access token dies before this request is looked at. */
  | { readonly kind: 'revoke-tokens' }
  /** In process only: does anything before the request is answered, or after. */
  | { readonly kind: 'before' | 'after'; readonly run: (call: Call) => void };

export interface Fault {
  readonly match?: FaultMatch;
  readonly do: FaultAction;
}

export class Faults {
  #armed: { fault: Fault; path?: RegExp; stream?: RegExp; seen: number }[] = [];

  /** Adds a fault; the returned function takes it away again. */
  add(fault: Fault): () => void {
    const { path, stream } = fault.match ?? {};
    const armed = {
      fault,
      ...(path !== undefined && { path: typeof path === 'string' ? new RegExp(path) : path }),
      ...(stream !== undefined && { stream: typeof stream === 'string' ? new RegExp(`^(?:${stream})$`) : stream }),
      seen: 0,
    };
    this.#armed.push(armed);
    return () => {
      this.#armed = this.#armed.filter((other) => other !== armed);
    };
  }

  clear(): void {
    this.#armed = [];
  }

  /** The actions that meet this request, in the order they were added. */
  take(call: Call, streamName: string | null): FaultAction[] {
    const actions: FaultAction[] = [];
    for (const armed of this.#armed) {
      const { method, after = 0, times = Number.POSITIVE_INFINITY } = armed.fault.match ?? {};
      if (armed.path && !armed.path.test(call.target)) continue;
      if (armed.stream && !armed.stream.test(streamName ?? '')) continue;
      if (method !== undefined && method !== call.method) continue;
      armed.seen += 1;
      if (armed.seen > after && armed.seen <= after + times) actions.push(armed.fault.do);
    }
    return actions;
  }
}

/** The answer after the faults that spoil one on its way out. */
export function spoil(answer: Answer, actions: readonly FaultAction[]): Answer {
  let spoilt = answer;
  for (const action of actions) spoilt = spoilOnce(spoilt, action);
  return spoilt;
}

function spoilOnce(answer: Answer, action: FaultAction): Answer {
  switch (action.kind) {
    case 'cut':
      return { ...answer, outcome: 'cut', body: firstHalf(answer.body) };
    case 'delay':
      return { ...answer, delayMs: answer.delayMs + action.ms };
    case 'drip':
      return { ...answer, pauseMs: action.ms };
    case 'bad-gzip': {
      const body = Buffer.concat([Buffer.from([0x1f, 0x8b, 0x08, 0x00]), Buffer.from('this is not deflate')]);
      const headers = { ...answer.headers, 'content-encoding': 'gzip', 'content-length': String(body.length) };
      return { ...answer, headers, body };
    }
    case 'drop-header': {
      const { [action.header.toLowerCase()]: _dropped, ...headers } = answer.headers;
      return { ...answer, headers };
    }
    default:
      return answer;
  }
}

const firstHalf = (body: Buffer): Buffer => body.subarray(0, Math.floor(body.length / 2));
