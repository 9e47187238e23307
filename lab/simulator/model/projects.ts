// Tasks, projects and who and what is assigned to them (HARVEST-API, Deletes).
import { invalid, notRemovable } from '../refusal.ts';
import { type Fields, Noun, present } from './noun.ts';
import type { ProjectRow, TaskAssignmentRow, TaskRow, TimeEntryRow, UserAssignmentRow } from './rows.ts';
import { Index } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly tasks: Tasks;
    readonly projects: Projects;
    readonly user_assignments: UserAssignments;
    readonly task_assignments: TaskAssignments;
  }
}

export class Tasks extends Noun<TaskRow> {
  create(fields: Fields<TaskRow>): TaskRow {
    present({ Name: fields.name });
    return this.add({
      name: fields.name as string,
      billable_by_default: fields.billable_by_default ?? true,
      default_hourly_rate: fields.default_hourly_rate ?? null,
      is_default: fields.is_default ?? false,
      is_active: fields.is_active ?? true,
    });
  }

  override update(id: number, fields: Fields<TaskRow>): TaskRow {
    const task = this.find(id);
    const name = task.name;
    this.edit(task, fields);
    if (name !== task.name && this.account.settings.touches.renamed) {
      const { time_entries } = this.account;
      for (const entry of time_entries.all()) if (entry.task_id === id) time_entries.touch(entry);
    }
    return task;
  }

  override delete(id: number): TaskRow {
    const task = this.find(id);
    const { time_entries, task_assignments } = this.account;
    if (time_entries.all().some((entry) => entry.task_id === id)) {
      throw notRemovable('Task is not removable. It has tracked time.');
    }
    for (const assignment of [...task_assignments.byTask.of(id)]) task_assignments.drop(assignment);
    this.drop(task);
    return task;
  }
}

export class Projects extends Noun<ProjectRow> {
  readonly byClient = this.index(new Index((project: ProjectRow) => project.client_id));

  /** Default tasks, and the people who have access to all future projects, are assigned at once. */
  create(fields: Fields<ProjectRow>): ProjectRow {
    present({
      Client: this.account.clients.get(fields.client_id ?? null),
      Name: fields.name,
      'Bill by': fields.bill_by,
      'Budget by': fields.budget_by,
    });
    const project = this.add({
      client_id: fields.client_id as number,
      name: fields.name as string,
      code: fields.code ?? '',
      is_active: fields.is_active ?? true,
      is_billable: fields.is_billable ?? true,
      is_fixed_fee: fields.is_fixed_fee ?? false,
      bill_by: fields.bill_by ?? 'none',
      hourly_rate: fields.hourly_rate ?? null,
      budget_by: fields.budget_by ?? 'none',
      budget_is_monthly: fields.budget_is_monthly ?? false,
      budget: fields.budget ?? null,
      cost_budget: fields.cost_budget ?? null,
      cost_budget_include_expenses: fields.cost_budget_include_expenses ?? false,
      notify_when_over_budget: fields.notify_when_over_budget ?? false,
      over_budget_notification_percentage: fields.over_budget_notification_percentage ?? 80,
      over_budget_notification_date: null,
      show_budget_to_all: fields.show_budget_to_all ?? false,
      fee: fields.fee ?? null,
      notes: fields.notes ?? null,
      starts_on: fields.starts_on ?? null,
      ends_on: fields.ends_on ?? null,
    });
    const { tasks, users, task_assignments, user_assignments } = this.account;
    for (const task of tasks.all()) {
      if (task.is_default && task.is_active) task_assignments.create({ project_id: project.id, task_id: task.id });
    }
    for (const user of users.all()) {
      if (user.has_access_to_all_future_projects && user.is_active) {
        user_assignments.create({ project_id: project.id, user_id: user.id });
      }
    }
    return project;
  }

  override update(id: number, fields: Fields<ProjectRow>): ProjectRow {
    const project = this.find(id);
    if (fields.client_id !== undefined) present({ Client: this.account.clients.get(fields.client_id) });
    const { name, is_active } = project;
    this.edit(project, fields);
    const { touches } = this.account.settings;
    if ((touches.renamed && name !== project.name) || (touches.archived && is_active !== project.is_active)) {
      this.touchTracked(project);
    }
    return project;
  }

  /** Takes time entries, expenses and assignments along; invoices stay. Answers with a last, archived version. */
  override delete(id: number): ProjectRow {
    const project = this.find(id);
    const { time_entries, expenses, user_assignments, task_assignments, invoices } = this.account;
    for (const entry of [...time_entries.all()]) if (entry.project_id === id) time_entries.drop(entry);
    for (const expense of [...expenses.all()]) if (expense.project_id === id) expenses.drop(expense);
    for (const assignment of [...user_assignments.byProject.of(id)]) user_assignments.drop(assignment);
    for (const assignment of [...task_assignments.byProject.of(id)]) task_assignments.drop(assignment);
    for (const invoice of invoices.all()) {
      for (const line of invoice.line_items) if (line.project_id === id) line.project_id = null;
    }
    this.drop(project);
    return { ...project, is_active: false, updated_at: this.account.seconds() };
  }

