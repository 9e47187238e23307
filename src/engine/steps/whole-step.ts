// A step of a stream that is read whole each time: the company, the roles, the project budgets. Also what `/company` means to
// other streams: it switches modules off and on.
import { isoSeconds } from '../../base/clock.ts';
import { holdOf, limitOf, missingReason } from '../deletions/reconciliation.ts';
import type { PublisherEvent } from '../events.ts';
import type { LiveStream } from '../state/stream-runtime.ts';
import { isNarrowed, lookAgain, missingFrom, NARROWED } from '../reports/narrowing.ts';
import { type JsonObject, PRIORITY } from '../ports.ts';
import { type Move, moved, newDiff, readAll, type StepContext, type StepResult, stepResult, sweepMs } from '../step.ts';
import type { StreamRow } from '../state/stream-row.ts';

/** Everything the stream holds. Throws what Source throws. */
export async function wholeStep(live: LiveStream, context: StepContext): Promise<StepResult> {
  const { definition, row } = live;
  const purpose = row.complete ? 'whole' : 'first';
  const priority = row.complete ? PRIORITY.changes : PRIORITY.first;
  const look = async () => {
    const answer = await readAll(live, { query: {} }, purpose, priority, context);
    const diff = newDiff(live, context, { seen: true });
    diff.add(answer.records, { accountId: context.settings.accountId });
    return { ...answer, diff };
  };
  let answer = await look();
  const missing = missingFrom(live, answer.diff);
  const isReport = definition.single === null;
  const isHoldable = missing.length > 0 && !row.hold?.released;
  const isMass = isHoldable && missing.length > limitOf(live.index.size, context.settings.hold);
  const tooMuch = isMass || (isHoldable && isReport && (await isNarrowed(live, context)));
  // Rows that can be asked for are deleted by their own 404; a report's row is what its list says.
  const suspects = tooMuch || isReport ? [] : (missing as number[]);
  if (missing.length > 0 && isReport && !tooMuch) {
    answer = await lookAgain(look, missing, (diff) => missingFrom(live, diff));
  }
  const { records, serverTime, pages, diff } = answer;
  const at = isoSeconds(context.now());
  const reason = isMass ? missingReason(missing.length, live.index.size) : NARROWED;

  const company = definition.name === 'company' ? companyFacts(records[0]) : row.company;
  const own: Move = (current) => {
    const position = { kind: 'list', cursor: null, sweep: null } as const;
    const synced = isoSeconds(serverTime);
    const hold = tooMuch ? holdOf(current, 'missing', reason, at) : null;
    return { ...moved(current, position, purpose, context.now(), synced), company, suspects, hold };
  };
  const moves: [LiveStream, Move][] = [[live, own]];
  if (definition.name === 'company' && company !== null) moves.push(...switchedFeatures(context, company));
  const events: PublisherEvent[] = [];
  if (!row.complete) events.push({ name: 'sweep.started', stream: definition.name, purpose, since: null });
  const ms = sweepMs(isoSeconds(serverTime), context.now());
  const read = records.length;
  events.push({ name: 'sweep.completed', stream: definition.name, purpose, pages, read, ms, cursor: null });
  return stepResult(live, purpose, { diffs: [[live, diff]], moves, events, swept: true });
}

/** `/company` says which modules are on: streams of the others stand still, and say so (design section 9). */
function switchedFeatures({ streams, now }: StepContext, company: JsonObject): [LiveStream, Move][] {
  const moves: [LiveStream, Move][] = [];
  for (const live of streams.values()) {
    const flag = live.definition.feature;
    if (flag === null) continue;
    const isOff = company[flag] === false;
    if (isOff && live.row.state !== 'FEATURE_OFF') moves.push([live, (row) => featureOff(row, live, flag, now())]);
    if (!isOff && live.row.state === 'FEATURE_OFF') {
      moves.push([live, (row) => moved(row, row.position, 'probe', now(), false)]);
    }
  }
  return moves;
}

function featureOff(row: StreamRow, { definition }: LiveStream, flag: string, now: number): StreamRow {
  return {
    ...row,
    state: 'FEATURE_OFF',
    reason: `the company has this module switched off (${flag} is false)`,
    remedy: `Switch the module on in Harvest (Settings, Modules), or set streams.${definition.name}.enabled: false.`,
    since: isoSeconds(now),
  };
}

const COMPANY_FACTS = ['expense_feature', 'invoice_feature', 'estimate_feature', 'week_start_day'] as const;

function companyFacts(record: JsonObject | undefined): JsonObject | null {
  if (record === undefined) return null;
  // A state row holds what it is made for: a switch, a name.
  const plain = (fact: unknown) => (typeof fact === 'boolean' || typeof fact === 'string' ? fact : null);
  return Object.fromEntries(COMPANY_FACTS.map((fact) => [fact, plain(record[fact])]));
}
