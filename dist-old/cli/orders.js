// `release`, `census`, and what `state reset` and `dead-letters replay` end in: an order for whoever publishes the account. Only
// an order is written: a running daemon is not disturbed, and carries it out in its own time.
import { isoSeconds } from '../base/clock.js';
import { EXIT } from '../base/errors.js';
import { leaveOrders, untilTaken } from '../kafka/leave-orders.js';
import { stateTopic } from '../kafka/topics.js';
import { kafkaSettings, prefixOf } from '../settings.js';
import { configOf } from './configuration.js';
import { clock, interruption, print, uuid } from './context.js';
import { accountNamed, enabledStreamNamed } from './names.js';
import { printJson } from './output.js';
/** Lets go of a hold: what is missing may be deleted once Harvest said 404. */
export async function release(options, stream) {
    return leave(configOf(options), options, { kind: 'release', streams: [stream] });
}
/** Has everything of a stream read now. */
export async function census(options, stream) {
    return leave(configOf(options), options, { kind: 'census', streams: [stream] });
}
/** Leaves an order for each stream and says what comes of it. Exit 75 when nobody took them within `--wait`. */
export async function leave(config, options, wanted) {
    const account = accountNamed(config, options.account);
    const { kind, to = null } = wanted;
    const at = isoSeconds(clock.now());
    const orders = wanted.streams.map((name) => {
        const stream = enabledStreamNamed(config, name).name;
        return { id: uuid(), kind, stream, to, at };
    });
    const { signal, exitCode } = interruption();
    const where = { kafka: kafkaSettings(config), prefix: prefixOf(config, account), accountId: account.id };
    const first = await leaveOrders(where.kafka, where, orders);
    if (!options.json)
        print(told(where.prefix, orders));
    let taken = null;
    if (options.wait !== undefined) {
        const patienceMs = options.wait * 1000;
        taken = await untilTaken({ ...where, clock, log: () => { } }, orders, first, patienceMs, signal);
    }
    if (options.json)
        printJson({ account_id: account.id, orders, taken });
    else if (taken !== null)
        print(taken ? 'Taken.' : `Not taken within ${options.wait} s. It waits until a daemon runs.`);
    return exitCode() ?? (taken === false ? EXIT.temporary : EXIT.clean);
}
function told(prefix, orders) {
    const lines = orders.map(({ id, kind, stream, to }) => {
        return `${kind} of ${stream}${to === null ? '' : ` back to ${to}`}: left as order ${id} in ${stateTopic(prefix)}`;
    });
    return `${lines.join('\n')}
A running daemon takes it within seconds, else the next one that starts. Until then harvest-kafka state show lists it;
with --wait <seconds> this command waits for it.`;
}
