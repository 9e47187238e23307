// `watch`: changes as they come on the topics, decoded, with what they change. Reads the brokers and the registry alone.
import { EXIT } from '../base/errors.ts';
import { MessageReader } from '../codec/message-reader.ts';
import { readOrdinaryFile } from '../config/files.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { followTopics, type TailedRecord } from '../kafka/topic-tail.ts';
import { dataTopic } from '../kafka/topics.ts';
import { createRegistry } from '../registry.ts';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.ts';
import type { Row } from './change.ts';
import { type Change, ChangePrinter } from './change-printer.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, random } from './context.ts';
import { accountNamed, streamNamed } from './names.ts';
import { painter } from './output.ts';

export interface WatchOptions extends CommonOptions {
  readonly account?: string;
  readonly fromBeginning?: boolean;
}

/** Prints until Ctrl-C (130): lines for people, or with `--json` an object a line. */
export async function watch(options: WatchOptions, ...names: string[]): Promise<number> {
  // Harvest is asked nothing, so no token is needed.
  const env = { HARVEST_ACCOUNT_ID: '0', HARVEST_ACCESS_TOKEN: 'none', ...process.env };
  const config = configOf(options, { env, readFile: readOrdinaryFile });
  const named = names.map((name) => streamNamed(name).name);
  const streams = named.length > 0 ? [...new Set(named)] : enabledStreams(config).map(({ name }) => name);
  const accounts = options.account === undefined ? config.harvest.accounts : [accountNamed(config, options.account)];
  const { json = false, fromBeginning = false } = options;
  const { signal, exitCode } = interruption();
  const tell = (line: string) => process.stderr.write(`${line}\n`);
  const printer = new ChangePrinter({
    write: print,
    paint: painter(process.stdout),
    clock,
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    showAccount: accounts.length > 1,
    showFirstReads: fromBeginning,
  });
  const show = json ? (change: Change) => print(jsonLine(change)) : (change: Change) => printer.show(change);
  const onCaughtUp = (missing: readonly string[]) => {
    if (missing.length > 0) tell(`Not there yet, and waited for: ${missing.join(', ')}`);
    if (!json) tell('Changes as they come (+ created, ~ updated, - deleted); Ctrl-C ends.');
  };
  try {
    await watchChanges(config, accounts, streams, { show, fromBeginning, onCaughtUp, signal });
  } finally {
    printer.close();
  }
  return exitCode() ?? EXIT.clean;
}

/** Hands over each change of these streams as it is committed, until `signal` aborts; with `fromBeginning` those before too. */
export async function watchChanges(
  config: Config,
  accounts: readonly AccountConfig[],
  streams: readonly string[],
  options: {
    readonly show: (change: Change) => void;
    readonly fromBeginning: boolean;
    /** Everything that was there has been read; `missing` are topics that are not there yet. */
    readonly onCaughtUp: (missing: readonly string[]) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const registry = createRegistry(config, { clock, random });
  const reader = new MessageReader((id) => registry.schemaById(id));
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  try {
    await Promise.all(
      accounts.map(async (account) => {
        const prefix = prefixOf(config, account);
        const changes = new Changes(account.id, prefix, streams, reader);
        const tail = {
          onRecord: async (record: TailedRecord, isNew: boolean) => {
            const before = changes.remember(record);
            if (isNew || options.fromBeginning) options.show(await changes.told(record, before));
          },
          onReset: (topic: string) => changes.forget(topic),
          onCaughtUp: options.onCaughtUp,
        };
        await followTopics(kafkaSettings(config), changes.topics, prefix, tail, { clock, signal });
      }),
    );
  } finally {
    // One account whose topics cannot be read ends the others.
    failed.abort();
    await registry.close();
  }
}

/** The last value of every key, as bytes: what a change is told against. */
class Changes {
  readonly #account: string;
  readonly #streamOf: ReadonlyMap<string, string>;
  readonly #reader: MessageReader;
  readonly #last = new Map<string, Map<string, Buffer>>();

  constructor(account: string, prefix: string, streams: readonly string[], reader: MessageReader) {
    this.#account = account;
    this.#streamOf = new Map(streams.map((stream) => [dataTopic(prefix, stream), stream]));
    this.#reader = reader;
  }

  get topics(): string[] {
    return [...this.#streamOf.keys()];
  }

  /** Notes the record as the last of its key; returns the value before it. */
  remember({ topic, key, value }: TailedRecord): Buffer | null {
    const last = this.#last.get(topic) ?? new Map<string, Buffer>();
    this.#last.set(topic, last);
    const name = key.toString('latin1');
    const before = last.get(name) ?? null;
    if (value === null) last.delete(name);
    else last.set(name, Buffer.from(value));
    return before;
  }

  forget(topic: string): void {
    this.#last.delete(topic);
  }

  async told(record: TailedRecord, before: Buffer | null): Promise<Change> {
    const { topic, partition, offset, at, key, value } = record;
    const read = async (bytes: Buffer | null): Promise<Row | string | null> =>
      bytes === null ? null : this.#reader.read(bytes);
    return {
      ...{ account: this.#account, stream: this.#streamOf.get(topic)!, topic, partition, offset, at },
      op: record.op ?? (value === null ? 'd' : before === null ? 'c' : 'u'),
      key: await this.#reader.read(key),
      before: await read(before),
      after: await read(value),
    };
  }
}

function jsonLine({ account, at, ...change }: Change): string {
  return JSON.stringify({ account_id: account, at: new Date(at).toISOString(), ...change });
}
