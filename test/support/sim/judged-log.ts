// The log of a schedule, which judges each commit at the moment it becomes visible: what holds only afterwards, or only when
// nobody crashes, does not hold.

import type { Simulator } from '../../../lab/simulator/index.ts';
import type { Batch, JsonObject, OutMessage } from '../../../src/engine/ports.ts';
import type { StreamRow } from '../../../src/engine/state/stream-row.ts';
import type { StreamDefinition } from '../../../src/streams/definition.ts';
import { testCodec } from '../codec.ts';
import { WatchedLog } from '../oracle.ts';
import type { Plan } from './plan.ts';

let keys: ReturnType<typeof testCodec> | undefined;

export class JudgedLog extends WatchedLog {
  /** Broken promises, each with its name. */
  readonly broken: string[] = [];
  /** Whether lists were answered honestly so far: an old or repeated page, or a smaller role, hides what a cursor passes. */
  honest = true;
  commits = 0;
  readonly #watched: Simulator;
  readonly #plan: Plan;
  readonly #live = new Map<string, Map<string, OutMessage>>();
  readonly #letters = new Map<string, number>();
  #owner = -1;
  #writer = -1;

  constructor(simulator: Simulator, plan: Plan) {
    super(simulator);
    this.#watched = simulator;
    this.#plan = plan;
  }

  /** The account changes hands: from now on nothing of anybody else may appear. */
  opens(life: number): void {
    // An older one that comes back from a doubt is refused, and owns nothing by having asked.
    this.#owner = Math.max(this.#owner, life);
  }

  writes<T>(life: number, commit: () => T): T {
    this.#writer = life;
    return commit();
  }

  override append(batch: Batch): void {
    this.commits++;
    if (this.#writer !== this.#owner) this.broken.push(`P5: life ${this.#writer} wrote after ${this.#owner} took over`);
    const before = new Map([...batch.rows.keys()].map((name) => [name, this.rows.get(name)]));
    super.append(batch);
    for (const message of batch.messages) this.#note(message);
    for (const { stream } of batch.deadLetters) this.#letters.set(stream, (this.#letters.get(stream) ?? 0) + 1);
    for (const stream of new Set([...batch.messages, ...batch.deadLetters].map((each) => each.stream))) {
      if (!batch.rows.has(stream)) this.broken.push(`P4: records of ${stream} came without its state row`);
    }
    for (const definition of this.#plan.streams) {
      const row = batch.rows.get(definition.name) as unknown as StreamRow | null | undefined;
      if (row) this.#judgeRow(definition, row, before.get(definition.name));
    }
  }

  override empty(stream: string): void {
    super.empty(stream);
    this.#live.delete(stream);
  }

  /** The state topic is lost. */
  forget(): void {
    this.rows.clear();
    this.#letters.clear();
  }

  #note(message: OutMessage): void {
    const live = this.#live.get(message.stream) ?? new Map<string, OutMessage>();
    this.#live.set(message.stream, live);
    const key = message.key.toString('latin1');
    if (message.value === null) live.delete(key);
    else live.set(key, message);
  }

  /** Whoever starts from here finds rows and topic in agreement (P4), and misses nothing by the cursor (P1). */
  #judgeRow(definition: StreamDefinition, row: StreamRow, before: JsonObject | undefined): void {
    const { name } = definition;
    const live = this.#live.get(name)?.size ?? 0;
    if (row.rows !== live) this.broken.push(`P4: the row of ${name} says ${row.rows}, its topic holds ${live}`);
    const letters = this.#letters.get(name) ?? 0;
    if (row.dead_letters !== letters)
      this.broken.push(`P4: the row of ${name} says ${row.dead_letters} dead letters, there are ${letters}`);
    if (row.state !== 'RUNNING' && !(row.reason && row.remedy))
      this.broken.push(`P9: ${name} is ${row.state} without reason and remedy`);
    const cursor = row.position.kind === 'list' ? row.position.cursor : null;
    const former = (before as unknown as StreamRow | undefined)?.position;
    if (definition.kind === 'list' && cursor && cursor !== (former as typeof row.position & { kind: 'list' })?.cursor)
      this.#judgeCursor(definition, cursor);
  }

  /** Everything that Harvest wrote before the cursor is on the topic, in that version or a newer one. */
  #judgeCursor(definition: StreamDefinition, cursor: string): void {
    // Lists by page number may shift while they are walked; what slips through is for the reconciliation.
    if (!this.honest || (definition.paging === 'page' && this.#plan.pageRows < 2000)) return;
    keys ??= testCodec();
    const until = Date.parse(cursor);
    const live = this.#live.get(definition.name);
    const refused = new Set(this.deadLetters.filter(({ stream }) => stream === definition.name).map(({ key }) => key));
    for (const { id, updated_at } of this.#watched.data[definition.name as 'clients'].all()) {
      if (updated_at * 1000 >= until || refused.has(String(id))) continue;
      const message = live?.get(keys.key(definition, id).toString('latin1'));
      if (!message || message.sourceTsMs! < updated_at * 1000)
        this.broken.push(`P4: the cursor of ${definition.name} passed ${cursor}, its record ${id} did not`);
    }
  }
}
