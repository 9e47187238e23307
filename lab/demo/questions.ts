// Questions that people ask of their hours and money, in SQL on the tables of the sink. The first column names the row.

export interface Question {
  readonly about: string;
  readonly sql: string;
}

export const QUESTIONS: readonly Question[] = [
  {
    about: 'hours by client this month',
    sql: `
select client_name as client, round(sum(hours), 2) as hours,
       round(sum(hours * billable_rate) filter (where billable), 2) as amount, max(client_currency) as currency
from harvest.time_entries
where spent_date >= date_trunc('month', current_date)
group by client_id, client_name
order by hours desc limit 5`,
  },
  {
    about: 'invoices that are not paid',
    sql: `
select number as invoice, client_name as client, due_date::text as due, round(due_amount, 2) as open, currency, lines
from harvest.invoices,
     lateral (select string_agg(round(quantity, 2) || ' ' || kind, ', ' order by position) as lines
              from harvest.invoice_line_items where invoice_id = invoices.id) as its
where state = 'open' and due_amount > 0
order by due_date limit 5`,
  },
  {
    about: 'projects over their budget',
    sql: `
select project_name as project, client_name as client, round(budget, 1) as budget, round(budget_spent, 1) as spent,
       round(-budget_remaining, 1) as over
from harvest.project_budget
where budget_remaining < 0
order by budget_remaining limit 5`,
  },
];
