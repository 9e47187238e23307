// A report, and how its parameters are read (HARVEST-API, Reports).
import { daysBetween } from '../calendar.ts';
import { readBoolean, readDate } from '../filters.ts';
import type { Scope } from '../lists.ts';
import type { Account } from '../model/account.ts';
import { badRequest } from '../refusal.ts';
import type { JsonObject } from '../render/json.ts';

const LONGEST_WINDOW_DAYS = 365;

/** Which rows a report is asked for: the window (project_budget has none) and its own parameters. */
export interface ReportRequest extends Scope {
  readonly includeFixedFee?: boolean;
  readonly isActive?: boolean;
}

export interface Report {
  readonly stream: string;
  readonly path: string;
  readonly parameters: readonly string[];
  rows(account: Account, request: ReportRequest): JsonObject[];
}

/** Reads and checks the parameters: both dates are required, at most 365 days apart. */
export function readReportRequest(report: Report, query: URLSearchParams): ReportRequest {
  const fixedFee = query.get('include_fixed_fee');
  const isActive = query.get('is_active');
  const options = {
    ...(fixedFee !== null && { includeFixedFee: readBoolean('include_fixed_fee', fixedFee) }),
    ...(isActive !== null && { isActive: readBoolean('is_active', isActive) }),
  };
  if (!report.parameters.includes('from')) return options;
  const from = readDate(query, 'from');
  const to = readDate(query, 'to');
  if (from === undefined || to === undefined) throw badRequest('Invalid timeframe: from and to are required');
  if (daysBetween(from, to) > LONGEST_WINDOW_DAYS) throw badRequest('Invalid timeframe: must not exceed 1 year');
  return { ...options, from, to };
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
