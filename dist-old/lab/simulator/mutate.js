import { change } from './mutations/change.js';
import { CLIENT_CHANGES } from './mutations/clients.js';
import { DOCUMENT_CHANGES } from './mutations/documents.js';
import { PROJECT_CHANGES } from './mutations/projects.js';
import { TRACKING_CHANGES } from './mutations/tracking.js';
import { Dice } from './random.js';
/** What people do. In this order for good: a seed draws from it, and a demonstration's account is made again from one. */
export const LIFE = [
    ...TRACKING_CHANGES,
    ...CLIENT_CHANGES,
    ...PROJECT_CHANGES,
    ...DOCUMENT_CHANGES,
];
/** Changes something and tells what. Frequent things (hours) change often, rare things (a project's end) seldom. */
export function mutate(simulator, random) {
    return change(simulator.data, LIFE, new Dice(random));
}
