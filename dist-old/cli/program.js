// The command line: one file per command, all with the same options, one place that turns failures into exit codes.
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { asPublisherError, EXIT, PublisherError } from '../base/errors.js';
import { print, report, VERSION } from './context.js';
import { standardOutput } from './standard-output.js';
/** Runs the command that `argv` names; resolves to the exit code of design section 8. */
export async function main(argv) {
    let exitCode = EXIT.clean;
    const json = argv.includes('--json');
    const program = build(json, (code) => {
        exitCode = code;
    });
    process.stdout.on('error', (error) => {
        if (error.code !== 'EPIPE')
            throw error;
        // A reader that has seen enough (`head`) is no failure, and one of the log that went away no reason to stop the work.
        if (!standardOutput.isUsed)
            process.exit(exitCode);
    });
    try {
        await program.parseAsync([...argv]);
        return exitCode;
    }
    catch (thrown) {
        // Asking for help is no failure.
        if (thrown instanceof CommanderError && thrown.exitCode === 0)
            return EXIT.clean;
        const error = thrown instanceof CommanderError ? usageError(thrown) : asPublisherError(thrown);
        // Without a command, Commander has shown what there is.
        if (json || !(thrown instanceof CommanderError && thrown.code === NO_COMMAND))
            report(error, json);
        return error.exitCode;
    }
}
/** A command is loaded when it is called: what the others need, the demo's lab first of all, is no part of it. */
const COMMANDS = {
    run: async () => (await import('./run.js')).run,
    check: async () => (await import('./check.js')).check,
    streams: async () => (await import('./streams.js')).streams,
    showState: async () => (await import('./state.js')).showState,
    resetState: async () => (await import('./state.js')).resetState,
    census: async () => (await import('./orders.js')).census,
    release: async () => (await import('./orders.js')).release,
    listDeadLetters: async () => (await import('./dead-letters.js')).listDeadLetters,
    replayDeadLetters: async () => (await import('./dead-letters.js')).replayDeadLetters,
    verify: async () => (await import('./verify.js')).verify,
    schemasDiff: async () => (await import('./schemas.js')).schemasDiff,
    schemasRegister: async () => (await import('./schemas.js')).schemasRegister,
    spec: async () => (await import('./spec.js')).spec,
    demo: async () => (await import('./demo.js')).demo,
};
const NO_COMMAND = 'commander.help';
function usageError({ code, message }) {
    return new PublisherError('usage', code === NO_COMMAND ? 'a command is missing' : message.replace(/^error: /, ''));
}
function build(json, finish) {
    const program = new Command('harvest-kafka')
        .description('Keeps compacted Kafka topics equal to a Harvest account.')
        .exitOverride()
        // Failures are told by `main`, in one manner for all; what is left to print is help.
        .configureOutput({ outputError: () => { }, ...(json ? { writeErr: () => { } } : {}) });
    function command(parent, name, about, load) {
        return parent
            .command(name)
            .description(about)
            .option('-c, --config <file>', 'YAML configuration; without it, the shipped one, driven by environment variables')
            .option('-s, --set <key=value>', 'override a key, such as topics.prefix=test; may be repeated', collected, [])
            .option('--json', 'answer in JSON')
            .action(async (...given) => {
            const line = given.pop();
            given.pop();
            const action = await load();
            finish(await action(line.opts(), ...given.flat().filter((name) => name !== undefined)));
        });
    }
    /** A command that asks something of whoever publishes the account. */
    function order(parent, name, about, load) {
        return command(parent, name, about, load)
            .option('--account <id>', 'of several accounts, this one')
            .option('--wait <seconds>', 'wait until a running daemon has taken it; 75 if none does', wholeNumber);
    }
    command(program, 'run', 'publish until stopped', COMMANDS.run)
        .option('--once', 'catch up everything that is due, then exit')
        .option('--only <streams>', 'read these streams alone, separated by commas; may be repeated', separated, []);
    command(program, 'check', 'check token, permissions, broker, topics and registry; writes nothing', COMMANDS.check);
    command(program, 'streams', 'list the streams, their topics, keys and intervals', COMMANDS.streams);
    const state = program.command('state').description('what the state topic holds');
    command(state, 'show [stream]', 'where each stream stands, as last committed, and orders that wait', COMMANDS.showState);
    order(state, 'reset <stream>', 'have a stream read again; what is equal is not published again', COMMANDS.resetState)
        .option('--to <date>', 'only what changed since this day, YYYY-MM-DD')
        .option('--dry-run', 'show where the stream stands and would stand; writes nothing');
    order(program, 'census <stream>', 'have everything of a stream read now', COMMANDS.census);
    order(program, 'release <stream>', 'let go of a hold: what is missing may be deleted', COMMANDS.release);
    const letters = program.command('dead-letters').description('records that could not be converted');
    command(letters, 'list [streams...]', 'list them; with --json as Harvest sent them', COMMANDS.listDeadLetters).option('--account <id>', 'of several accounts, this one');
    order(letters, 'replay [streams...]', 'try the refused records once more', COMMANDS.replayDeadLetters);
    command(program, 'verify [stream...]', 'compare Harvest with the topics; writes nothing', COMMANDS.verify)
        .option('--sample <rows>', 'only so many rows of each stream, drawn at random, and the number of all', wholeNumber)
        .option('--requests <count>', 'requests per window of each budget, beside a running daemon', wholeNumber, 5)
        .option('--alone', 'no daemon runs: use the whole budget of the configuration, wait for nothing')
        .option('--patience <seconds>', 'time given to what differs; by default a little over the poll interval', seconds)
        .option('--ids <count>', 'ids shown of each kind; all are in --json', wholeNumber, 10)
        .option('--values', 'show both values of fields that differ');
    const schemas = program.command('schemas').description('our schemas and the registry');
    command(schemas, 'diff', 'compare our schemas with the registry; writes nothing', COMMANDS.schemasDiff);
    command(schemas, 'register', 'register what is missing', COMMANDS.schemasRegister);
    command(program, 'spec', 'print the JSON Schema of the configuration', COMMANDS.spec);
    command(program, 'demo', 'simulator, broker, registry and publisher on this machine', COMMANDS.demo)
        .option('--data <directory>', 'where broker and registry keep their data')
        .option('--time-entries <count>', 'size of the simulated account', wholeNumber, 2_000)
        .option('--every <milliseconds>', 'a change in the simulated account so often', wholeNumber, 1_000);
    command(program, 'version', 'print the version', async () => version);
    return program;
}
async function version({ json }) {
    print(json ? JSON.stringify({ version: VERSION }) : VERSION);
    return EXIT.clean;
}
function collected(value, before) {
    return [...before, value];
}
function separated(value, before) {
    return [...before, ...value.split(',').map((name) => name.trim())];
}
function wholeNumber(text) {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1)
        throw new InvalidArgumentError('must be a whole number above 0');
    return value;
}
function seconds(text) {
    const value = Number(text);
    if (text.trim() === '' || !(value >= 0))
        throw new InvalidArgumentError('must be a number of seconds');
    return value;
}
