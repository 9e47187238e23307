// Real Kafka brokers on this machine: started, stopped, killed, paused and restarted at will, on the same ports and
// data directory. What their settings say is for broker-config; where the programs come from, for kafka-home.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { clientSettings, makeKeystore } from './broker-config.js';
import { javaTool } from './java.js';
import { format, isFormatted, KAFKA_VERSION, kafkaHome, kafkaProgram, newId, STARTED, writeProperties, } from './kafka-home.js';
import { freePort } from './ports.js';
import { Server } from './process.js';
/**
 * Starts a broker that is a cluster of its own. Resolves when clients can use it: every partition has a leader.
 * Throws PublisherError `lab.missing` (Java, Maven) or `lab.failed` with the end of the broker's log.
 */
export async function startBroker(options) {
    const home = await kafkaHome(options.kafkaVersion ?? KAFKA_VERSION, options);
    const broker = await prepareBroker(home, options, 1, [await brokerPorts(options.port)], newId());
    await broker.start(options.signal);
    return broker;
}
/**
 * Starts `size` brokers that replicate everything to each other, in `dataDir/1`, `dataDir/2` and so on; with three of
 * them any one may die. Resolves and throws as startBroker.
 */
export async function startCluster(options) {
    const home = await kafkaHome(options.kafkaVersion ?? KAFKA_VERSION, options);
    const cluster = await Promise.all(Array.from({ length: options.size }, () => brokerPorts()));
    const clusterId = newId();
    const brokers = [];
    for (const [i] of cluster.entries()) {
        const nodeOptions = { ...options, dataDir: join(options.dataDir, String(i + 1)) };
        brokers.push(await prepareBroker(home, nodeOptions, i + 1, cluster, clusterId));
    }
    try {
        await Promise.all(brokers.map((broker) => broker.start(options.signal)));
    }
    catch (error) {
        await Promise.all(brokers.map((broker) => broker.kill()));
        throw error;
    }
    return brokers;
}
/** One broker, running or not. */
export class Broker {
    port;
    /** `127.0.0.1:<port>` */
    bootstrap;
    dataDir;
    /** The certificate that clients of a `tls` listener trust, PEM. */
    tls;
    /** What a kafkajs client needs to connect: brokers, ssl, sasl. */
    client;
    #home;
    #plan;
    #options;
    #server;
    constructor(home, plan, options) {
        this.port = plan.cluster[plan.nodeId - 1].client;
        this.bootstrap = `127.0.0.1:${this.port}`;
        this.dataDir = options.dataDir;
        this.tls = plan.keystore && { ca: plan.keystore.ca };
        this.client = clientSettings(this.bootstrap, plan.security, plan.keystore?.ca);
        this.#home = home;
        this.#plan = plan;
        this.#options = options;
    }
    /** Of the JVM; undefined while it does not run. */
    get pid() {
        return this.#server?.running ? this.#server.pid : undefined;
    }
    /** Rejects with PublisherError `lab.failed` when the present run ends although nobody told it to. */
    get died() {
        return this.#server?.died ?? new Promise(() => { });
    }
    /** Starts it, on the data directory as it is; resolves when clients can use it. */
    async start(signal) {
        const server = await Server.start({
            name: `Kafka broker ${this.bootstrap}`,
            command: javaTool('java'),
            args: await kafkaProgram(this.#home, this.#options.heapMb ?? 128, ['kafka.Kafka', this.#propertiesFile]),
            cwd: this.#home,
            onLog: this.#options.onLog,
        });
        this.#server = server;
        try {
            await server.ready(async () => server.hasLogged(STARTED) && (await this.#isUsable()), signal);
        }
        catch (error) {
            await server.kill();
            throw error;
        }
    }
    /** SIGTERM; resolves when the process is gone. */
    async stop() {
        await this.#server?.stop();
    }
    /** SIGKILL; resolves when the process is gone. */
    async kill() {
        await this.#server?.kill();
    }
    /** Stops it, unless it is gone already, and starts it again on the same port and data directory. */
    async restart(signal) {
        await this.stop();
        await this.start(signal);
    }
    /** SIGSTOP: connections stay open and nothing answers. */
    pause() {
        this.#server?.signal('SIGSTOP');
    }
    resume() {
        this.#server?.signal('SIGCONT');
    }
    /** The last `lines` lines of the log of the present or last run. */
    logTail(lines) {
        return this.#server?.logTail(lines) ?? [];
    }
    get #propertiesFile() {
        return propertiesFile(this.dataDir);
    }
    async #isUsable() {
        const kafka = new Kafka({ ...this.client, logLevel: logLevel.NOTHING, retry: { retries: 0 } });
        const admin = kafka.admin();
        try {
            await admin.connect();
            const { brokers } = await admin.describeCluster();
            if (!brokers.some((broker) => broker.port === this.port))
                return false;
            // In a cluster the leader may be on a broker that is down on purpose.
            if (this.#plan.cluster.length > 1)
                return true;
            const { topics } = await admin.fetchTopicMetadata();
            return topics.every((topic) => topic.partitions.every((partition) => partition.leader >= 0));
        }
        catch {
            return false;
        }
        finally {
            await admin.disconnect().catch(() => { });
        }
    }
}
async function prepareBroker(home, options, nodeId, cluster, clusterId) {
    const dataDir = resolve(options.dataDir);
    await mkdir(dataDir, { recursive: true });
    const security = options.listeners ?? 'plain';
    const plan = {
        nodeId,
        cluster,
        logDir: join(dataDir, 'log'),
        security,
        keystore: security === 'tls' ? await makeKeystore(dataDir) : undefined,
        properties: options.properties,
    };
    await writeProperties(propertiesFile(dataDir), plan);
    if (!(await isFormatted(plan.logDir)))
        await format(home, plan, clusterId);
    return new Broker(home, plan, { ...options, dataDir });
}
function propertiesFile(dataDir) {
    return join(dataDir, 'server.properties');
}
async function brokerPorts(client) {
    return { client: client ?? (await freePort()), internal: await freePort(), controller: await freePort() };
}
