// The command line: one file per command, all with the same options, one place that turns failures into exit codes.
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { asPublisherError, EXIT, PublisherError } from '../base/errors.ts';
import type { CheckOptions } from './check.ts';
import type { Shell } from './completion.ts';
import { type CommonOptions, print, report, VERSION } from './context.ts';
import type { LoginOptions } from './login.ts';
import type { PlanOptions } from './plan.ts';
import type { ApplyOptions, ConnectorOptions, SinkOptions } from './sink.ts';
import { standardOutput } from './standard-output.ts';
import type { VerifyOptions } from './verify.ts';
import type { WatchOptions } from './watch.ts';

/** Runs the command that `argv` names; resolves to its exit code (EXIT in base/errors.ts). */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.clean;
  const json = argv.includes('--json');
  const program = build(json, (code) => {
    exitCode = code;
  });
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // A reader that has seen enough (`head`) is no failure, and one of the log that went away no reason to stop the work.
    if (!standardOutput.isUsed) process.exit(exitCode);
  });
  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (thrown) {
    // Asking for help is no failure.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.clean;
    const error = thrown instanceof CommanderError ? usageError(thrown) : asPublisherError(thrown);
    // Without a command, Commander has shown what there is.
    if (json || !(thrown instanceof CommanderError && thrown.code === NO_COMMAND)) report(error, json);
    return error.exitCode;
  }
}

type Action<Options extends CommonOptions> = (options: Options, ...names: string[]) => Promise<number>;

type Load<Options extends CommonOptions> = () => Promise<Action<Options>>;

/** A command is loaded when it is called: what the others need, the demo's lab first of all, is no part of it. */
const COMMANDS = {
  run: async () => (await import('./run.ts')).run,
  check: async () => (await import('./check.ts')).check,
  login: async () => (await import('./login.ts')).login,
  plan: async () => (await import('./plan.ts')).plan,
  streams: async () => (await import('./streams.ts')).streams,
  fleet: async () => (await import('./fleet.ts')).fleet,
  move: async () => (await import('./fleet.ts')).move,
  take: async () => (await import('./fleet.ts')).take,
  showState: async () => (await import('./state.ts')).showState,
  resetState: async () => (await import('./state.ts')).resetState,
  reconcile: async () => (await import('./signals.ts')).reconcile,
  release: async () => (await import('./signals.ts')).release,
  pause: async () => (await import('./signals.ts')).pause,
  resume: async () => (await import('./signals.ts')).resume,
  listDeadLetters: async () => (await import('./dead-letters.ts')).listDeadLetters,
  replayDeadLetters: async () => (await import('./dead-letters.ts')).replayDeadLetters,
  verify: async () => (await import('./verify.ts')).verify,
  watch: async () => (await import('./watch.ts')).watch,
  schemasDiff: async () => (await import('./schemas.ts')).schemasDiff,
  schemasRegister: async () => (await import('./schemas.ts')).schemasRegister,
  sinkDdl: async () => (await import('./sink.ts')).sinkDdl,
  sinkConnector: async () => (await import('./sink.ts')).sinkConnector,
  sinkApply: async () => (await import('./sink.ts')).sinkApply,
  spec: async () => (await import('./spec.ts')).spec,
  demo: async () => (await import('../../lab/demo/demo.ts')).demo,
};

/** Shown below a command's help, by its words. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  run: ['run', 'run --once --only clients,projects', 'run --config my.yaml --set log.level=debug'],
  login: ['login', 'login --no-browser --account 1234567'],
  check: ['check', 'check --alone --json'],
  plan: ['plan', 'plan --set reports.window=quarter --json'],
  streams: ['streams', 'streams --json'],
  fleet: ['fleet', 'fleet --json'],
  move: ['move 1234567 --to pub-2'],
  take: ['take 1234567'],
  'state show': ['state show', 'state show time_entries'],
  'state reset': ['state reset invoices --to 2026-01-01 --dry-run', 'state reset invoices --wait 60'],
  reconcile: ['reconcile projects --wait 60'],
  release: ['release projects --account 1234567'],
  pause: ['pause time_entries --wait 30', 'pause all'],
  resume: ['resume all'],
  'dead-letters list': ['dead-letters list', 'dead-letters list tasks --json'],
  'dead-letters replay': ['dead-letters replay tasks --wait 30'],
  verify: ['verify', 'verify clients invoices --json', 'verify --sample 20', 'verify --alone'],
  watch: ['watch', 'watch time_entries invoices', 'watch clients --from-beginning --json'],
  'schemas diff': ['schemas diff'],
  'schemas register': ['schemas register --set topics.prefix=test'],
  completion: ['completion bash > /etc/bash_completion.d/harvest-kafka', 'completion fish | source'],
  'sink ddl': ['sink ddl | psql postgresql://sink@db/sink -v ON_ERROR_STOP=1', 'sink ddl --schema time_tracking'],
  'sink connector': ['sink connector --jdbc-url jdbc:postgresql://db:5432/sink --registry-url http://registry:8081'],
  'sink apply': ['sink apply --connect-url http://connect:8083 --jdbc-url jdbc:postgresql://db:5432/sink'],
  spec: ['spec > harvest-kafka.schema.json'],
  demo: ['demo', 'demo --sink', 'demo --accounts 6 --instances 3', 'demo --time-entries 10000 --every 200'],
};

function examplesOf(name: string): string {
  const lines = EXAMPLES[name.split(' [')[0]!.split(' <')[0]!] ?? [];
  if (lines.length === 0) return '';
  return `\nExamples:\n${lines.map((line) => `  harvest-kafka ${line}`).join('\n')}`;
}

/** Options of several commands. */
const ACCOUNT = ['--account <id>', 'of several accounts, this one'] as const;
const ALONE = ['--alone', 'no daemon runs: ask as fast as the budget of the configuration allows'] as const;
const SCHEMA = [
  '--schema <name>',
  'schema of the tables; with several accounts <name>_<account id> for each',
  'harvest',
] as const;

