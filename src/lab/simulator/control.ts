// The control door for tests that run the simulator as a process of its own. Closed unless asked for, never guarded:
// it is not part of the API.
import type { Call, Reply } from './answer.ts';
import { readFields } from './body.ts';
import type { Fault } from './faults.ts';
import { recordLists } from './lists.ts';
import type { Settings } from './model/settings.ts';
import { mutate } from './mutate.ts';
import { seededRandom } from './random.ts';
import type { Json } from './render/json.ts';
import type { Simulator } from './simulator.ts';

/**
 * - `POST /_control/faults` adds a fault (JSON of faults.ts), `DELETE` clears them
 * - `GET /_control/stats` counts requests; `DELETE` starts counting anew
 * - `POST /_control/mutate` `{count?, seed?}` makes random changes and tells them
 * - `POST /_control/settings` and `/_control/company` set some of their members
 * - `GET /_control/truth?stream=…&parent=…&from=…&to=…` gives the records; without stream, all parents and windows
 */
export function control(simulator: Simulator, call: Call): Reply {
  try {
    return obey(simulator, call);
  } catch (error) {
    return { status: 400, body: { error: String(error) } };
  }
}

function obey(simulator: Simulator, call: Call): Reply {
  const fields = readFields(call);
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
      const random = seededRandom(Number(fields.seed ?? simulator.data.dice.below(2 ** 31)));
      const mutations = Array.from({ length: Number(fields.count ?? 1) }, () => mutate(simulator, random));
      return { status: 200, body: { mutations: mutations as unknown as Json } };
    }
    case 'POST /_control/settings':
      Object.assign(simulator.settings, fields as Partial<Settings>);
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
  if (stream === null) return { months: simulator.months() as unknown as Json };
  const parent = query.get('parent');
  const [from, to] = [query.get('from'), query.get('to')];
  const scope = { ...(parent && { parentId: Number(parent) }), ...(from && { from }), ...(to && { to }) };
  return { records: simulator.truth(stream, scope), parent_ids: simulator.parentIds(stream) };
}
