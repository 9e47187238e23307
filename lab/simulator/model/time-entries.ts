// Time entries and their timers (HARVEST-STREAMS, Life of a record).
import { invalid, notRemovable } from '../refusal.ts';
import { type Fields, Noun, present } from './noun.ts';
import type { TimeEntryRow } from './rows.ts';
import { DateIndex } from './table.ts';

declare module './noun.ts' {
  interface Nouns {
    readonly time_entries: TimeEntries;
  }
}

export class TimeEntries extends Noun<TimeEntryRow> {
  readonly byDate = this.index(new DateIndex((entry: TimeEntryRow) => entry.spent_date));

  /**
   * With `hours` (duration accounts) or `ended_time` (timestamp accounts) a finished entry; without, a running one,
   * which stops the person's other timer.
   */
  create(fields: Fields<TimeEntryRow>): TimeEntryRow {
    const { account } = this;
    present({
      Project: account.projects.get(fields.project_id ?? null),
      Task: account.tasks.get(fields.task_id ?? null),
      'Spent date': fields.spent_date,
    });
    const user_id = fields.user_id ?? account.me().id;
    present({ User: account.users.get(user_id) });
    const project_id = fields.project_id as number;
    const task_id = fields.task_id as number;
    const userAssignment = account.user_assignments.between(project_id, user_id);
    const taskAssignment = account.task_assignments.between(project_id, task_id);
    if (!account.projects.expect(project_id).is_active) throw invalid('Project is archived');
    if (!taskAssignment?.is_active) throw invalid('Task is not assigned to this project');
    if (!userAssignment?.is_active) throw invalid('User is not assigned to this project');

    const span = hoursBetween(fields.started_time ?? null, fields.ended_time ?? null);
    const hours = account.company.wants_timestamp_timers ? span : (fields.hours ?? span);
    if (hours !== null && (hours < 0 || hours > 24)) throw invalid('Hours must be between 0 and 24');
    if (hours === null) this.#stopTimerOf(user_id);

    const entry = {
      spent_date: fields.spent_date as string,
      user_id,
      project_id,
      task_id,
      billable: account.projects.expect(project_id).is_billable && taskAssignment.billable,
    };
    return this.add({
      ...entry,
      user_assignment_id: userAssignment.id,
      task_assignment_id: taskAssignment.id,
      hours: hours ?? 0,
      notes: fields.notes ?? null,
      budgeted: account.projects.expect(project_id).budget_by !== 'none',
      billable_rate: account.projects.billableRate(entry),
      cost_rate: account.cost_rates.amountOn(user_id, entry.spent_date),
      invoice_id: null,
      approval_status: 'unsubmitted',
      is_explicitly_locked: false,
      timer_started_at: hours === null ? account.seconds() : null,
      started_time: fields.started_time ?? (hours === null ? this.#minuteOfDay() : null),
      ended_time: hours === null ? null : (fields.ended_time ?? null),
      external_reference: fields.external_reference ?? null,
    });
  }

  override update(id: number, fields: Fields<TimeEntryRow>): TimeEntryRow {
    const entry = this.find(id);
    const moved = fields.project_id !== undefined || fields.task_id !== undefined;
    if (!moved) return this.edit(entry, fields);

    const { account } = this;
    const project = account.projects.get(fields.project_id ?? entry.project_id);
    const task = account.tasks.get(fields.task_id ?? entry.task_id);
    present({ Project: project, Task: task });
    const taskAssignment = account.task_assignments.between(project!.id, task!.id);
    if (!taskAssignment) throw invalid('Task is not assigned to this project');
    const billable = project!.is_billable && taskAssignment.billable;
    const place = { ...entry, project_id: project!.id, task_id: task!.id, billable };
    return this.edit(entry, {
      ...fields,
      user_assignment_id: account.user_assignments.between(project!.id, entry.user_id)?.id ?? null,
      task_assignment_id: taskAssignment.id,
      billable,
      billable_rate: account.projects.billableRate(place),
    });
  }

  /** Closed entries may go (the caller is an administrator); those of archived projects and tasks may not. */
  override delete(id: number): TimeEntryRow {
    const entry = this.find(id);
    const { projects, tasks } = this.account;
    if (!projects.expect(entry.project_id).is_active || !tasks.expect(entry.task_id).is_active) {
      throw notRemovable('Time entry is not removable. Its project or task is archived.');
    }
    this.drop(entry);
    return entry;
  }

  stop(id: number): TimeEntryRow {
    const entry = this.find(id);
    if (entry.timer_started_at === null) throw invalid('Timer is not running');
    return this.edit(entry, { hours: this.hoursNow(entry), timer_started_at: null, ended_time: this.#minuteOfDay() });
  }

  restart(id: number): TimeEntryRow {
    const entry = this.find(id);
    if (entry.timer_started_at !== null) throw invalid('Timer is already running');
    this.#stopTimerOf(entry.user_id);
    return this.edit(entry, {
      timer_started_at: this.account.seconds(),
      started_time: this.#minuteOfDay(),
      ended_time: null,
    });
  }

  /** Hours with the running part, which grows on each read. */
  hoursNow(entry: TimeEntryRow): number {
    if (entry.timer_started_at === null) return entry.hours;
    return hundredths(entry.hours + (this.account.seconds() - entry.timer_started_at) / 3600);
  }

  /** As the account's rounding preference has it at the moment of reading. */
  roundedHours(entry: TimeEntryRow): number {
    const { rounding } = this.account.settings;
    const hours = this.hoursNow(entry);
    if (rounding === null) return hours;
    const steps = hundredths((hours * 60) / rounding.minutes);
    const whole =
      rounding.direction === 'up'
        ? Math.ceil(steps)
        : rounding.direction === 'down'
          ? Math.floor(steps)
          : Math.round(steps);
    return hundredths((whole * rounding.minutes) / 60);
  }

  /** Why nobody may edit it, in Harvest's words; null when it is open. */
  lockedReason(entry: TimeEntryRow): string | null {
    const { projects, users } = this.account;
    const archived = !projects.expect(entry.project_id).is_active || !users.expect(entry.user_id).is_active;
    const approved = entry.approval_status === 'approved';
    if (entry.invoice_id !== null) {
      if (approved) return 'Item Invoiced and Approved and Locked for this Time Period';
      if (archived) return 'Item Invoiced and Archived';
      return entry.is_explicitly_locked ? 'Item Invoiced and Locked for this Time Period' : 'Item Invoiced';
    }
    if (approved) return 'Item Approved and Locked for this Time Period';
    if (archived) return 'Item Archived';
    return entry.is_explicitly_locked ? 'Item Locked for this Time Period' : null;
  }

  #stopTimerOf(userId: number): void {
    for (const entry of this.all()) {
      if (entry.timer_started_at !== null && entry.user_id === userId) this.stop(entry.id);
    }
  }

  #minuteOfDay(): number {
    return Math.floor((this.account.seconds() % 86_400) / 60);
  }
}

function hoursBetween(started: number | null, ended: number | null): number | null {
  return started === null || ended === null ? null : hundredths((ended - started) / 60);
}

const hundredths = (hours: number): number => Math.round(hours * 100) / 100;
