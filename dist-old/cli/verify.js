// `verify`: Harvest against the topics, row by row. Writes nothing, fences nobody, and works beside a running daemon on a small
// share of the account's rate limit.
import { EXIT } from '../base/errors.js';
import { createCodec } from '../codec/codec.js';
import { prepareSubjects } from '../codec/registry.js';
import { loadSchemas } from '../codec/schemas.js';
import { AVRO, createHarvestSource, createRegistry } from '../daemon.js';
import { readState } from '../kafka/state-view.js';
import { openTopicLog } from '../kafka/topic-log.js';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.js';
import { differs } from '../verify/finding.js';
import { Verification } from '../verify/verification.js';
import { configOf } from './configuration.js';
import { clock, interruption, print, random } from './context.js';
import { enabledStreamNamed } from './names.js';
import { printJson } from './output.js';
import { renderExpectation, showVerifying } from './verify-progress.js';
import { renderFindings } from './verify-report.js';
/** A daemon polls, fetches and commits: so long after its interval a change has arrived. */
const SLACK_SECONDS = 15;
/** Longer intervals are not waited for: of children, whose slow sweep takes hours, a quarter of an hour has to do. */
const PATIENCE_MAX_SECONDS = 900;
/**
 * Exit 0 when every stream that can be asked is equal, 65 when one is not; 77 when none can be asked; 130 or 143 when it was
 * stopped, with what was compared by then.
 */
export async function verify(options, ...names) {
    const config = configOf(options);
    const streams = chosenStreams(config, names);
    const { signal: interrupted, exitCode } = interruption();
    const stop = new AbortController();
    const watched = [];
    const terminal = process.stdout.isTTY === true && !options.json;
    const progress = showVerifying({ watched, clock, terminal, line: (text) => process.stderr.write(`${text}\n`) });
    const registry = createRegistry(config, { clock, random });
    const signal = AbortSignal.any([interrupted, stop.signal]);
    const surroundings = { registry, stop, interrupted, signal, watched };
    try {
        const accounts = await Promise.all(config.harvest.accounts.map((account) => verifyAccount(config, account, streams, options, surroundings)));
        progress.close();
        const findings = accounts.flatMap((account) => account.streams);
        const isPartial = findings.some(({ state }) => state === 'unfinished');
        const differ = findings.some((finding) => finding.state === 'compared' && differs(finding));
        const equal = differ ? false : isPartial ? null : true;
        if (options.json)
            printJson({ equal, partial: isPartial, sample: options.sample ?? null, accounts });
        else
            print(renderFindings(accounts, options));
        return exitCode() ?? exitCodeOf(findings);
    }
    catch (thrown) {
        const stopped = exitCode();
        if (stopped !== null)
            return stopped;
        throw thrown;
    }
    finally {
        progress.close();
        await registry.close();
    }
}
function chosenStreams(config, names) {
    const wanted = new Set(names.map((name) => enabledStreamNamed(config, name).name));
    return enabledStreams(config).filter(({ name }) => wanted.size === 0 || wanted.has(name));
}
async function verifyAccount(config, account, streams, options, { registry, stop, interrupted, signal, watched }) {
    const prefix = prefixOf(config, account);
    const codec = await lookUpCodec(config, prefix, registry);
    const share = options.alone ? config : withRequests(config, options.requests);
    let requests = 0;
    const source = createHarvestSource(share, account, {
        clock,
        random,
        emit: ({ name }) => {
            if (name === 'request.finished')
                requests++;
        },
    });
    const log = await openTopicLog(kafkaSettings(config), prefix, clock);
    const verification = new Verification({
        streams,
        source,
        codec,
        log,
        stateRows: async () => {
            const { rows } = await readState(kafkaSettings(config), prefix, clock, signal);
            return new Map(rows.filter((row) => row.accountId === account.id).map(({ name, row }) => [name, row]));
        },
        settings: {
            accountId: Number(account.id),
            startDate: config.harvest.start_date ?? null,
            endDate: config.harvest.end_date ?? null,
            grain: config.reports.window,
        },
        sample: options.sample ?? null,
        patienceMs: ({ name }) => 1000 * patienceOf(options, config.streams[name].poll_interval_seconds),
        withValues: options.values ?? false,
        clock,
        random,
        signal,
    });
    let expected = null;
    try {
        expected = await verification.prepare();
        if (!options.json)
            print(renderExpectation(account.id, expected, source.budgets));
        watched.push({ accountId: account.id, expected, verification });
        const findings = await verification.run();
        return { account_id: account.id, expected_requests: expected, requests, streams: findings };
    }
    catch (thrown) {
        if (interrupted.aborted) {
            return { account_id: account.id, expected_requests: expected, requests, streams: verification.soFar() };
        }
        // What failed here may leave requests waiting for their turn, here and for other accounts.
        stop.abort();
        throw thrown;
    }
    finally {
        await source.close();
        await log.close();
    }
}
/** Ids are looked up, never registered: throws `registry.not_registered` when the daemon has not been here. */
async function lookUpCodec(config, prefix, registry) {
    const schemas = await loadSchemas(AVRO);
    const { decimal_handling_mode: mode, key } = config;
    const settings = { schemas, prefix, mode, keyFormat: key.format, autoRegister: false };
    return createCodec({
        schemas,
        ids: await prepareSubjects(registry, enabledStreams(config), settings),
        decimalHandling: mode,
        keyFormat: key.format,
        runningTimers: config.running_timers,
        writerSchema: (id) => registry.schemaById(id),
    });
}
function withRequests(config, requests) {
    const { general, reports } = config.harvest.budgets;
    const budgets = { general: { ...general, requests }, reports: { ...reports, requests } };
    return { ...config, harvest: { ...config.harvest, budgets } };
}
function patienceOf({ patience, alone }, pollSeconds) {
    if (patience !== undefined)
        return patience;
    return alone ? 0 : Math.min(pollSeconds, PATIENCE_MAX_SECONDS) + SLACK_SECONDS;
}
function exitCodeOf(findings) {
    if (findings.some(differs))
        return EXIT.dataContract;
    const failure = findings.find(({ exit_code }) => exit_code !== EXIT.clean);
    if (failure)
        return failure.exit_code;
    const isRefused = findings.some(({ state }) => state === 'FORBIDDEN');
    return isRefused && !findings.some(({ state }) => state === 'compared') ? EXIT.notAuthorised : EXIT.clean;
}
