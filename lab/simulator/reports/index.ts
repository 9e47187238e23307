// The ten reports, computed from the same rows on every read (HARVEST-API, Reports). The date index keeps a window's
// cost to the rows inside it.
import { projectBudget } from './project-budget.ts';
import type { Report } from './report.ts';
import { expenseReports, timeReports } from './tallies.ts';
import { uninvoiced } from './uninvoiced.ts';

export const reports: readonly Report[] = [...expenseReports, ...timeReports, uninvoiced, projectBudget];
