// Fills an account with a believable history: proportions of a working agency, every nullable variant, archived
// things, several currencies, letters of many alphabets. Seeded: the same options give the same account.
import { addDays } from '../calendar.ts';
import type { Account } from '../model/account.ts';
import { Dice, seededRandom } from '../random.ts';
import { fillEstimates, fillInvoices } from './documents.ts';
import type { Counts, Making } from './making.ts';
import { fillPeople } from './people.ts';
import { fillProjects } from './projects.ts';
import { fillExpenses, fillTimeEntries } from './tracking.ts';

export { newCompany } from './company.ts';

export interface DatasetOptions {
  readonly seed?: number;
  /** Everything else follows in proportion. Up to 200,000 is made in seconds. */
  readonly timeEntries?: number;
  /** How far back the history reaches. */
  readonly years?: number;
  /** Numbers that differ from the usual proportion. */
  readonly counts?: Partial<Counts>;
}

export function fill(account: Account, options: DatasetOptions): void {
  const timeEntries = options.timeEntries ?? 2000;
  const today = account.today();
  const making: Making = {
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
function usualCounts(timeEntries: number): Counts {
  const scale = timeEntries / 20_000;
  const atLeast = (least: number, usual: number) => Math.max(least, Math.round(usual * scale));
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
