// `check`: does this configuration work? Asks Harvest, the broker and the registry, changes nothing, and shows every answer.
import { isoSeconds } from '../base/clock.js';
import { asPublisherError, CODES, EXIT } from '../base/errors.js';
import { diffSubjects, LOST, lostSubjects } from '../codec/registry.js';
import { loadSchemas } from '../codec/schemas.js';
import { describeConfig } from '../config/load.js';
import { AVRO, createHarvestSource, createRegistry, writtenTo } from '../daemon.js';
import { PRIORITY } from '../engine/ports.js';
import { createConnection } from '../kafka/connection.js';
import { transactionalIdOf } from '../kafka/publisher.js';
import { describeTopics } from '../kafka/topics.js';
import { enabledStreams, kafkaSettings, prefixOf } from '../settings.js';
import { findStream } from '../streams/catalog.js';
import { configOf } from './configuration.js';
import { clock, indented, interruption, print, random } from './context.js';
import { printJson, table } from './output.js';
/** Exit 0 when `run` would work for every enabled stream; else the code of the first thing that would not. */
export async function check(options) {
    const config = configOf(options);
    const { signal } = interruption();
    const findings = [];
    for (const account of config.harvest.accounts) {
        const [harvest, kafka, registry] = await Promise.all([
            checkHarvest(config, account, signal),
            checkKafka(config, account),
            checkRegistry(config, account, signal),
        ]);
        findings.push(...harvest, ...kafka, ...registry);
    }
    if (options.json)
        printJson({ config: describeConfig(config), findings });
    else
        show(findings);
    return findings.find((finding) => finding.exit_code !== EXIT.clean)?.exit_code ?? EXIT.clean;
}
async function checkHarvest(config, account, signal) {
    const source = createHarvestSource(config, account, { clock, random, emit: () => { } });
    try {
        const person = await source.whoAmI(signal);
        const roles = Array.isArray(person.access_roles) ? person.access_roles.join(', ') : 'roles unknown';
        const owner = found('account', account.id, `the token belongs to ${person.first_name} ${person.last_name} (${roles})`);
        const features = await readCompany(source, signal);
        const parents = new Map();
        const streams = enabledStreams(config).map((stream) => checkStream(stream, source, features, parents, signal));
        return [owner, ...(await Promise.all(streams))];
    }
    catch (thrown) {
        return [failed('account', account.id, asPublisherError(thrown))];
    }
    finally {
        await source.close();
    }
}
async function readCompany(source, signal) {
    try {
        const company = findStream('company');
        const page = await source.fetchPage({ stream: company, target: { query: {} }, purpose: 'probe', priority: PRIORITY.probe }, signal);
        return page.records[0] ?? {};
    }
    catch (thrown) {
        const error = asPublisherError(thrown);
        if (error.kind === 'blocked')
            return {};
        throw error;
    }
}
/** Asks for one record: enough to learn whether the token may. */
async function checkStream(stream, source, company, parents, signal) {
    if (stream.feature && company[stream.feature] === false) {
        const detail = `the company has this module switched off (${stream.feature} is false)`;
        return {
            ...found('stream', stream.name, detail),
            state: 'FEATURE_OFF',
            remedy: 'Switch the module on in Harvest (Settings, Modules), if it is wanted.',
        };
    }
    try {
        const parent = stream.parent ? await firstId(stream.parent.stream, source, parents, signal) : undefined;
        if (parent === null)
            return found('stream', stream.name, 'nothing to ask: no parent record');
        await source.fetchPage({
            stream,
            target: { query: probeQuery(stream), ...(parent === undefined ? {} : { parent }) },
            purpose: 'probe',
            priority: PRIORITY.probe,
        }, signal);
        return found('stream', stream.name, stream.path);
    }
    catch (thrown) {
        return failed('stream', stream.name, asPublisherError(thrown));
    }
}
function probeQuery(stream) {
    const today = isoSeconds(clock.now()).slice(0, 10).replaceAll('-', '');
    const window = stream.kind === 'report' ? { from: today, to: today } : {};
    return stream.paging === 'none' ? {} : { per_page: '1', ...window };
}
/** The id of any record of a parent stream, asked for once; null when it has none. */
function firstId(name, source, asked, signal) {
    const before = asked.get(name);
    if (before)
        return before;
    const stream = findStream(name);
    const request = {
        stream,
        target: { query: probeQuery(stream) },
        purpose: 'probe',
        priority: PRIORITY.probe,
    };
    const id = source.fetchPage(request, signal).then(({ records }) => records[0]?.id ?? null);
    asked.set(name, id);
    return id;
}
async function checkKafka(config, account) {
    const prefix = prefixOf(config, account);
    const connection = createConnection(kafkaSettings(config), () => { });
    try {
        const reports = await describeTopics(connection, { ...config.topics, prefix }, enabledStreams(config), transactionalIdOf(prefix, account.id));
        const topics = reports.map((report) => {
            if (report.state === 'ok')
                return found('topic', report.topic, '');
            if (report.state === 'missing')
                return { ...found('topic', report.topic, ''), state: 'will be made' };
            return {
                ...found('topic', report.topic, report.problem ?? ''),
                state: 'refused',
                remedy: report.command ?? '',
                exit_code: EXIT.dataContract,
            };
        });
        return [found('broker', connection.brokers, 'answers'), ...topics];
    }
    catch (thrown) {
        return [failed('broker', connection.brokers, asPublisherError(thrown))];
    }
    finally {
        connection.sever();
    }
}
async function checkRegistry(config, account, signal) {
    const client = createRegistry(config, { clock, random });
    const name = config.schema_registry.url.join(', ');
    try {
        const differences = await diffSubjects(client, enabledStreams(config), {
            schemas: await loadSchemas(AVRO),
            prefix: prefixOf(config, account),
            mode: config.decimal_handling_mode,
            keyFormat: config.key.format,
        });
        // A broker that is down is told as that.
        const lost = await lostSubjects(client, differences, writtenTo(config, account, clock, signal)).catch(() => []);
        const subjects = differences.map((difference) => {
            const { name: subject } = difference.subject;
            const { state, message } = difference;
            if (lost.includes(difference)) {
                const { remedy, exit } = CODES['registry.replaced'];
                return { ...found('subject', subject, LOST), state: 'lost', remedy, exit_code: exit };
            }
            if (state === 'registered')
                return found('subject', subject, '');
            const willBeMade = state === 'missing' && config.schema_registry.auto_register;
            if (willBeMade)
                return { ...found('subject', subject, ''), state: 'will be made' };
            const remedy = state === 'missing' ? 'harvest-kafka schemas register' : 'Use another topics.prefix, or delete the subject.';
            return { ...found('subject', subject, message ?? ''), state, remedy, exit_code: EXIT.dataContract };
        });
        return [found('registry', name, 'answers'), ...subjects];
    }
    catch (thrown) {
        return [failed('registry', name, asPublisherError(thrown))];
    }
    finally {
        await client.close();
    }
}
function found(about, name, detail) {
    return { about, name, state: 'ok', detail, remedy: '', exit_code: EXIT.clean };
}
function failed(about, name, error) {
    // A stream that is not found may be refused; a token's owner that is not found means a wrong address.
    const isRefusal = error.code === 'harvest.forbidden' || (error.code === 'harvest.not_found' && about === 'stream');
    const exitCode = error.code === 'harvest.not_found' ? EXIT.dataContract : error.exitCode;
    return {
        about,
        name,
        state: isRefusal ? 'FORBIDDEN' : error.kind === 'blocked' && about === 'stream' ? 'BLOCKED' : 'failed',
        detail: error.message,
        remedy: error.remedy,
        exit_code: isRefusal ? EXIT.notAuthorised : exitCode,
    };
}
/** Topics and subjects that are as they should be are counted; everything else is shown, what is wrong once more in full. */
function show(findings) {
    const quiet = (finding) => (finding.about === 'topic' || finding.about === 'subject') && finding.exit_code === EXIT.clean;
    const wrong = findings.filter((finding) => finding.exit_code !== EXIT.clean);
    const rows = findings
        .filter((finding) => !quiet(finding))
        .map((finding) => ({ ...finding, detail: wrong.includes(finding) ? 'see below' : finding.detail }));
    print(table(rows, ['about', 'name', 'state', 'detail']));
    for (const about of ['topic', 'subject']) {
        const fine = findings.filter((finding) => finding.about === about && quiet(finding));
        const missing = fine.filter((finding) => finding.state !== 'ok').length;
        if (fine.length > missing)
            print(`${fine.length - missing} ${about}s are as they should be.`);
        if (missing > 0)
            print(`${missing} ${about}s are not there yet and will be made at start.`);
    }
    // Several things may be wrong for one reason (schemas that are not registered): it is told once.
    for (const [reason, names] of byReason(wrong))
        print(`\n${names.join('\n')}\n${indented(reason)}`);
    if (wrong.length === 0)
        print('\nEverything is as it should be.');
}
function byReason(findings) {
    const reasons = new Map();
    for (const { about, name, state, detail, remedy } of findings) {
        const reason = [detail, remedy].filter(Boolean).join('\n');
        reasons.set(reason, [...(reasons.get(reason) ?? []), `${about} ${name}: ${state}`]);
    }
    return reasons;
}
