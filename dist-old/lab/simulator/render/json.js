// What every renderer needs: the shape of its result, timestamps, and references joined when read.
import { dateTime } from '../calendar.js';
export const stamps = (row) => ({ created_at: dateTime(row.created_at), updated_at: dateTime(row.updated_at) });
export function clientOf(account, id) {
    const client = account.clients.expect(id);
    return { id, name: client.name };
}
export function clientWithCurrency(account, id) {
    const client = account.clients.expect(id);
    return { id, name: client.name, currency: client.currency };
}
export function projectOf(account, id) {
    const project = account.projects.expect(id);
    return { id, name: project.name, code: project.code };
}
export function userOf(account, id) {
    const user = account.users.expect(id);
    return { id, name: `${user.first_name} ${user.last_name}` };
}
export function taskOf(account, id) {
    return { id, name: account.tasks.expect(id).name };
}
/** Whether the token's owner may see rates and amounts (harvest-api section 11). */
export const seesRates = (account) => account.settings.role === 'administrator';
/** Money members as this caller sees them: shown, null, or not there at all. */
export function rates(account, members) {
    if (seesRates(account))
        return members;
    if (account.settings.hiddenRates === 'omitted')
        return {};
    return Object.fromEntries(Object.keys(members).map((name) => [name, null]));
}
