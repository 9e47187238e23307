// Projects, tasks, assignments and the categories.
import { PROJECT_NAMES, TASK_NAMES } from '../dataset/words.ts';
import type { Row } from '../model/rows.ts';
import { anyOf, type Change, freshOf, told } from './change.ts';

export const PROJECT_CHANGES: readonly Change[] = [
  [
    'projects.create',
    2,
    (account, dice) => {
      const client = anyOf(account.clients, dice);
      if (!client) return null;
      const project = account.projects.create({
        client_id: client.id,
        name: `${dice.pick(PROJECT_NAMES)} ${dice.below(100_000)}`,
        bill_by: dice.pick(['Project', 'Tasks', 'People']),
        hourly_rate: dice.between(50, 200),
        budget_by: dice.pick(['project', 'none', 'project_cost']),
        budget: dice.between(10, 900),
        cost_budget: dice.between(1000, 9000),
      });
      for (const user of dice.some(account.users.all(), 3)) {
        if (account.user_assignments.between(project.id, user.id)) continue;
        account.user_assignments.create({ project_id: project.id, user_id: user.id });
      }
      return told('create', 'projects', project, `new project ${project.name}`);
    },
  ],
  [
    'projects.rename',
    3,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      if (!project) return null;
      const name = `${dice.pick(PROJECT_NAMES)} – v${dice.below(100_000)}`;
      return told('edit', 'projects', account.projects.update(project.id, { name }), `renamed to ${name}`);
    },
  ],
  [
    'projects.archive',
    2,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      if (!project) return null;
      account.projects.update(project.id, { is_active: !project.is_active });
      return told('edit', 'projects', project, project.is_active ? 'restored' : 'archived');
    },
  ],
  [
    'projects.budget',
    2,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      if (!project) return null;
      account.projects.update(project.id, { budget: dice.between(10, 900), fee: dice.between(1000, 9000) });
      return told('edit', 'projects', project, 'new budget and fee');
    },
  ],
  [
    'projects.delete',
    0.4,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      if (!project || account.projects.size < 10) return null;
      return told('delete', 'projects', account.projects.delete(project.id), 'deleted with all its time and expenses');
    },
  ],
  [
    'tasks.create',
    1,
    (account, dice) => {
      const task = account.tasks.create({ name: `${dice.pick(TASK_NAMES)} ${dice.below(100_000)}` });
      return told('create', 'tasks', task, `new task ${task.name}`);
    },
  ],
  [
    'tasks.rename',
    2,
    (account, dice) => {
      const task = anyOf(account.tasks, dice);
      if (!task) return null;
      const name = `${dice.pick(TASK_NAMES)} (${dice.below(100_000)})`;
      return told('edit', 'tasks', account.tasks.update(task.id, { name }), `renamed to ${name}`);
    },
  ],
  [
    'tasks.archive',
    1,
    (account, dice) => {
      const task = anyOf(account.tasks, dice);
      if (!task) return null;
      account.tasks.update(task.id, { is_active: !task.is_active });
      return told('edit', 'tasks', task, task.is_active ? 'restored' : 'archived');
    },
  ],
  [
    'tasks.delete',
    1,
    (account, dice) => {
      const task = freshOf(account.tasks, dice);
      return task ? told('delete', 'tasks', account.tasks.delete(task.id), 'task deleted') : null;
    },
  ],
  [
    'user_assignments.create',
    3,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      const user = anyOf(account.users, dice);
      if (!project || !user) return null;
      const assignment = account.user_assignments.create({ project_id: project.id, user_id: user.id });
      return told('create', 'user_assignments', assignment, `${user.first_name} joined ${project.name}`);
    },
  ],
  [
    'user_assignments.edit',
    2,
    (account, dice) => {
      const assignment = anyOf(account.user_assignments, dice);
      if (!assignment) return null;
      account.user_assignments.update(assignment.id, {
        is_active: !assignment.is_active,
        hourly_rate: dice.chance(0.5) ? dice.between(50, 150) : null,
      });
      return told('edit', 'user_assignments', assignment, assignment.is_active ? 'restored' : 'archived');
    },
  ],
  [
    'user_assignments.delete',
    2,
    (account, dice) => {
      const assignment = freshOf(account.user_assignments, dice);
      if (!assignment) return null;
      account.user_assignments.delete(assignment.id);
      return told('delete', 'user_assignments', assignment, 'person unassigned');
    },
  ],
  [
    'task_assignments.create',
    3,
    (account, dice) => {
      const project = anyOf(account.projects, dice);
      const task = anyOf(account.tasks, dice);
      if (!project || !task) return null;
      const assignment = account.task_assignments.create({ project_id: project.id, task_id: task.id });
      return told('create', 'task_assignments', assignment, `${task.name} added to ${project.name}`);
    },
  ],
  [
    'task_assignments.edit',
    2,
    (account, dice) => {
      const assignment = anyOf(account.task_assignments, dice);
      if (!assignment) return null;
      account.task_assignments.update(assignment.id, {
        is_active: !assignment.is_active,
        billable: dice.chance(0.8),
        budget: dice.between(1, 300),
      });
      return told('edit', 'task_assignments', assignment, assignment.is_active ? 'restored' : 'archived');
    },
  ],
  [
    'task_assignments.delete',
    2,
    (account, dice) => {
      const assignment = freshOf(account.task_assignments, dice);
      if (!assignment) return null;
      account.task_assignments.delete(assignment.id);
      return told('delete', 'task_assignments', assignment, 'task taken off its project');
    },
  ],
  [
    'categories.create',
    1.5,
    (account, dice) => {
      const stream = dice.pick(['expense_categories', 'invoice_item_categories', 'estimate_item_categories'] as const);
      const category = account[stream].create({ name: `Category ${dice.below(100_000)}` });
      return told('create', stream, category, `new category ${category.name}`);
    },
  ],
  [
    'categories.rename',
    1,
    (account, dice) => {
      const stream = dice.pick(['expense_categories', 'invoice_item_categories', 'estimate_item_categories'] as const);
      const category = anyOf<Row>(account[stream], dice);
      if (!category) return null;
      const name = `Category ${dice.below(100_000)} – neu`;
      return told('edit', stream, account[stream].update(category.id, { name }), `renamed to ${name}`);
    },
  ],
  [
    'categories.delete',
    1,
    (account, dice) => {
      const stream = dice.pick(['expense_categories', 'invoice_item_categories', 'estimate_item_categories'] as const);
      const category = freshOf<Row>(account[stream], dice);
      return category ? told('delete', stream, account[stream].delete(category.id), 'category deleted') : null;
    },
  ],
];
