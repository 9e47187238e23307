// Which step a task of the schedule is, and what its end means.
import { assert } from '../base/errors.js';
import { censusStep } from './census-step.js';
import { childStep } from './child-step.js';
import { confirmStep } from './confirm-step.js';
import { listStep } from './list-step.js';
import { orderStep } from './order-step.js';
import { removalStep } from './removal-step.js';
import { reportStep } from './report-step.js';
import { isReading } from './retry.js';
import { wholeStep } from './whole-step.js';
/** Does what `task` says. Throws what Source throws. */
export async function runStep(live, task, context) {
    switch (task.kind) {
        case 'order':
            return orderStep(live, context);
        case 'confirm':
            return confirmStep(live, context);
        case 'census':
            return censusStep(live, context);
        case 'removal':
            return removalStep(live, context);
        case 'window':
            return reportStep(live, task.window, context);
        case 'read':
            return readStep(live, context);
    }
}
/** The next part of the stream's own reading, by its kind. */
function readStep(live, context) {
    const { position } = live.row;
    assert(position.kind !== 'report', 'reports are read by window');
    if (position.kind === 'child')
        return childStep(live, position, context);
    return live.definition.kind === 'whole' ? wholeStep(live, context) : listStep(live, position, context);
}
/** Whether what failed before works again, now that `task` has ended. */
export function isMended({ kind, ofWalk }, task, { swept }, live) {
    if (!isReading(kind) && kind !== task.kind)
        return false;
    return !ofWalk || swept || isRounded(task, live);
}
/** A census or a round over all windows has ended with this step. */
export function isRounded(task, { row }) {
    if (task.kind === 'census')
        return row.census === null;
    return (task.kind === 'window' &&
        task.window.why === 'round' &&
        row.position.kind === 'report' &&
        row.position.round === null);
}