  /** Moves updated_at of everything that shows the project's name. */
  touchTracked(project: ProjectRow): void {
    const { time_entries, expenses } = this.account;
    for (const entry of time_entries.all()) if (entry.project_id === project.id) time_entries.touch(entry);
    for (const expense of expenses.all()) if (expense.project_id === project.id) expenses.touch(expense);
  }

  /** The price of an hour of the entry to the client, as the project bills; null when it is not billable. */
  billableRate(
    entry: Pick<TimeEntryRow, 'project_id' | 'task_id' | 'user_id' | 'spent_date' | 'billable'>,
  ): number | null {
    const project = this.expect(entry.project_id);
    if (!entry.billable) return null;
    if (project.bill_by === 'Project') return project.hourly_rate;
    if (project.bill_by === 'Tasks') {
      return this.account.task_assignments.between(entry.project_id, entry.task_id)?.hourly_rate ?? null;
    }
    if (project.bill_by === 'none') return null;
    const assignment = this.account.user_assignments.between(entry.project_id, entry.user_id);
    if (assignment && !assignment.use_default_rates) return assignment.hourly_rate;
    return this.account.billable_rates.amountOn(entry.user_id, entry.spent_date);
  }
}

export class UserAssignments extends Noun<UserAssignmentRow> {
  readonly byProject = this.index(new Index((assignment: UserAssignmentRow) => assignment.project_id));
  readonly byUser = this.index(new Index((assignment: UserAssignmentRow) => assignment.user_id));

  between(projectId: number, userId: number): UserAssignmentRow | undefined {
    return this.byUser.of(userId).find((assignment) => assignment.project_id === projectId);
  }

  create(fields: Fields<UserAssignmentRow>): UserAssignmentRow {
    const { projects, users } = this.account;
    present({ Project: projects.get(fields.project_id ?? null), User: users.get(fields.user_id ?? null) });
    const project_id = fields.project_id as number;
    const user_id = fields.user_id as number;
    if (this.between(project_id, user_id)) throw invalid('User is already assigned to this project');
    const assignment = this.add({
      project_id,
      user_id,
      is_active: fields.is_active ?? true,
      is_project_manager: fields.is_project_manager ?? false,
      use_default_rates: fields.use_default_rates ?? true,
      hourly_rate: fields.hourly_rate ?? null,
      budget: fields.budget ?? null,
    });
    this.#touchNeighbours(assignment);
    return assignment;
  }

  override update(id: number, fields: Fields<UserAssignmentRow>): UserAssignmentRow {
    const assignment = super.update(id, fields);
    this.#touchNeighbours(assignment);
    return assignment;
  }

  override delete(id: number): UserAssignmentRow {
    const assignment = this.find(id);
    const { time_entries, expenses } = this.account;
    const tracked =
      time_entries.all().some((entry) => entry.user_assignment_id === id) ||
      expenses.all().some((expense) => expense.user_assignment_id === id);
    if (tracked) throw notRemovable('User assignment is not removable. It has tracked time and/or expenses.');
    this.drop(assignment);
    this.#touchNeighbours(assignment);
    return assignment;
  }

  #touchNeighbours(assignment: UserAssignmentRow): void {
    const { projects, users, settings } = this.account;
    if (!settings.touches.assignment) return;
    projects.touch(projects.expect(assignment.project_id));
    users.touch(users.expect(assignment.user_id));
  }
}

export class TaskAssignments extends Noun<TaskAssignmentRow> {
  readonly byProject = this.index(new Index((assignment: TaskAssignmentRow) => assignment.project_id));
  readonly byTask = this.index(new Index((assignment: TaskAssignmentRow) => assignment.task_id));

  between(projectId: number, taskId: number): TaskAssignmentRow | undefined {
    return this.byProject.of(projectId).find((assignment) => assignment.task_id === taskId);
  }

  create(fields: Fields<TaskAssignmentRow>): TaskAssignmentRow {
    const { projects, tasks } = this.account;
    const task = tasks.get(fields.task_id ?? null);
    const project = projects.get(fields.project_id ?? null);
    present({ Project: project, Task: task });
    if (this.between(project!.id, task!.id)) throw invalid('Task is already assigned to this project');
    const assignment = this.add({
      project_id: project!.id,
      task_id: task!.id,
      is_active: fields.is_active ?? true,
      billable: fields.billable ?? task!.billable_by_default,
      hourly_rate: fields.hourly_rate ?? task!.default_hourly_rate,
      budget: fields.budget ?? null,
    });
    if (this.account.settings.touches.assignment) projects.touch(project!);
    return assignment;
  }

  override update(id: number, fields: Fields<TaskAssignmentRow>): TaskAssignmentRow {
    const assignment = super.update(id, fields);
    const { projects, settings } = this.account;
    if (settings.touches.assignment) projects.touch(projects.expect(assignment.project_id));
    return assignment;
  }

  override delete(id: number): TaskAssignmentRow {
    const assignment = this.find(id);
    if (this.account.time_entries.all().some((entry) => entry.task_assignment_id === id)) {
      throw notRemovable('Task assignment is not removable. It has tracked time.');
    }
    this.drop(assignment);
    return assignment;
  }
}
