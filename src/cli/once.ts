// The exit code of `run --once`: 0 only when every stream that was asked for was read completely.
import { PublisherError } from '../base/errors.ts';
import type { AccountStatus, StreamStatus } from '../engine/status.ts';

/** A stream that is left out although nothing is wrong: its module is off, its deletions wait for a person, or it is paused. */
export interface LeftOut extends Pick<StreamStatus, 'stream' | 'state' | 'reason' | 'remedy'> {
  readonly account: string;
}

interface StreamOutcome extends LeftOut {
  readonly complete: boolean;
}

/**
 * Judges the streams of `only`, or all of them: returns those that are left out by right. Throws `harvest.incomplete` when one
 * is blocked or was not read to its end, else `harvest.nothing_readable` or `harvest.partly_readable` when one is refused.
 */
export function judgeOnce(accounts: readonly AccountStatus[], only: ReadonlySet<string> | null): readonly LeftOut[] {
  const all = accounts.flatMap(({ accountId, streams }) =>
    streams
      .filter(({ stream }) => only === null || only.has(stream))
      .map(({ stream, state, reason, remedy, complete }): StreamOutcome => {
        return { account: accountId, stream, state, reason, remedy, complete };
      }),
  );
  const forbidden = all.filter(({ state }) => state === 'FORBIDDEN');
  const isRead = ({ state, complete }: StreamOutcome) => complete || state === 'FORBIDDEN' || isLeftOut(state);
  const unread = all.filter((each) => each.state === 'BLOCKED' || !isRead(each));
  if (unread.length > 0) throw told('harvest.incomplete', [...unread, ...forbidden], all);
  const isReadable = all.some(({ state }) => state === 'RUNNING' || state === 'HELD' || state === 'PAUSED');
  if (forbidden.length > 0) {
    throw told(isReadable ? 'harvest.partly_readable' : 'harvest.nothing_readable', forbidden, all);
  }
  return all.filter(({ state }) => isLeftOut(state) || state === 'HELD');
}

/** Nobody expects it to be read. */
function isLeftOut(state: StreamOutcome['state']): boolean {
  return state === 'FEATURE_OFF' || state === 'PAUSED';
}

function told(
  code: 'harvest.incomplete' | 'harvest.partly_readable' | 'harvest.nothing_readable',
  missing: readonly StreamOutcome[],
  all: readonly StreamOutcome[],
): PublisherError {
  const head = `${missing.length} of ${all.length} streams ${missing.length === 1 ? 'was' : 'were'} not read completely:`;
  const lines = missing.map(
    ({ account, stream, state, reason }) =>
      `${stream} of account ${account} (${state}): ${reason ?? 'not read to its end'}`,
  );
  const remedies = new Set(missing.map(({ remedy }) => remedy));
  const [remedy] = remedies;
  return new PublisherError(code, [head, ...lines].join('\n'), {
    // Many streams have many remedies: check tells each.
    ...(code !== 'harvest.nothing_readable' && remedies.size === 1 && remedy ? { remedy } : {}),
  });
}

/** The line that says so. */
export function leftOutLine({ state, reason }: Pick<LeftOut, 'state' | 'reason'>): string {
  if (state === 'HELD') return `read completely, but its deletions are held: ${reason ?? 'the reason is not known'}`;
  return `not read: ${reason ?? 'its module is switched off'}`;
}
