// Categories of expenses, invoice lines and estimate lines (harvest-api sections 10, 16.7, 16.10, 16.12).
import { notRemovable } from '../refusal.js';
import { Noun, present } from './noun.js';
export class ExpenseCategories extends Noun {
    create(fields) {
        present({ Name: fields.name });
        return this.add({
            name: fields.name,
            unit_name: fields.unit_name ?? null,
            unit_price: fields.unit_price ?? null,
            is_active: fields.is_active ?? true,
        });
    }
    /** Undocumented by Harvest; an expense always shows its category, so a used one has to stay. */
    delete(id) {
        const category = this.find(id);
        if (this.account.expenses.all().some((expense) => expense.expense_category_id === id)) {
            throw notRemovable('Expense category is not removable. It has expenses.');
        }
        this.drop(category);
        return category;
    }
}
export class InvoiceItemCategories extends Noun {
    create(fields) {
        present({ Name: fields.name });
        return this.add({ name: fields.name, use_as_service: false, use_as_expense: false });
    }
    delete(id) {
        const category = this.find(id);
        if (category.use_as_service || category.use_as_expense) {
            throw notRemovable('Invoice item category is not removable. It is the default for services or expenses.');
        }
        this.drop(category);
        return category;
    }
}
export class EstimateItemCategories extends Noun {
    create(fields) {
        present({ Name: fields.name });
        return this.add({ name: fields.name });
    }
}
