// The questions of `check` to Harvest: who the token belongs to, and one record of each stream. It shares the account's rate limits with
// a daemon that may be running, so it asks one thing after the other, and nothing for which it would have to wait for long.
import { isoSeconds } from '../base/clock.ts';
import { asPublisherError, EXIT, PublisherError } from '../base/errors.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { type JsonObject, PRIORITY } from '../engine/ports.ts';
import type { Pacer } from '../harvest/caller.ts';
import type { HarvestSource } from '../harvest/client.ts';
import { createHarvestSource } from '../harvest-source.ts';
import { duration } from '../observe/readiness.ts';
import { enabledStreams } from '../settings.ts';
import { company as companyStream, findStream } from '../streams/catalog.ts';
import { type BudgetName, isOff, type StreamDefinition } from '../streams/definition.ts';
import { type CheckFinding, failed, found } from './check-finding.ts';
import { clock, random } from './context.ts';

/** Nobody waits longer than this for a budget. */
const PATIENCE_MS = 20_000;

/** Facts learned on the way, for the plan. */
export interface Learned {
  /** `total_entries` of each list that was asked; null where Harvest does not say. */
  readonly totals: ReadonlyMap<string, number | null>;
  /** `/company`; empty when it was not read. */
  readonly settings: JsonObject;
}

/** `tell` gets each finding as it comes; `pacer` spreads the requests. */
export async function checkHarvest(
  config: Config,
  account: AccountConfig,
  signal: AbortSignal,
  tell: (finding: CheckFinding) => void,
  pacer?: Pacer,
): Promise<Learned> {
  const inquiry = new Inquiry(config, account, signal, pacer);
  let settings: JsonObject = {};
  try {
    tell(await inquiry.owner(account.id));
    const streams = enabledStreams(config);
    settings = await inquiry.company();
    // Ten reports have one small budget, and are refused or allowed together.
    let report: CheckFinding | null = null;
    const told = new Map<string, CheckFinding>();
    for (const stream of streams) {
      if (stream.budget === 'reports' && report !== null) tell(likewise(stream, report));
      else if (stream.kind === 'derived') tell(derivedFrom(told.get(stream.parent!.stream)!, stream));
      else {
        const finding = await inquiry.stream(stream, settings);
        told.set(stream.name, finding);
        tell(finding);
        if (stream.budget === 'reports' && finding.state !== 'FEATURE_OFF') report = finding;
      }
    }
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asPublisherError(thrown);
    tell(
      error.code === 'harvest.throttled'
        ? notAsked('account', account.id, error)
        : failed('account', account.id, error),
    );
  } finally {
    await inquiry.close();
  }
  return { totals: inquiry.totals, settings };
}

function likewise({ name }: StreamDefinition, report: CheckFinding): CheckFinding {
  const detail =
    report.exit_code === EXIT.clean ? `as ${report.name}; not asked, to spare the budget of reports` : report.detail;
  return { ...report, name, detail };
}

function derivedFrom(parent: CheckFinding, { name, rows }: StreamDefinition): CheckFinding {
  return { ...parent, name, detail: parent.exit_code === EXIT.clean ? `${rows} of ${parent.name}` : parent.detail };
}

function notAsked(about: CheckFinding['about'], name: string, error: PublisherError): CheckFinding {
  return { ...failed(about, name, error), state: 'not asked' };
}

/** The questions of one account. */
class Inquiry {
  readonly #source: HarvestSource;
  readonly #signal: AbortSignal;
  /** Of the question under way: how long Harvest asked to wait, and the end of our patience with that. */
  #pausedMs = 0;
  #patience = new AbortController();
  readonly #parents = new Map<string, number | null>();
  readonly totals = new Map<string, number | null>();

