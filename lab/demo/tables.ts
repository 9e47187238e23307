// `demo --sink`: every stream in a table of a real PostgreSQL, filled by a real Kafka Connect through our own commands, and three
// questions that are asked again and again.
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/base/clock.ts';
import { changes } from '../../src/cli/change.ts';
import { type Paint, table } from '../../src/cli/output.ts';
import { connectorsOf, schemasOfTables } from '../../src/cli/sink.ts';
import type { Config } from '../../src/config/options.ts';
import { applyConnector } from '../../src/sink/apply.ts';
import { createConnectClient } from '../../src/sink/connect-client.ts';
import { postgresDdl } from '../../src/sink/ddl.ts';
import { type Connect, startConnect } from '../stack/connect.ts';
import { type Postgres, SINK_USER, startPostgres } from '../stack/postgres.ts';
import type { SqlClient } from '../stack/postgres-home.ts';
import { QUESTIONS, type Question } from './questions.ts';

export interface TablesOptions {
  /** Where the database and the worker keep what they have. */
  readonly data: string;
  readonly bootstrap: string;
  readonly write: (line: string) => void;
  readonly paint: Paint;
  readonly signal: AbortSignal;
}

export interface Tables {
  /** Makes tables and connector, says where they are, and asks until closed. */
  fill(config: Config): Promise<void>;
  close(): Promise<void>;
}

const SCHEMA = 'harvest';
const PATIENCE_MS = 300_000;
const ASK_EVERY_MS = 3_000;

/** Starts database and worker, while others start too. */
export function startTables(options: TablesOptions): Tables {
  const { data, bootstrap, write, paint, signal } = options;
  const onProgress = (text: string) => write(paint('gray', `${text}\n`));
  const starting = Promise.allSettled([
    startPostgres({ dataDir: join(data, 'postgres'), onProgress, signal }),
    startConnect({
      ...{ bootstrap, dataDir: join(data, 'connect'), onProgress, signal },
      env: { SINK_USER: SINK_USER.username, SINK_PASSWORD: SINK_USER.password },
    }),
  ]);
  const closing = new AbortController();
  const stopped = AbortSignal.any([signal, closing.signal]);
  let asking: Promise<void> = Promise.resolve();
  return {
    fill: async (config) => {
      const [database, worker] = await starting;
      const [postgres, connect] = [successful(database), successful(worker)];
      write(paint('gray', 'PostgreSQL: making the tables, and waiting for the connector\n'));
      await connected(config, postgres, connect, stopped);
      write(await addresses(postgres, paint));
      asking = ask(postgres, options, stopped);
      await asking;
    },
    close: async () => {
      closing.abort();
      await asking.catch(() => {});
      for (const each of (await starting).reverse()) if (each.status === 'fulfilled') await each.value.stop();
    },
  };
}

function successful<T>(each: PromiseSettledResult<T>): T {
  if (each.status === 'rejected') throw each.reason;
  return each.value;
}

async function connected(config: Config, postgres: Postgres, connect: Connect, signal: AbortSignal): Promise<void> {
  await postgres.query(postgresDdl(await schemasOfTables(config, { schema: SCHEMA })));
  const [connector] = await connectorsOf(config, {
    ...{ schema: SCHEMA, for: 'debezium', converter: 'apicurio', jdbcUrl: postgres.jdbcUrl },
    ...{ user: '${env:SINK_USER}', password: '${env:SINK_PASSWORD}' },
  });
  const client = createConnectClient(connect.url, systemClock);
  try {
    await applyConnector(client, connector!, {
      ...{ clock: systemClock, random: systemRandom, signal, patienceMs: PATIENCE_MS },
      // The worker remembers what it has read; a database that was made anew has nothing of it.
      fromBeginning: postgres.isNew,
    });
  } finally {
    await client.close();
  }
}

async function addresses(postgres: Postgres, paint: Paint): Promise<string> {
  const psql = await postgres.psqlLine();
  const lines = [
    ['tables', `${postgres.url} (schema ${SCHEMA})`],
    ...(psql === null ? [] : [['look around', psql]]),
  ] as const;
  return `\n${lines.map(([name, where]) => `  ${name!.padEnd(12)} ${paint('bold', where!)}\n`).join('')}\n`;
}

/** Asks all questions until the signal: each answer whole at first, then the rows that changed. */
async function ask(postgres: Postgres, { write, paint }: TablesOptions, signal: AbortSignal): Promise<void> {
  const client = await postgres.connect();
  const answers = new Map<Question, Answer>();
  try {
    while (!signal.aborted) {
      for (const question of QUESTIONS) {
        const before = answers.get(question);
        const now = await answerTo(question, client);
        // What is still being read for the first time is no answer yet.
        if (!before && now.size === 0) continue;
        answers.set(question, now);
        write(before ? differences(question, before, now, paint) : whole(question, now, paint));
      }
      await systemClock.sleep(ASK_EVERY_MS, signal);
    }
  } finally {
    await client.end();
  }
}

type Row = Record<string, unknown>;
/** Rows by their first column. */
type Answer = ReadonlyMap<string, Row>;

async function answerTo({ sql }: Question, client: SqlClient): Promise<Answer> {
  const { rows } = await client.query(sql);
  return new Map((rows as Row[]).map((row) => [String(Object.values(row)[0]), row]));
}

function whole({ about, sql }: Question, answer: Answer, paint: Paint): string {
  const rows = [...answer.values()];
  const shown = table(rows, Object.keys(rows[0]!));
  return `${paint('bold', `? ${about}`)}\n${paint('gray', indented(sql))}${indented(shown)}\n`;
}

function indented(text: string): string {
  return `${text.trim().replace(/^/gm, '    ')}\n`;
}

function differences({ about }: Question, before: Answer, now: Answer, paint: Paint): string {
  const names = [...new Set([...before.keys(), ...now.keys()])];
  return names
    .flatMap((name): string[] => {
      const [was, is] = [before.get(name), now.get(name)];
      const told = was && is ? changes(was, is) : is ? 'is new here' : 'is no more here';
      return told === '' ? [] : [`${paint('bold', `? ${about.padEnd(31)}`)} ${name} ${told}\n`];
    })
    .join('');
}
