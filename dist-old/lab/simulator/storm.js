import { LIFE } from './mutate.js';
import { change } from './mutations/change.js';
import { MOVES } from './mutations/moves.js';
import { WHIMS } from './mutations/whims.js';
import { Dice } from './random.js';
const CHANGES = [...LIFE, ...MOVES, ...WHIMS];
export const STORM_CHANGES = CHANGES.map(([name]) => name);
/** Makes `count` changes (one when left out) and tells them. The same chance on the same account makes the same ones. */
export function storm(simulator, options) {
    const { count = 1, lateSeconds = 0, advance, longestPauseMs = 60_000 } = options;
    const account = simulator.data;
    const dice = new Dice(options.random);
    const changes = weighted(options.weights ?? {});
    return Array.from({ length: count }, () => {
        if (advance && !dice.chance(1 / 3))
            advance(dice.below(longestPauseMs * (dice.chance(0.01) ? 1000 : 1)));
        account.lateness = dice.chance(0.2) ? dice.below(lateSeconds + 1) : 0;
        try {
            return change(account, changes, dice);
        }
        finally {
            account.lateness = 0;
        }
    });
}
/** Storms after each request that matches, so that lists shift while they are walked. The returned function ends it. */
export function stormBetweenRequests(simulator, options) {
    const run = () => {
        const mutations = storm(simulator, options);
        options.each?.(mutations);
    };
    return simulator.faults.add({ ...(options.match && { match: options.match }), do: { kind: 'after', run } });
}
/** Ends what a storm leaves unquiet: running timers, which tick on every read, and modules that are off. */
export function calm({ data }) {
    for (const entry of data.time_entries.all())
        if (entry.timer_started_at !== null)
            data.time_entries.stop(entry.id);
    Object.assign(data.company, { expense_feature: true, invoice_feature: true, estimate_feature: true });
}
function weighted(factors) {
    const known = new Set(STORM_CHANGES.flatMap((name) => [name, ...name.split('.')]));
    const unknown = Object.keys(factors).filter((name) => !known.has(name));
    if (unknown.length > 0)
        throw new RangeError(`no change is called ${unknown.join(', ')}`);
    return CHANGES.map(([name, weight, act]) => {
        const [stream, verb] = name.split('.');
        return [name, weight * (factors[name] ?? (factors[stream] ?? 1) * (factors[verb] ?? 1)), act];
    });
}
