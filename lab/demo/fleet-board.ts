// Who has which account, as the log lines of the instances tell it, in words for people. Pure: hears lines, answers with what to print.

/** A line of an instance's log, as far as it is looked at. */
export interface LogLine {
  readonly event?: string;
  readonly account?: string;
  readonly from?: string | null;
  readonly unownedMs?: number | null;
}

export class FleetBoard {
  readonly #owners = new Map<string, string>();
  /** Accounts of an instance that is gone, each with when it was (ms). */
  readonly #orphans = new Map<string, { readonly of: string; readonly since: number }>();
  #slowestMs = 0;

  /** Ids of the accounts that it runs. */
  accountsOf(instance: string): string[] {
    return [...this.#owners]
      .filter(([, owner]) => owner === instance)
      .map(([account]) => account)
      .sort();
  }

  /** The lines to print for a log line of an instance; `now` in ms. */
  hear(instance: string, { event, account, from = null, unownedMs = null }: LogLine, now: number): string[] {
    if (account === undefined) return [];
    if (event === 'cluster.closed' && this.#owners.get(account) === instance) this.#owners.delete(account);
    if (event !== 'cluster.opened') return [];
    this.#owners.set(account, instance);
    const orphan = this.#orphans.get(account);
    if (orphan === undefined) {
      const gap = unownedMs === null ? '' : `, ${seconds(unownedMs)} after its last commit there`;
      return [`  ${account} → ${instance}${from === null ? '' : ` from ${from}${gap}`}`];
    }
    this.#orphans.delete(account);
    const ms = now - orphan.since;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    const told = `  ${account} → ${instance}, signed ${seconds(ms)} after ${orphan.of} was gone`;
    if ([...this.#orphans.values()].some(({ of }) => of === orphan.of)) return [told];
    return [told, `  all accounts of ${orphan.of} have an owner again, after ${seconds(this.#slowestMs)} at the most`];
  }

  /** An instance is gone, whatever it ran; returns the ids of that. */
  gone(instance: string, now: number): string[] {
    const accounts = this.accountsOf(instance);
    this.#slowestMs = 0;
    for (const account of accounts) {
      this.#owners.delete(account);
      this.#orphans.set(account, { of: instance, since: now });
    }
    return accounts;
  }

  /** One line: who has what. */
  text(instances: readonly string[]): string {
    const each = instances.map((name) => `${name}: ${this.accountsOf(name).join(' ') || 'stands by'}`);
    return `${each.join('   ')}${this.#orphans.size > 0 ? `   without an owner: ${[...this.#orphans.keys()].join(' ')}` : ''}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
