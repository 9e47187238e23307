// One Harvest account: its company, its nouns, its clock. Members are named as the streams are, so that
// `account.time_entries.create({…})` reads like the API. Knows nothing of HTTP.
import { dateOf } from '../calendar.ts';
import { Dice, seededRandom } from '../random.ts';
import { EstimateItemCategories, ExpenseCategories, InvoiceItemCategories } from './categories.ts';
import { Clients, Contacts } from './clients.ts';
import { EstimateMessages, Estimates } from './estimates.ts';
import { Expenses } from './expenses.ts';
import { InvoiceMessages, InvoicePayments, Invoices } from './invoices.ts';
import type { Gone, Nouns } from './noun.ts';
import { Rates, Roles, Users } from './people.ts';
import { Projects, TaskAssignments, Tasks, UserAssignments } from './projects.ts';
import type { Company, UserRow } from './rows.ts';
import type { Settings } from './settings.ts';
import { TimeEntries } from './time-entries.ts';

export class Account implements Nouns {
  readonly id: number;
  readonly settings: Settings;
  readonly company: Company;
  /** Chance for keys that Harvest makes up; seeded, so that a run can be repeated. */
  readonly dice: Dice;
  /** Every record that is gone, in the order it went: ids are never given again. */
  readonly gone: Gone[] = [];
  /** How long writes take to become visible, in seconds: they carry the time at which they began. */
  lateness = 0;
  readonly #now: () => number;

  readonly clients = new Clients(this, 'clients', 5_735_774);
  readonly contacts = new Contacts(this, 'contacts', 4_706_479);
  readonly users = new Users(this, 'users', 1_782_959);
  readonly roles = new Roles(this, 'roles', 617_670);
  readonly billable_rates = new Rates(this, 'billable_rates', 1_836_493);
  readonly cost_rates = new Rates(this, 'cost_rates', 825_301);
  readonly tasks = new Tasks(this, 'tasks', 8_083_365);
  readonly projects = new Projects(this, 'projects', 14_307_913);
  readonly user_assignments = new UserAssignments(this, 'user_assignments', 125_068_553);
  readonly task_assignments = new TaskAssignments(this, 'task_assignments', 155_505_013);
  // Above 2^31, as the documentation warns.
  readonly time_entries = new TimeEntries(this, 'time_entries', 2_636_611_471);
  readonly expenses = new Expenses(this, 'expenses', 15_296_442);
  readonly expense_categories = new ExpenseCategories(this, 'expense_categories', 4_195_926);
  readonly invoices = new Invoices(this, 'invoices', 13_150_378);
  readonly invoice_item_categories = new InvoiceItemCategories(this, 'invoice_item_categories', 1_466_293);
  readonly invoice_messages = new InvoiceMessages(this, 'invoice_messages', 27_835_207);
  readonly invoice_payments = new InvoicePayments(this, 'invoice_payments', 10_112_854);
  readonly estimates = new Estimates(this, 'estimates', 1_439_814);
  readonly estimate_item_categories = new EstimateItemCategories(this, 'estimate_item_categories', 1_378_704);
  readonly estimate_messages = new EstimateMessages(this, 'estimate_messages', 2_666_236);

  constructor(options: { id: number; company: Company; settings: Settings; seed: number; now: () => number }) {
    this.id = options.id;
    this.company = options.company;
    this.settings = options.settings;
    this.dice = new Dice(seededRandom(options.seed));
    this.#now = options.now;
  }

  /** The server's clock in whole seconds: the finest that Harvest's timestamps tell. */
  seconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  /** The timestamp of a write that becomes visible now. */
  stamp(): number {
    return this.seconds() - this.lateness;
  }

  /** One zone for everybody: UTC. (Harvest uses each person's own: HARVEST-API, Time zones.) */
  today(): string {
    return dateOf(this.seconds());
  }

  /** The owner of the token: the first person of the account. */
  me(): UserRow {
    const [me] = this.users.all();
    if (!me) throw new Error('the account has no people');
    return me;
  }
}
