import { readFields } from './body.js';
import { recordLists } from './lists.js';
import { mutate } from './mutate.js';
import { Dice, seededRandom } from './random.js';
import { removeRows } from './removal.js';
import { calm, storm } from './storm.js';
import { streamNames } from './truth.js';
/**
 * - `POST /_control/faults` adds a fault (JSON of faults.ts), `DELETE` clears them
 * - `GET /_control/stats` counts requests; `DELETE` starts counting anew
 * - `POST /_control/mutate` `{count?, seed?}` makes random changes and tells them
 * - `POST /_control/storm` `{count?, seed?, weights?, lateSeconds?, pauseSeconds?}` makes worse ones (storm.ts); with a
 *   pause, time passes between them
 * - `POST /_control/calm` ends what a storm leaves unquiet
 * - `POST /_control/delete` `{stream, ids | count | share, seed?}` deletes rows with their cascades and tells all of them
 * - `POST /_control/clock` `{advanceSeconds}` lets time pass for the account
 * - `POST /_control/settings` and `/_control/company` set some of their members
 * - `GET /_control/truth?grain=…` gives everything: each stream's parents or windows with their records
 * - `GET /_control/truth?stream=…&parent=…&from=…&to=…` gives the records of one
 */
export function control(simulator, call) {
    try {
        return obey(simulator, call);
    }
    catch (error) {
        return { status: 400, body: { error: String(error) } };
    }
}
function obey(simulator, call) {
    const fields = readFields(call);
    const chance = () => seededRandom(Number(fields.seed ?? simulator.data.dice.below(2 ** 31)));
    switch (`${call.method} ${call.path}`) {
        case 'POST /_control/faults':
            simulator.faults.add(fields);
            return done();
        case 'DELETE /_control/faults':
            simulator.faults.clear();
            return done();
        case 'GET /_control/stats':
            return { status: 200, body: stats(simulator) };
        case 'DELETE /_control/stats':
            simulator.log.clear();
            return done();
        case 'POST /_control/mutate': {
            const random = chance();
            return told({ mutations: Array.from({ length: Number(fields.count ?? 1) }, () => mutate(simulator, random)) });
        }
        case 'POST /_control/storm': {
            const { pauseSeconds, ...options } = fields;
            const pauses = pauseSeconds !== undefined && {
                advance: (ms) => simulator.advance(ms),
                longestPauseMs: pauseSeconds * 1000,
            };
            return told({ mutations: storm(simulator, { ...options, ...pauses, random: chance() }) });
        }
        case 'POST /_control/calm':
            calm(simulator);
            return done();
        case 'POST /_control/delete':
            return told({ removed: removeRows(simulator.data, fields, new Dice(chance())) });
        case 'POST /_control/clock':
            simulator.advance(Number(fields.advanceSeconds) * 1000);
            return told({ now: simulator.data.seconds() * 1000 });
        case 'POST /_control/settings':
            Object.assign(simulator.settings, fields, {
                touches: { ...simulator.settings.touches, ...fields.touches },
            });
            return done();
        case 'POST /_control/company':
            Object.assign(simulator.data.company, fields);
            return done();
        case 'GET /_control/truth':
            return { status: 200, body: truthBody(simulator, call.query) };
        default:
            return { status: 404, body: { error: 'no such control' } };
    }
}
const told = (body) => ({ status: 200, body: body });
const done = () => ({ status: 200, body: { done: true } });
function stats(simulator) {
    const { log } = simulator;
    return {
        requests: log.all().length,
        statuses: log.statuses(),
        by_path: log.byPath(),
        max_in_any_window: {
            general: simulator.maxInAnyWindow('general'),
            reports: simulator.maxInAnyWindow('reports'),
        },
        records: Object.fromEntries(recordLists
            .filter(({ parents, path }) => !parents && !path.startsWith('/users/me'))
            .map((list) => [list.stream, list.rows(simulator.data, {}).length])),
    };
}
function truthBody(simulator, query) {
    const stream = query.get('stream');
    if (stream === null)
        return { streams: everything(simulator, (query.get('grain') ?? 'month')) };
    const parent = query.get('parent');
    const [from, to] = [query.get('from'), query.get('to')];
    const scope = { ...(parent && { parentId: Number(parent) }), ...(from && { from }), ...(to && { to }) };
    return { records: simulator.truth(stream, scope), parent_ids: simulator.parentIds(stream) };
}
/** Every stream as the scopes in which it is asked, each with its records. */
function everything(simulator, grain) {
    const scoped = (stream) => simulator.scopes(stream, grain).map((scope) => ({ ...scope, records: simulator.truth(stream, scope) }));
    return Object.fromEntries(streamNames.map((stream) => [stream, scoped(stream)]));
}
