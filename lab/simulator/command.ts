// `npm run simulator`: a simulated Harvest as a process of its own.
import { Command, InvalidArgumentError } from 'commander';
import type { Fault } from './faults.ts';
import {
  type Budget,
  createSimulator,
  DEFAULT_ACCOUNT_ID,
  DEFAULT_TOKEN,
  mutate,
  seededRandom,
  serve,
} from './index.ts';

interface Options {
  readonly port: number;
  readonly host: string;
  readonly timeEntries: number;
  readonly years: number;
  readonly seed: number;
  readonly general: Budget;
  readonly reports: Budget;
  readonly limits: boolean;
  readonly token: string;
  readonly accountId: number;
  readonly mutateEvery?: number;
  readonly fault: readonly Fault[];
  readonly control: boolean;
}

const command = new Command('simulator')
  .description('Serves a believable Harvest API v2 with a made-up account.')
  .option('--port <n>', 'port to listen on; 0 takes a free one', whole, 0)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--time-entries <n>', 'size of the account; everything else follows', whole, 2000)
  .option('--years <n>', 'length of its history', whole, 3)
  .option('--seed <n>', 'the same seed makes the same account', whole, 1)
  .option('--general <n/seconds>', 'general budget', budget, { requests: 100, seconds: 15 })
  .option('--reports <n/seconds>', 'reports budget', budget, { requests: 100, seconds: 900 })
  .option('--no-limits', 'no budgets at all')
  .option('--token <text>', 'access token', DEFAULT_TOKEN)
  .option('--account-id <n>', 'account id', whole, DEFAULT_ACCOUNT_ID)
  .option('--mutate-every <ms>', 'change something at random, again and again', whole)
  .option('--fault <json>', 'a fault, e.g. {"match":{"stream":"clients","times":1},"do":{"kind":"reset"}}', fault, [])
  .option('--control', 'open /_control/* (control.ts: faults, storms, deletions, clock, truth …)', false)
  .action(run);

await command.parseAsync();

async function run(options: Options): Promise<void> {
  const { general, reports, limits, mutateEvery } = options;
  const simulator = createSimulator({
    ...options,
    budgets: limits ? { general, reports } : { general: null, reports: null },
  });
  for (const each of options.fault) simulator.faults.add(each);
  const server = await serve(simulator, options);

  process.stdout.write(
    `Harvest API v2 simulated at ${server.url}/v2 (Harvest ID at ${server.url}), account ${options.accountId}\n` +
      `curl -s '${server.url}/v2/clients?per_page=2' -H 'Authorization: Bearer ${options.token}' ` +
      `-H 'Harvest-Account-Id: ${options.accountId}' -H 'User-Agent: try (me@example.com)'\n`,
  );

  const random = seededRandom(options.seed + 1);
  const life = mutateEvery === undefined ? undefined : setInterval(() => tell(mutate(simulator, random)), mutateEvery);
  const stop = () => {
    clearInterval(life);
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
    server.close().catch(() => {});
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

const tell = ({ kind, stream, text }: { kind: string; stream: string; text: string }) =>
  process.stdout.write(`${kind} ${stream}: ${text}\n`);

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Not a whole number.');
  return Number(text);
}

function budget(text: string): Budget {
  const parts = /^(\d+)\/(\d+)$/.exec(text);
  if (!parts) throw new InvalidArgumentError('Write requests/seconds, as in 100/15.');
  return { requests: Number(parts[1]), seconds: Number(parts[2]) };
}

function fault(text: string, before: readonly Fault[]): readonly Fault[] {
  try {
    return [...before, JSON.parse(text) as Fault];
  } catch {
    throw new InvalidArgumentError('Not JSON.');
  }
}
