// Expenses, and what locks them (HARVEST-STREAMS, Life of a record).
import { invalid } from '../refusal.ts';
import { type Fields, money, Noun, present } from './noun.ts';
import type { ExpenseRow } from './rows.ts';
import { DateIndex } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly expenses: Expenses;
  }
}

export class Expenses extends Noun<ExpenseRow> {
  readonly byDate = this.index(new DateIndex((expense: ExpenseRow) => expense.spent_date));

  /** Needs `total_cost`, or `units` for a category with a unit price. */
  create(fields: Fields<ExpenseRow>): ExpenseRow {
    const { account } = this;
    const category = account.expense_categories.get(fields.expense_category_id ?? null);
    const project = account.projects.get(fields.project_id ?? null);
    present({ Project: project, 'Expense category': category, 'Spent date': fields.spent_date });
    const user_id = fields.user_id ?? account.me().id;
    present({ User: account.users.get(user_id) });
    return this.add({
      spent_date: fields.spent_date as string,
      user_id,
      project_id: project!.id,
      expense_category_id: category!.id,
      user_assignment_id: account.user_assignments.between(project!.id, user_id)?.id ?? null,
      receipt: null,
      invoice_id: null,
      notes: fields.notes ?? null,
      units: fields.units ?? 1,
      total_cost: this.#cost(fields, category!.unit_price),
      billable: fields.billable ?? true,
      approval_status: 'unsubmitted',
      is_explicitly_locked: false,
    });
  }

  override update(id: number, fields: Fields<ExpenseRow>): ExpenseRow {
    const expense = this.find(id);
    const { account } = this;
    const category = account.expense_categories.get(fields.expense_category_id ?? expense.expense_category_id);
    const project = account.projects.get(fields.project_id ?? expense.project_id);
    present({ Project: project, 'Expense category': category });
    const priced = fields.units !== undefined && fields.total_cost === undefined && category!.unit_price !== null;
    return this.edit(expense, {
      ...fields,
      ...(priced && { total_cost: this.#cost(fields, category!.unit_price) }),
      ...(project!.id !== expense.project_id && {
        user_assignment_id: account.user_assignments.between(project!.id, expense.user_id)?.id ?? null,
      }),
    });
  }

  lockedReason(expense: ExpenseRow): string | null {
    if (expense.invoice_id !== null) return 'Expense is invoiced.';
    const locked = expense.approval_status === 'approved' || expense.is_explicitly_locked;
    return locked ? 'The project is locked for this time period.' : null;
  }

  #cost(fields: Fields<ExpenseRow>, unitPrice: number | null): number {
    if (fields.total_cost !== undefined) return fields.total_cost;
    if (fields.units === undefined || fields.units === null || unitPrice === null) {
      throw invalid("Total cost can't be blank");
    }
    return money(fields.units * unitPrice);
  }
}