  constructor(config: Config, account: AccountConfig, signal: AbortSignal, pacer?: Pacer) {
    this.#signal = signal;
    this.#source = createHarvestSource(config, account, {
      clock,
      random,
      ...(pacer ? { pacer } : {}),
      emit: (event) => {
        if (event.name !== 'budget.paused') return;
        this.#pausedMs += event.ms;
        if (this.#pausedMs > PATIENCE_MS) this.#patience.abort(tooLong(event.budget, event.ms));
      },
    });
  }

  async owner(id: string): Promise<CheckFinding> {
    const person = await this.#ask('general', (signal) => this.#source.whoAmI(signal));
    const roles = Array.isArray(person.access_roles) ? person.access_roles.join(', ') : 'roles unknown';
    return found('account', id, `the token belongs to ${person.first_name} ${person.last_name} (${roles})`);
  }

  /** `/company`, which says what modules are on; nothing when the token may not read it. */
  async company(): Promise<JsonObject> {
    try {
      return (await this.#first(companyStream)) ?? {};
    } catch (thrown) {
      const error = asPublisherError(thrown);
      if (error.kind === 'blocked') return {};
      throw error;
    }
  }

  /** Asks for one record: enough to learn whether the token may. */
  async stream(stream: StreamDefinition, company: JsonObject): Promise<CheckFinding> {
    if (isOff(stream, company)) {
      const detail = `the company has this module switched off (${stream.feature} is false)`;
      return {
        ...found('stream', stream.name, detail),
        state: 'FEATURE_OFF',
        remedy: 'Switch the module on in Harvest (Settings, Modules), if it is wanted.',
      };
    }
    try {
      const parent = stream.parent ? await this.#firstId(stream.parent.stream) : undefined;
      if (parent === null) return found('stream', stream.name, 'nothing to ask: no parent record');
      await this.#first(stream, parent);
      return found('stream', stream.name, stream.path);
    } catch (thrown) {
      this.#signal.throwIfAborted();
      const error = asPublisherError(thrown);
      return error.code === 'harvest.throttled'
        ? notAsked('stream', stream.name, error)
        : failed('stream', stream.name, error);
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** The id of any record of a parent stream; null when it has none. */
  async #firstId(name: string): Promise<number | null> {
    if (!this.#parents.has(name)) {
      const record = await this.#first(findStream(name)!);
      this.#parents.set(name, (record?.id as number | undefined) ?? null);
    }
    return this.#parents.get(name)!;
  }

  async #first(stream: StreamDefinition, parent?: number): Promise<JsonObject | undefined> {
    const target = { query: probeQuery(stream), ...(parent === undefined ? {} : { parent }) };
    const request = { stream, target, purpose: 'probe', priority: PRIORITY.probe, alone: true } as const;
    const page = await this.#ask(stream.budget, (signal) => this.#source.fetchPage(request, signal));
    if (parent === undefined) this.totals.set(stream.name, page.totalEntries);
    return page.records[0];
  }

  /** Throws `harvest.throttled` when its turn would come too late. */
  async #ask<T>(name: BudgetName, question: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const budget = this.#source.budgets.find((each) => each.name === name)!;
    const waitMs = budget.freeInMs(1);
    if (waitMs > PATIENCE_MS) throw tooLong(name, waitMs);
    this.#pausedMs = 0;
    this.#patience = new AbortController();
    return question(AbortSignal.any([this.#signal, this.#patience.signal]));
  }
}

function tooLong(budget: BudgetName, ms: number): PublisherError {
  const message = `Harvest asks to wait ${duration(Math.ceil(ms / 1000))} before the next ${budget} request (429): not waited for`;
  const remedy = 'Others use the budget of this account, such as a daemon that reads it: harvest-kafka check later.';
  return new PublisherError('harvest.throttled', message, { remedy });
}

function probeQuery(stream: StreamDefinition): Record<string, string> {
  const today = isoSeconds(clock.now()).slice(0, 10).replaceAll('-', '');
  const window = stream.kind === 'report' ? { from: today, to: today } : {};
  return stream.paging === 'none' ? {} : { per_page: '1', ...window };
}