const NO_COMMAND = 'commander.help';

function usageError({ code, message }: CommanderError): PublisherError {
  return new PublisherError('usage', code === NO_COMMAND ? 'a command is missing' : message.replace(/^error: /, ''));
}

/** The commands, as Commander knows them; `finish` hears the exit code of the one that ran. */
export function build(json: boolean, finish: (exitCode: number) => void): Command {
  const program = new Command('harvest-kafka')
    .description('Keeps compacted Kafka topics equal to a Harvest account.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    // Failures are told by `main`, in one manner for all; what is left to print is help.
    .configureOutput({ outputError: () => {}, ...(json ? { writeErr: () => {} } : {}) });

  function command<Options extends CommonOptions>(
    parent: Command,
    name: string,
    about: string,
    load: Load<Options>,
  ): Command {
    return parent
      .command(name)
      .description(about)
      .option('-c, --config <file>', 'YAML configuration; without it, the shipped one, driven by environment variables')
      .option('-s, --set <key=value>', 'override a key, such as topics.prefix=test; may be repeated', collected)
      .option('--json', 'answer in JSON')
      .addHelpText('after', examplesOf(parent === program ? name : `${parent.name()} ${name}`))
      .action(async (...given: unknown[]) => {
        const line = given.pop() as Command;
        given.pop();
        const action = await load();
        finish(await action(line.opts<Options>(), ...(given.flat().filter((name) => name !== undefined) as string[])));
      });
  }

  /** A command that asks something of whoever publishes the account. */
  function signal<Options extends CommonOptions>(
    parent: Command,
    name: string,
    about: string,
    load: Load<Options>,
  ): Command {
    return command(parent, name, about, load)
      .option(...ACCOUNT)
      .option('--wait <seconds>', 'wait until a running daemon has taken it; 75 if none does', wholeNumber);
  }

  /** A command about the connector of a JDBC sink. */
  function connector<Options extends CommonOptions>(
    parent: Command,
    name: string,
    about: string,
    load: Load<Options>,
  ): Command {
    return command(parent, name, about, load)
      .requiredOption('--jdbc-url <url>', 'the database as Connect sees it, without user and password')
      .option('--user <name>', 'of the database: its name, or where Connect finds it', '${env:SINK_USER}')
      .option('--password <place>', 'where Connect finds the password', '${env:SINK_PASSWORD}')
      .option(...SCHEMA)
      .addOption(new Option('--for <sink>', 'whose JDBC sink').choices(['debezium', 'confluent']).default('debezium'))
      .addOption(
        new Option('--converter <name>', 'whose Avro converter').choices(['apicurio', 'confluent']).default('apicurio'),
      )
      .option('--registry-url <url>', 'the schema registry as Connect sees it; by default schema_registry.url')
      .option('--with <key=value>', 'a setting of the connector that wins over ours; may be repeated', collected);
  }

  command(program, 'run', 'publish until stopped', COMMANDS.run)
    .option('--once', 'catch up everything that is due, then exit')
    .option('--only <streams>', 'read these streams alone, separated by commas; may be repeated', separated)
    .option('--take-over', 'take accounts although instances of a group run them');
  command<LoginOptions>(program, 'login', 'log in at Harvest in the browser; writes token_file', COMMANDS.login)
    .option('--port <number>', 'port of the redirect address on this machine', portNumber, 8976)
    .option('--no-browser', 'open none; the address, or the code, can be pasted')
    .option(...ACCOUNT);
  command<CheckOptions>(
    program,
    'check',
    'check token, permissions, broker, topics and registry; writes nothing',
    COMMANDS.check,
  ).option(...ALONE);
  command<PlanOptions>(
    program,
    'plan',
    'what a first run will cost: rows, requests, time; writes nothing',
    COMMANDS.plan,
  )
    .option(...ALONE)
    .option(...ACCOUNT);
  command(program, 'streams', 'list the streams, their topics, keys and intervals', COMMANDS.streams);
  command(program, 'fleet', 'show which instance runs which account; asks the group', COMMANDS.fleet);
  command(
    program,
    'move <account>',
    'have an account run on another instance of the group',
    COMMANDS.move,
  ).requiredOption('--to <name>', 'the name of that instance, as fleet shows it');
  command(program, 'take <account>', 'take an account back from whoever runs it outside of the group', COMMANDS.take);
  const state = program.command('state').description('what the state topic holds');
  command(
    state,
    'show [stream]',
    'where each stream stands, as last committed, and signals that wait',
    COMMANDS.showState,
  );
  signal(state, 'reset <stream>', 'have a stream read again; what is equal is not published again', COMMANDS.resetState)
    .option('--to <date>', 'only what changed since this day, YYYY-MM-DD')
    .option('--dry-run', 'show where the stream stands and would stand; writes nothing');
  signal(program, 'reconcile <stream>', 'have everything of a stream read now', COMMANDS.reconcile);
  signal(program, 'release <stream>', 'let go of a hold: what is missing may be deleted', COMMANDS.release);
  signal(
    program,
    'pause <stream|all...>',
    'ask Harvest nothing of these streams, or of all, until resumed',
    COMMANDS.pause,
  );
  signal(program, 'resume <stream|all...>', 'read paused streams, or all, on from where they stand', COMMANDS.resume);
  const letters = program.command('dead-letters').description('records that could not be converted');
  command(letters, 'list [streams...]', 'list them; with --json as Harvest sent them', COMMANDS.listDeadLetters).option(
    ...ACCOUNT,
  );
  signal(letters, 'replay [streams...]', 'try the refused records once more', COMMANDS.replayDeadLetters);
  command<VerifyOptions>(
    program,
    'verify [stream...]',
    'compare Harvest with the topics; writes nothing',
    COMMANDS.verify,
  )
    .option('--sample <rows>', 'only so many rows of each stream, drawn at random, and the number of all', wholeNumber)
    .option('--requests <count>', 'requests per window of each budget, beside a running daemon', wholeNumber, 5)
    .option('--alone', 'no daemon runs: use the whole budget of the configuration, wait for nothing')
    .option('--patience <seconds>', 'time given to what differs; by default a little over the poll interval', seconds)
    .option('--ids <count>', 'ids shown of each kind; all are in --json', wholeNumber, 10)
    .option('--values', 'show both values of fields that differ');
  command<WatchOptions>(program, 'watch [stream...]', 'show changes as they come on the topics', COMMANDS.watch)
    .option('--from-beginning', 'what is there already first')
    .option(...ACCOUNT);
  const schemas = program.command('schemas').description('our schemas and the registry');
  command(schemas, 'diff', 'compare our schemas with the registry; writes nothing', COMMANDS.schemasDiff);
  command(schemas, 'register', 'register what is missing', COMMANDS.schemasRegister);
  const sink = program.command('sink').description('the topics in SQL tables, by Kafka Connect');
  command<SinkOptions>(sink, 'ddl', 'print the SQL that makes the tables', COMMANDS.sinkDdl)
    .addOption(new Option('--dialect <name>', 'of the SQL').choices(['postgres']).default('postgres'))
    .option(...SCHEMA);
  connector<ConnectorOptions>(
    sink,
    'connector',
    'print the settings of the connector that fills the tables',
    COMMANDS.sinkConnector,
  );
  connector<ApplyOptions>(
    sink,
    'apply',
    'give the connector to Kafka Connect and wait until it runs',
    COMMANDS.sinkApply,
  )
    .requiredOption('--connect-url <url>', "where Connect's REST API is")
    .option('--from-beginning', 'have all topics read again, after a table was lost')
    .option('--wait <seconds>', 'time until all of it runs', wholeNumber, 120);
  command(program, 'spec', 'print the JSON Schema of the configuration', COMMANDS.spec);
  command(program, 'demo', 'simulator, broker, registry and publisher on this machine', COMMANDS.demo)
    .option('--sink', 'with every stream in a table of PostgreSQL, and three questions asked of them')
    .option(
      '--accounts <count>',
      'so many simulated accounts, shared by instances of which one can be killed',
      wholeNumber,
      1,
    )
    .option('--instances <count>', 'so many instances that share them', wholeNumber, 1)
    .option('--data <directory>', 'where broker and registry keep their data')
    .option('--time-entries <count>', 'size of the simulated account', wholeNumber, 2_000)
    .option('--every <milliseconds>', 'a change in the simulated account so often', wholeNumber, 1_000);
  program
    .command('completion')
    .description('print the script by which the Tab key completes commands')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', examplesOf('completion'))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./completion.ts');
      print(completionScript(program, shell));
    });
  command(program, 'version', 'print the version', async () => version);
  return program;
}

async function version({ json }: CommonOptions): Promise<number> {
  print(json ? JSON.stringify({ version: VERSION }) : VERSION);
  return EXIT.clean;
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function separated(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(',').map((name) => name.trim())];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number above 0');
  return value;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('must be a port; 0 takes a free one');
  }
  return port;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('must be a number of seconds');
  return value;
}
