// The ten reports, computed from the same rows on every read (harvest-api section 9). The date index keeps a window's
// cost to the rows inside it.
import { projectBudget } from './project-budget.js';
import { expenseReports, timeReports } from './tallies.js';
import { uninvoiced } from './uninvoiced.js';
export const reports = [...expenseReports, ...timeReports, uninvoiced, projectBudget];
