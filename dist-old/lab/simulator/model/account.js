// One Harvest account: its company, its nouns, its clock. Members are named as the streams are, so that
// `account.time_entries.create({…})` reads like the API. Knows nothing of HTTP.
import { dateOf } from '../calendar.js';
import { Dice, seededRandom } from '../random.js';
import { EstimateItemCategories, ExpenseCategories, InvoiceItemCategories } from './categories.js';
import { Clients, Contacts } from './clients.js';
import { EstimateMessages, Estimates } from './estimates.js';
import { Expenses } from './expenses.js';
import { InvoiceMessages, InvoicePayments, Invoices } from './invoices.js';
import { Rates, Roles, Users } from './people.js';
import { Projects, TaskAssignments, Tasks, UserAssignments } from './projects.js';
import { TimeEntries } from './time-entries.js';
export class Account {
    id;
    settings;
    company;
    /** Chance for keys that Harvest makes up; seeded, so that a run can be repeated. */
    dice;
    /** Every record that is gone, in the order it went: ids are never given again. */
    gone = [];
    /** How long writes take to become visible, in seconds: they carry the time at which they began. */
    lateness = 0;
    #now;
    clients = new Clients(this, 'clients', 5_735_774);
    contacts = new Contacts(this, 'contacts', 4_706_479);
    users = new Users(this, 'users', 1_782_959);
    roles = new Roles(this, 'roles', 617_670);
    billable_rates = new Rates(this, 'billable_rates', 1_836_493);
    cost_rates = new Rates(this, 'cost_rates', 825_301);
    tasks = new Tasks(this, 'tasks', 8_083_365);
    projects = new Projects(this, 'projects', 14_307_913);
    user_assignments = new UserAssignments(this, 'user_assignments', 125_068_553);
    task_assignments = new TaskAssignments(this, 'task_assignments', 155_505_013);
    // Above 2^31, as the documentation warns.
    time_entries = new TimeEntries(this, 'time_entries', 2_636_611_471);
    expenses = new Expenses(this, 'expenses', 15_296_442);
    expense_categories = new ExpenseCategories(this, 'expense_categories', 4_195_926);
    invoices = new Invoices(this, 'invoices', 13_150_378);
    invoice_item_categories = new InvoiceItemCategories(this, 'invoice_item_categories', 1_466_293);
    invoice_messages = new InvoiceMessages(this, 'invoice_messages', 27_835_207);
    invoice_payments = new InvoicePayments(this, 'invoice_payments', 10_112_854);
    estimates = new Estimates(this, 'estimates', 1_439_814);
    estimate_item_categories = new EstimateItemCategories(this, 'estimate_item_categories', 1_378_704);
    estimate_messages = new EstimateMessages(this, 'estimate_messages', 2_666_236);
    constructor(options) {
        this.id = options.id;
        this.company = options.company;
        this.settings = options.settings;
        this.dice = new Dice(seededRandom(options.seed));
        this.#now = options.now;
    }
    /** The server's clock in whole seconds: the finest that Harvest's timestamps tell. */
    seconds() {
        return Math.floor(this.#now() / 1000);
    }
    /** The timestamp of a write that becomes visible now. */
    stamp() {
        return this.seconds() - this.lateness;
    }
    /** One zone for everybody: UTC. (Harvest uses each person's own, harvest-api section 12.) */
    today() {
        return dateOf(this.seconds());
    }
    /** Whose token it is: the first person of the account. */
    me() {
        const [me] = this.users.all();
        if (!me)
            throw new Error('the account has no people');
        return me;
    }
}
