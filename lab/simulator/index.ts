// A believable Harvest API v2: the public door of the simulator.
export type { Answer, Outcome, SimulatorRequest } from './answer.ts';
export { type Budget, HARVEST_BUDGETS, type LoggedRequest } from './budgets.ts';
export type { Grain, Window } from './calendar.ts';
export type { Counts } from './dataset/making.ts';
export type { Fault, FaultAction, FaultMatch } from './faults.ts';
export type { Gone } from './model/noun.ts';
export type { Settings } from './model/settings.ts';
export { mutate } from './mutate.ts';
export type { Mutation } from './mutations/change.ts';
export { Dice, seededRandom } from './random.ts';
export { Refusal } from './refusal.ts';
export { type Removal, removeRows } from './removal.ts';
export type { Json, JsonObject } from './render/json.ts';
export { type RunningSimulator, serve, serveAll } from './server.ts';
export {
  createSimulator,
  DEFAULT_ACCOUNT_ID,
  DEFAULT_TOKEN,
  type Simulator,
  type SimulatorOptions,
} from './simulator.ts';
export { calm, STORM_CHANGES, type StormOptions, storm, stormBetweenRequests } from './storm.ts';
export type { TruthScope } from './truth.ts';
