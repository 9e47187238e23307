// The group as the main loop sees it: starts the thread of the member, tells it what it runs and hears what it is given.
import { Worker } from 'node:worker_threads';
import { atMost, type Clock } from '../base/clock.ts';
import { packageUrl } from '../base/package-root.ts';
import type { KafkaSettings, Log } from '../kafka/connection.ts';
import type { MemberEvent } from './member.ts';
import { type Command, type GroupSettings, packed, type Told } from './messages.ts';

export type GroupEvent =
  | MemberEvent
  /** How late the main loop answered the thread. */
  | { readonly name: 'answered'; readonly lagMs: number }
  /** The thread has ended although nobody asked it to. */
  | { readonly name: 'died'; readonly reason: string };

export interface Group {
  /** Ids of the accounts that this instance could run, and how heavy those are that it has run. */
  setAccounts(accounts: readonly string[], weight: Readonly<Record<string, number>>): void;
  /** A signature with this term was read. */
  heard(term: number): void;
  /** An account that is assigned is not run any more: the next round gives it away under a newer term. */
  lost(account: string): void;
  /** A person wants an account of this instance on another member, by its name. */
  move(account: string, to: string): void;
  /** From the next round on nothing is assigned to this instance. */
  leaving(): void;
  /** Leaves the group and ends the thread. */
  goodbye(): Promise<void>;
}

/** A thread runs what is compiled, also when the rest runs from the sources: Node alone does not read TypeScript everywhere. */
const THREAD = import.meta.url.endsWith('.ts')
  ? packageUrl('dist/src/cluster/thread.js')
  : new URL('./thread.js', import.meta.url);
const GOODBYE_PATIENCE_MS = 3_000;

/** Joins the group; what becomes of it is told to `listen`. */
export function joinGroup(
  settings: GroupSettings,
  kafka: KafkaSettings,
  { clock, log, listen }: { readonly clock: Clock; readonly log: Log; readonly listen: (event: GroupEvent) => void },
): Group {
  const worker = new Worker(THREAD, { workerData: packed(settings, kafka) });
  let isOver = false;
  const tell = (command: Command) => worker.postMessage(command);
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const died = (reason: string) => {
    if (!isOver) listen({ name: 'died', reason });
    isOver = true;
  };
  worker.on('message', (told: Told) => {
    if (told.name === 'ping') tell({ do: 'answer' });
    else if (told.name === 'ask for token') void giveToken();
    else if (told.name === 'log') log(told.level, told.message, told.fields);
    else if (!isOver) listen(told);
  });
  worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => died(`it ended with code ${code}`));

  async function giveToken(): Promise<void> {
    const { sasl } = kafka;
    try {
      const token = sasl?.mechanism === 'oauthbearer' ? (await sasl.tokens.token()).reveal() : null;
      tell({ do: 'give token', token, failure: 'no bearer tokens are configured' });
    } catch (error) {
      tell({ do: 'give token', token: null, failure: error instanceof Error ? error.message : String(error) });
    }
  }

  return {
    setAccounts: (accounts, weight) => tell({ do: 'set accounts', accounts, weight }),
    heard: (term) => tell({ do: 'hear term', term }),
    lost: (account) => tell({ do: 'lose account', account }),
    move: (account, to) => tell({ do: 'move account', account, to }),
    leaving: () => tell({ do: 'begin leaving' }),
    goodbye: async () => {
      isOver = true;
      tell({ do: 'say goodbye' });
      await atMost(clock, GOODBYE_PATIENCE_MS, ended);
      await worker.terminate();
    },
  };
}
