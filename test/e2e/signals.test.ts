// The commands by which people ask something of whoever publishes an account, as far as they go without a running daemon: what is
// left, what is shown.
import { expect, test } from 'vitest';
import type { Signal } from '../../src/engine/ports.ts';
import { type Ended, FEW_STREAMS, finished } from '../support/publisher.ts';
import { type Scene, scene } from '../support/scene.ts';

test('signals are left, shown, and waited for in vain while no daemon runs; dead letters are listed [P4]', async () => {
  const where = { ...(await scene({ timeEntries: 20, years: 0.2 })), settings: FEW_STREAMS };
  const { data, accountId } = where.simulator;
  const account_id = String(accountId);
  const [task, client] = [data.tasks.all()[0]!, data.clients.all()[0]!];
  data.tasks.update(task.id, { billable_by_default: 'perhaps' as never });
  data.clients.update(client.id, { is_active: 7 as never });

  // Before anything was published there is nothing to ask for.
  const [early, noReplay, noLetters] = await all(
    where,
    'reconcile clients',
    'dead-letters replay',
    'dead-letters list',
  );
  expect(early).toMatchObject({
    code: 64,
    errors: expect.stringContaining(`there is no topic ${where.prefix}.state\n  Check topics.prefix`),
  });
  expect(noReplay).toMatchObject({ code: 0, output: 'No record is refused: there is nothing to replay.\n' });
  expect(noLetters).toMatchObject({ code: 0, output: 'There are no dead letters.\n' });
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });

  // The effect of a reset is shown, and nothing is written.
  const [before, whole, back, roles, table, letters] = await all(
    where,
    'state show --json',
    'state reset clients --dry-run --json',
    'state reset clients --to 2026-01-01 --dry-run --json',
    'state reset roles --dry-run',
    'dead-letters list',
    'dead-letters list clients roles --json',
  );
  const rows = JSON.parse(before.output) as { stream: string; position?: { cursor: string | null } }[];
  expect(rows.filter((row) => 'signal' in row)).toEqual([]);
  const position = rows.find(({ stream }) => stream === 'clients')!.position!;
  expect(position.cursor).not.toBeNull();
  expect(JSON.parse(whole.output)).toEqual({
    account_id,
    stream: 'clients',
    position,
    becomes: { ...position, cursor: null },
  });
  expect(JSON.parse(back.output)).toMatchObject({ position, becomes: { cursor: '2026-01-01T00:00:00Z' } });
  expect(roles.output).toMatch(/^now {6}\{.*\}\nbecomes {2}\{.*\}\nNothing was written\.\n$/);

  expect(table.output).toMatch(/^time +stream +id +class +field +message\n/);
  expect(table.output).toMatch(
    new RegExp(`\\n\\S+Z +tasks +${task.id} +ConversionError +billable_by_default +.*boolean`),
  );
  expect(JSON.parse(letters.output)).toEqual([
    {
      account_id,
      time: expect.stringMatching(/Z$/),
      stream: 'clients',
      id: String(client.id),
      stage: 'VALUE_CONVERTER',
      class: 'ConversionError',
      field: 'is_active',
      message: expect.stringContaining('is_active'),
      offset: expect.any(Number),
      record: expect.objectContaining({ id: client.id, is_active: 7 }),
    },
  ]);

  const [reset, release, replay] = await all(
    where,
    'state reset clients --to 2026-01-01 --json',
    `release tasks --account ${account_id} --wait 1`,
    'dead-letters replay --json',
  );
  const left = JSON.parse(reset.output) as { signals: readonly Signal[] };
  expect(left).toEqual({
    account_id,
    signals: [{ id: expect.any(String), kind: 'reset', stream: 'clients', to: '2026-01-01', at: expect.any(String) }],
    taken: null,
  });
  expect(release.code).toBe(75);
  expect(release.output).toMatch(
    /^release of tasks: left as signal [0-9a-f-]{36} in .*\.state\nA running daemon takes it(.|\n)*\nNot taken within 1 s\. It waits until a daemon runs\.\n$/,
  );
  const { signals } = JSON.parse(replay.output) as { signals: readonly Signal[] };
  expect(signals.map(({ kind, stream }) => `${kind} ${stream}`).sort()).toEqual(['replay clients', 'replay tasks']);

  const [shown, listed] = await all(where, 'state show clients --json', 'state show');
  const [{ id, ...rest }] = left.signals as [Signal];
  expect(JSON.parse(shown.output)).toContainEqual({ account_id, signal: id, ...rest });
  expect(listed.output).toMatch(/^stream +state +complete/);
  const [, waiting] = listed.output.split('\nSignals that wait for a daemon:\n');
  expect(waiting).toMatch(new RegExp(`^clients +reset +2026-01-01 +\\S+Z +${id}$`, 'm'));
  expect(waiting!.trim().split('\n')).toHaveLength(1 + 4);
});

/** Runs commands side by side; none of these disturbs another. */
function all<Lines extends readonly string[]>(where: Scene, ...lines: Lines): Promise<{ [K in keyof Lines]: Ended }> {
  return Promise.all(lines.map((line) => finished(where, line.split(' ')))) as Promise<{ [K in keyof Lines]: Ended }>;
}
