// A step of a stream that is read whole each time: the company, the roles, the project budgets. Also what `/company` means to
// other streams: it switches modules off and on.
import { isoSeconds } from '../../base/clock.ts';
import { FEATURE_FLAGS, isOff, WEEK_START } from '../../streams/definition.ts';
import type { PublisherEvent } from '../events.ts';
import { readAll } from '../fetch.ts';
import { type JsonObject, PRIORITY } from '../ports.ts';
import { isNarrowed, lookAgain, missingFrom, NARROWED } from '../reports/narrowing.ts';
import { holdOf, limitOf, missingReason } from '../state/hold.ts';
import { type Move, moved, switchedRow } from '../state/stream-row.ts';
import type { Claim, StreamRuntime } from '../state/stream-runtime.ts';
import { newDiff, type StepContext, type StepResult, scanCompleted, stepResult } from '../step.ts';

/** Everything the stream holds. Throws what Source throws. */
export async function wholeStep({ runtime }: Claim, context: StepContext): Promise<StepResult> {
  const { definition, row } = runtime;
  const purpose = row.complete ? 'whole' : 'snapshot';
  const priority = row.complete ? PRIORITY.poll : PRIORITY.snapshot;
  const look = async () => {
    const answer = await readAll(runtime, { query: {} }, purpose, priority, context);
    const diff = newDiff(runtime, context, { seen: true });
    diff.add(answer.records, { accountId: context.settings.accountId });
    return { ...answer, diff };
  };
  let answer = await look();
  const missing = missingFrom(runtime, answer.diff);
  const isReport = definition.single === null;
  const isHoldable = missing.length > 0 && !row.hold?.released;
  const isMass = isHoldable && missing.length > limitOf(runtime.index.size, context.settings.hold);
  const tooMuch = isMass || (isHoldable && isReport && (await isNarrowed(runtime, context)));
  // Rows that can be asked for are deleted by their own 404; a report's row is what its list says.
  const candidates = tooMuch || isReport ? [] : (missing as number[]);
  if (missing.length > 0 && isReport && !tooMuch) {
    answer = await lookAgain(look, missing, (diff) => missingFrom(runtime, diff));
  }
  const { records, serverTime, pages, diff } = answer;
  const at = isoSeconds(context.now());
  const reason = isMass ? missingReason(missing.length, runtime.index.size) : NARROWED;

  const company = definition.isSettings ? companyFacts(records[0]) : row.company;
  const own: Move = (current) => {
    const position = { kind: 'list', cursor: null, scan: null } as const;
    const synced = isoSeconds(serverTime);
    const hold = tooMuch ? holdOf(current.hold, 'missing', reason, at) : null;
    return { ...moved(current, position, purpose, context.now(), synced), company, candidates, hold };
  };
  const moves: [StreamRuntime, Move][] = [[runtime, own]];
  if (definition.isSettings && company !== null) moves.push(...switchedFeatures(context, company));
  const events: PublisherEvent[] = [];
  if (!row.complete) events.push({ name: 'scan.started', stream: definition.name, purpose, since: null });
  const scan = { started_at: isoSeconds(serverTime), pages, read: records.length };
  events.push(scanCompleted(runtime, purpose, scan, context.now()));
  const whole = { begins: true, ends: true, startedAt: scan.started_at };
  return stepResult(runtime, purpose, { diffs: [[runtime, diff]], moves, events, scanned: true, whole });
}

/** `/company` says which modules are on: streams of the others stand still, and say so (HARVEST-API, Modules). */
function switchedFeatures({ streams, now }: StepContext, company: JsonObject): [StreamRuntime, Move][] {
  const moveOf = ({ definition }: StreamRuntime): Move => {
    return (row) => switchedRow(row, definition, isOff(definition, company), now());
  };
  return [...streams.values()]
    .map((runtime) => [runtime, moveOf(runtime)] as [StreamRuntime, Move])
    .filter(([{ row }, move]) => move(row) !== row);
}

const COMPANY_FACTS = [...FEATURE_FLAGS, WEEK_START];

function companyFacts(record: JsonObject | undefined): JsonObject | null {
  if (record === undefined) return null;
  // A state row holds what it is made for: a switch, a name.
  const plain = (fact: unknown) => (typeof fact === 'boolean' || typeof fact === 'string' ? fact : null);
  return Object.fromEntries(COMPANY_FACTS.map((fact) => [fact, plain(record[fact])]));
}
