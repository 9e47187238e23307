// Categories of expenses, invoice lines and estimate lines (HARVEST-API, Deletes).
import { notRemovable } from '../refusal.ts';
import { type Fields, Noun, present } from './noun.ts';
import type { EstimateItemCategoryRow, ExpenseCategoryRow, InvoiceItemCategoryRow } from './rows.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly expense_categories: ExpenseCategories;
    readonly invoice_item_categories: InvoiceItemCategories;
    readonly estimate_item_categories: EstimateItemCategories;
  }
}

export class ExpenseCategories extends Noun<ExpenseCategoryRow> {
  create(fields: Fields<ExpenseCategoryRow>): ExpenseCategoryRow {
    present({ Name: fields.name });
    return this.add({
      name: fields.name as string,
      unit_name: fields.unit_name ?? null,
      unit_price: fields.unit_price ?? null,
      is_active: fields.is_active ?? true,
    });
  }

  /** Undocumented by Harvest; an expense always shows its category, so a used one has to stay. */
  override delete(id: number): ExpenseCategoryRow {
    const category = this.find(id);
    if (this.account.expenses.all().some((expense) => expense.expense_category_id === id)) {
      throw notRemovable('Expense category is not removable. It has expenses.');
    }
    this.drop(category);
    return category;
  }
}

export class InvoiceItemCategories extends Noun<InvoiceItemCategoryRow> {
  create(fields: Fields<InvoiceItemCategoryRow>): InvoiceItemCategoryRow {
    present({ Name: fields.name });
    return this.add({ name: fields.name as string, use_as_service: false, use_as_expense: false });
  }

  override delete(id: number): InvoiceItemCategoryRow {
    const category = this.find(id);
    if (category.use_as_service || category.use_as_expense) {
      throw notRemovable('Invoice item category is not removable. It is the default for services or expenses.');
    }
    this.drop(category);
    return category;
  }
}

export class EstimateItemCategories extends Noun<EstimateItemCategoryRow> {
  create(fields: Fields<EstimateItemCategoryRow>): EstimateItemCategoryRow {
    present({ Name: fields.name });
    return this.add({ name: fields.name as string });
  }
}
