// Weather for an account: what `mutate` does, and everything else that a client gets wrong. Every stream, every kind of
// change, many in one second, writes that become visible late, changes between the requests of one walk.
import type { Random } from '../../src/base/clock.ts';
import type { FaultMatch, Faults } from './faults.ts';
import type { Account } from './model/account.ts';
import { LIFE } from './mutate.ts';
import { type Change, change, type Mutation } from './mutations/change.ts';
import { MOVES } from './mutations/moves.ts';
import { WHIMS } from './mutations/whims.ts';
import { Dice } from './random.ts';

const CHANGES: readonly Change[] = [...LIFE, ...MOVES, ...WHIMS];

export const STORM_CHANGES: readonly string[] = CHANGES.map(([name]) => name);

export interface StormOptions {
  readonly random: Random;
  readonly count?: number;
  /**
   * Factors on the usual weights: by name (`projects.delete`), or by either half (`projects`, `delete`), which multiply.
   * 0 leaves a change out.
   */
  readonly weights?: Readonly<Record<string, number>>;
  /** A fifth of the writes become visible up to this much later than their timestamps say. */
  readonly lateSeconds?: number;
  /** Lets time pass between changes; none passes when left out. A third of the changes share their second all the same. */
  readonly advance?: (ms: number) => void;
  /** The usual longest pause; one in a hundred is up to a thousand times as long (a month, when it is an hour). */
  readonly longestPauseMs?: number;
}

/** Makes `count` changes (one when left out) and tells them. The same chance on the same account makes the same ones. */
export function storm(simulator: { readonly data: Account }, options: StormOptions): Mutation[] {
  const { count = 1, lateSeconds = 0, advance, longestPauseMs = 60_000 } = options;
  const account = simulator.data;
  const dice = new Dice(options.random);
  const changes = weighted(options.weights ?? {});
  return Array.from({ length: count }, () => {
    if (advance && !dice.chance(1 / 3)) advance(dice.below(longestPauseMs * (dice.chance(0.01) ? 1000 : 1)));
    account.lateness = dice.chance(0.2) ? dice.below(lateSeconds + 1) : 0;
    try {
      return change(account, changes, dice);
    } finally {
      account.lateness = 0;
    }
  });
}

/** Storms after each request that matches, so that lists shift while they are walked. The returned function ends it. */
export function stormBetweenRequests(
  simulator: { readonly data: Account; readonly faults: Faults },
  options: StormOptions & { readonly match?: FaultMatch; readonly each?: (mutations: readonly Mutation[]) => void },
): () => void {
  const run = () => {
    const mutations = storm(simulator, options);
    options.each?.(mutations);
  };
  return simulator.faults.add({ ...(options.match && { match: options.match }), do: { kind: 'after', run } });
}

/** Ends what a storm leaves unquiet: running timers, which tick on every read, and modules that are off. */
export function calm({ data }: { readonly data: Account }): void {
  for (const entry of data.time_entries.all()) if (entry.timer_started_at !== null) data.time_entries.stop(entry.id);
  Object.assign(data.company, { expense_feature: true, invoice_feature: true, estimate_feature: true });
}

function weighted(factors: Readonly<Record<string, number>>): readonly Change[] {
  const known = new Set(STORM_CHANGES.flatMap((name) => [name, ...name.split('.')]));
  const unknown = Object.keys(factors).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new RangeError(`no change is called ${unknown.join(', ')}`);
  return CHANGES.map(([name, weight, act]) => {
    const [stream, verb] = name.split('.') as [string, string];
    return [name, weight * (factors[name] ?? (factors[stream] ?? 1) * (factors[verb] ?? 1)), act];
  });
}
