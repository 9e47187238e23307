// Real Kafka brokers on this machine: started, stopped, killed, paused and restarted at will, on the same ports and
// data directory. What their settings say is for broker-config; where the programs come from, for kafka-home.

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import type { FetchOptions } from './artefacts.ts';
import { type BrokerPlan, type BrokerPorts, clientSettings, makeKeystore, type Security } from './broker-config.ts';
import { javaTool } from './java.ts';
import {
  format,
  isFormatted,
  KAFKA_VERSION,
  kafkaHome,
  kafkaProgram,
  newId,
  STARTED,
  writeProperties,
} from './kafka-home.ts';
import { freePort } from './ports.ts';
import type { ServerOptions } from './process.ts';
import { Restartable } from './restartable.ts';

export interface BrokerOptions extends FetchOptions {
  /** Holds everything of the broker and outlives it; used again when it is there, formatted when it is not. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** Default 128. */
  readonly heapMb?: number | undefined;
  /** Lines of server.properties beyond, or instead of, the lab's own. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Default KAFKA_VERSION. */
  readonly kafkaVersion?: string | undefined;
  /** How clients connect, default `plain`. `tls` makes its own certificate; both `sasl` kinds know LAB_USER. */
  readonly listeners?: Security | undefined;
  readonly onLog?: ((line: string) => void) | undefined;
}

export interface ClusterOptions extends Omit<BrokerOptions, 'port'> {
  readonly size: number;
}

/**
 * Starts a broker that is a cluster of its own. Resolves when clients can use it: every partition has a leader.
 * Throws PublisherError `lab.missing` (Java, Maven) or `lab.failed` with the end of the broker's log.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const home = await kafkaHome(options.kafkaVersion ?? KAFKA_VERSION, options);
  const broker = await prepareBroker(home, options, 1, [await brokerPorts(options.port)], newId());
  await broker.start(options.signal);
  return broker;
}

/**
 * Starts `size` brokers that replicate everything to each other, in `dataDir/1`, `dataDir/2` and so on; with three of
 * them any one may die. Resolves and throws as startBroker.
 */
export async function startCluster(options: ClusterOptions): Promise<Broker[]> {
  const home = await kafkaHome(options.kafkaVersion ?? KAFKA_VERSION, options);
  const cluster = await Promise.all(Array.from({ length: options.size }, () => brokerPorts()));
  const clusterId = newId();
  const brokers: Broker[] = [];
  for (const [i] of cluster.entries()) {
    const nodeOptions = { ...options, dataDir: join(options.dataDir, String(i + 1)) };
    brokers.push(await prepareBroker(home, nodeOptions, i + 1, cluster, clusterId));
  }
  try {
    await Promise.all(brokers.map((broker) => broker.start(options.signal)));
  } catch (error) {
    await Promise.all(brokers.map((broker) => broker.kill()));
    throw error;
  }
  return brokers;
}

/** One broker, running or not. */
export class Broker extends Restartable {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly bootstrap: string;
  readonly dataDir: string;
  /** The certificate that clients of a `tls` listener trust, PEM. */
  readonly tls: { readonly ca: string } | undefined;
  /** Options with which a kafkajs client connects: brokers, ssl, sasl. */
  readonly client: KafkaConfig;
  readonly #home: string;
  readonly #plan: BrokerPlan;
  readonly #options: BrokerOptions;

  constructor(home: string, plan: BrokerPlan, options: BrokerOptions) {
    super();
    this.port = plan.cluster[plan.nodeId - 1]!.client;
    this.bootstrap = `127.0.0.1:${this.port}`;
    this.dataDir = options.dataDir;
    this.tls = plan.keystore && { ca: plan.keystore.ca };
    this.client = clientSettings(this.bootstrap, plan.security, plan.keystore?.ca);
    this.#home = home;
    this.#plan = plan;
    this.#options = options;
  }

  /** Of the JVM; undefined while it does not run. */
  get pid(): number | undefined {
    return this.server?.running ? this.server.pid : undefined;
  }

  /** Starts it, on the data directory as it is; resolves when clients can use it. */
  async start(signal?: AbortSignal): Promise<void> {
    const program: ServerOptions = {
      name: `Kafka broker ${this.bootstrap}`,
      command: javaTool('java'),
      args: await kafkaProgram(this.#home, this.#options.heapMb ?? 128, ['kafka.Kafka', this.#propertiesFile]),
      cwd: this.#home,
      onLog: this.#options.onLog,
    };
    await this.launch(program, async (server) => server.hasLogged(STARTED) && (await this.#isUsable()), signal);
  }

  /** Stops it, unless it is gone already, and starts it again on the same port and data directory. */
  async restart(signal?: AbortSignal): Promise<void> {
    await this.stop();
    await this.start(signal);
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.server?.signal('SIGSTOP');
  }

  resume(): void {
    this.server?.signal('SIGCONT');
  }

  get #propertiesFile(): string {
    return propertiesFile(this.dataDir);
  }

  async #isUsable(): Promise<boolean> {
    const kafka = new Kafka({ ...this.client, logLevel: logLevel.NOTHING, retry: { retries: 0 } });
    const admin = kafka.admin();
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      if (!brokers.some((broker) => broker.port === this.port)) return false;
      // In a cluster the leader may be on a broker that is down on purpose.
      if (this.#plan.cluster.length > 1) return true;
      const { topics } = await admin.fetchTopicMetadata();
      return topics.every((topic) => topic.partitions.every((partition) => partition.leader >= 0));
    } catch {
      return false;
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

async function prepareBroker(
  home: string,
  options: BrokerOptions,
  nodeId: number,
  cluster: readonly BrokerPorts[],
  clusterId: string,
): Promise<Broker> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const security = options.listeners ?? 'plain';
  const plan: BrokerPlan = {
    nodeId,
    cluster,
    logDir: join(dataDir, 'log'),
    security,
    keystore: security === 'tls' ? await makeKeystore(dataDir) : undefined,
    properties: options.properties,
  };
  await writeProperties(propertiesFile(dataDir), plan);
  if (!(await isFormatted(plan.logDir))) await format(home, plan, clusterId);
  return new Broker(home, plan, { ...options, dataDir });
}

function propertiesFile(dataDir: string): string {
  return join(dataDir, 'server.properties');
}

async function brokerPorts(client?: number): Promise<BrokerPorts> {
  return { client: client ?? (await freePort()), internal: await freePort(), controller: await freePort() };
}
