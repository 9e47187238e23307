// What needs a person, most urgent first, each with the command that helps and with what follows from it folded in. Pure.
import type { AccountStatus } from '../engine/status.ts';
import { findStream } from '../streams/catalog.ts';
import { type Concern, readiness } from './readiness.ts';

export interface Errand extends Concern {
  /** To be copied; null where no command helps. */
  readonly command: string | null;
  /** Streams that stand still because of it. */
  readonly dependents: readonly string[];
}

/** States that go by themselves, or that somebody chose; so is the pause of a stream, not that of a budget. */
const NO_ERRAND = ['opening', 'INCOMPLETE', 'RETRYING', 'FEATURE_OFF'];

export function errands(accounts: readonly AccountStatus[]): Errand[] {
  const { reasons, notes } = readiness(accounts);
  const isChosen = ({ stream, state }: Concern) => stream !== undefined && state === 'PAUSED';
  const found = [...reasons, ...notes].filter((each) => !NO_ERRAND.includes(each.state) && !isChosen(each));
  const causes = found.filter((concern) => causeOf(concern, found) === null);
  return causes.map((cause) => ({
    ...cause,
    command: commandFor(cause),
    dependents:
      cause.stream === undefined
        ? streamsOf(accounts.find(({ accountId }) => accountId === cause.account)!, cause)
        : found.filter((other) => causeOf(other, found) === cause).map(({ stream }) => stream!),
  }));
}

/** The concern on the parent of its stream, if that is refused alike. A hold is each stream's own. */
function causeOf({ account, stream, state }: Concern, found: readonly Concern[]): Concern | null {
  const parent = stream === undefined ? undefined : findStream(stream)?.parent?.stream;
  if (parent === undefined || state === 'HELD') return null;
  return found.find((other) => other.account === account && other.stream === parent && other.state === state) ?? null;
}

/** All streams of an account that stands still; a pause of a budget stops nothing by itself. */
function streamsOf({ streams }: AccountStatus, { state }: Concern): string[] {
  return state === 'PAUSED' ? [] : streams.filter((each) => each.state === 'RUNNING').map(({ stream }) => stream);
}

function commandFor({ account, stream, state }: Concern): string | null {
  switch (state) {
    case 'HELD':
      return `harvest-kafka release ${stream} --account ${account}`;
    case 'BLOCKED':
      return `harvest-kafka state show ${stream}`;
    case 'taken':
      return `harvest-kafka take ${account}`;
    case 'FORBIDDEN':
    case 'waiting':
    case 'stopped':
      return 'harvest-kafka check';
    default:
      return null;
  }
}
