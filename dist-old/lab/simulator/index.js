export { HARVEST_BUDGETS } from './budgets.js';
export { mutate } from './mutate.js';
export { Dice, seededRandom } from './random.js';
export { Refusal } from './refusal.js';
export { removeRows } from './removal.js';
export { serve } from './server.js';
export { createSimulator, DEFAULT_ACCOUNT_ID, DEFAULT_TOKEN, } from './simulator.js';
export { calm, STORM_CHANGES, storm, stormBetweenRequests } from './storm.js';
