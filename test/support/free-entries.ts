// Which time entries a person may edit and delete at Harvest depends on the day on which an account is made up: some projects are
// archived by then, some entries invoiced.
import type { Simulator } from '../../lab/simulator/index.ts';

/** Those that are not invoiced, whose timer does not run, and whose project and task are not archived. */
export function freeEntries({ data }: Simulator) {
  const { projects, tasks, time_entries } = data;
  return time_entries.all().filter(({ invoice_id, timer_started_at, project_id, task_id }) => {
    const isOpen = projects.expect(project_id).is_active && tasks.expect(task_id).is_active;
    return invoice_id === null && timer_started_at === null && isOpen;
  });
}
