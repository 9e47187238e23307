// The control API for tests that run the simulator as a process of its own. Closed unless asked for, never guarded:
// it is not part of the API.
import type { Random } from '../../src/base/clock.ts';
import type { Call, Reply } from './answer.ts';
import { readFields } from './body.ts';
import type { Grain } from './calendar.ts';
import type { Fault } from './faults.ts';
import { recordLists } from './lists.ts';
import type { Settings } from './model/settings.ts';
import { mutate } from './mutate.ts';
import { Dice, seededRandom } from './random.ts';
import { type Removal, removeRows } from './removal.ts';
import type { Json, JsonObject } from './render/json.ts';
import type { Simulator } from './simulator.ts';
import { calm, type StormOptions, storm } from './storm.ts';
import { streamNames } from './truth.ts';

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
export function control(simulator: Simulator, call: Call): Reply {
  try {
    return obey(simulator, call);
  } catch (error) {
    return { status: 400, body: { error: String(error) } };
  }
}

function obey(simulator: Simulator, call: Call): Reply {
  // Always JSON, whatever the header says: curl calls it a form by default, whose fields would be ignored.
  const fields = readFields({ ...call, headers: { ...call.headers, 'content-type': 'application/json' } });
  const chance = (): Random => seededRandom(Number(fields.seed ?? simulator.data.dice.below(2 ** 31)));
  switch (`${call.method} ${call.path}`) {
    case 'POST /_control/faults':
      simulator.faults.add(fields as unknown as Fault);
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
      const { pauseSeconds, ...options } = fields as StormFields;
      const pauses = pauseSeconds !== undefined && {
        advance: (ms: number) => simulator.advance(ms),
        longestPauseMs: pauseSeconds * 1000,
      };
      return told({ mutations: storm(simulator, { ...options, ...pauses, random: chance() }) });
    }
    case 'POST /_control/calm':
      calm(simulator);
      return done();
    case 'POST /_control/delete':
      return told({ removed: removeRows(simulator.data, fields as unknown as Removal, new Dice(chance())) });
    case 'POST /_control/clock':
      simulator.advance(Number(fields.advanceSeconds) * 1000);
      return told({ now: simulator.data.seconds() * 1000 });
    case 'POST /_control/settings':
      Object.assign(simulator.settings, fields as Partial<Settings>, {
        touches: { ...simulator.settings.touches, ...(fields.touches as Partial<Settings['touches']>) },
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

type StormFields = Omit<StormOptions, 'random' | 'advance'> & { readonly pauseSeconds?: number };

const told = (body: object): Reply => ({ status: 200, body: body as JsonObject });
const done = (): Reply => ({ status: 200, body: { done: true } });

function stats(simulator: Simulator) {
  const { log } = simulator;
  return {
    requests: log.all().length,
    statuses: log.statuses(),
    by_path: log.byPath(),
    max_in_any_window: {
      general: simulator.maxInAnyWindow('general'),
      reports: simulator.maxInAnyWindow('reports'),
    },
    records: Object.fromEntries(
      recordLists
        .filter(({ parents, path }) => !parents && !path.startsWith('/users/me'))
        .map((list) => [list.stream, list.rows(simulator.data, {}).length]),
    ),
  };
}

function truthBody(simulator: Simulator, query: URLSearchParams) {
  const stream = query.get('stream');
  if (stream === null) return { streams: everything(simulator, (query.get('grain') ?? 'month') as Grain) };
  const parent = query.get('parent');
  const [from, to] = [query.get('from'), query.get('to')];
  const scope = { ...(parent && { parentId: Number(parent) }), ...(from && { from }), ...(to && { to }) };
  return { records: simulator.truth(stream, scope), parent_ids: simulator.parentIds(stream) };
}

/** Every stream as the scopes in which it is asked, each with its records. */
function everything(simulator: Simulator, grain: Grain): JsonObject {
  const scoped = (stream: string) =>
    simulator.scopes(stream, grain).map((scope) => ({ ...scope, records: simulator.truth(stream, scope) }));
  return Object.fromEntries(streamNames.map((stream) => [stream, scoped(stream) as unknown as Json]));
}
