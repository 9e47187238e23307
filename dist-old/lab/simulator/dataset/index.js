// Fills an account with a believable history: proportions of a working agency, every nullable variant, archived
// things, several currencies, letters of many alphabets. Seeded: the same options give the same account.
import { addDays } from '../calendar.js';
import { Dice, seededRandom } from '../random.js';
import { fillEstimates, fillInvoices } from './documents.js';
import { fillPeople } from './people.js';
import { fillProjects } from './projects.js';
import { fillExpenses, fillTimeEntries } from './tracking.js';
export { newCompany } from './company.js';
export function fill(account, options) {
    const timeEntries = options.timeEntries ?? 2000;
    const today = account.today();
    const making = {
        account,
        // Another stream of chance than the account's own, so that requests do not change what is made.
        dice: new Dice(seededRandom((options.seed ?? 1) * 7919 + 17)),
        counts: { ...usualCounts(timeEntries), ...options.counts },
        timeEntries,
        start: addDays(today, -Math.round(365.25 * (options.years ?? 3))),
        today,
    };
    fillPeople(making);
    fillProjects(making);
    const documents = fillInvoices(making);
    fillTimeEntries(making, documents);
    fillExpenses(making, documents);
    documents.finish();
    fillEstimates(making);
}
/** The proportions of an agency with 20,000 entries; never so few that a kind of record is missing. */
function usualCounts(timeEntries) {
    const scale = timeEntries / 20_000;
    const atLeast = (least, usual) => Math.max(least, Math.round(usual * scale));
    return {
        users: atLeast(8, 60),
        clients: atLeast(8, 80),
        projects: atLeast(16, 300),
        tasks: atLeast(10, Math.min(25, 25 / scale)),
        expenses: atLeast(30, 2000),
        invoices: atLeast(16, 600),
        estimates: atLeast(12, 200),
    };
}
