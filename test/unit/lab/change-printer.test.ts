import { expect, test } from 'vitest';
import { changes } from '../../../lab/demo/change-printer.ts';

test.each([
  [{ hours: 1 }, { hours: 1.5, updated_at: 'later' }, 'hours 1 → 1.5'],
  [{ client: { id: 1, name: 'A' } }, { client: { id: 2, name: 'B' } }, 'client A → B'],
  [
    { client: { id: 1, name: 'A', currency: 'USD' } },
    { client: { id: 1, name: 'A', currency: 'EUR' } },
    'client.currency USD → EUR',
  ],
  [
    { user_assignment: { budget: null, is_active: true } },
    { user_assignment: { budget: 5, is_active: true } },
    'user_assignment.budget – → 5',
  ],
  [{ invoice: { id: 7 } }, { invoice: { id: 8 } }, 'invoice #7 → #8'],
  [{ invoice: null }, { invoice: { id: 8 } }, 'invoice – → #8'],
  [{ line_items: [{ id: 1, quantity: 1 }] }, { line_items: [{ id: 1, quantity: 2 }] }, 'line_items[0].quantity 1 → 2'],
  [{ line_items: [{ id: 1 }] }, { line_items: [{ id: 1 }, { id: 2 }] }, 'line_items [1] → [2]'],
  [{ reference: { url: 'a' } }, { reference: { url: 'b' } }, 'reference.url a → b'],
])('a change from %j to %j is told as what changed', (before, after, told) => {
  expect(changes(before, after)).toBe(told);
});
