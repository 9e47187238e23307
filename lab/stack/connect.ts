// A real Kafka Connect worker on this machine, with Apicurio's Avro converter and Debezium's JDBC sink: started, killed and started
// again on the same port. Knows nothing of what its connectors do.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cachedFromMaven, type FetchOptions, labFile, maven } from './artefacts.ts';
import { javaTool } from './java.ts';
import { freePort } from './ports.ts';
import { answersAt, type ServerOptions } from './process.ts';
import { Restartable } from './restartable.ts';

export const CONNECT_VERSION = '4.2.1';
export const SINK_VERSION = '3.6.0.Final';
const EXPORTER_VERSION = '1.0.1';

const CONVERTER = 'org.apache.kafka.connect.storage.Converter';

export interface ConnectOptions extends FetchOptions {
  /** Of the broker that holds its topics and those it reads. */
  readonly bootstrap: string;
  /** Holds the worker's settings; connectors and how far they have read are on the broker. */
  readonly dataDir: string;
  /** Names the worker's own topics and its group; another one is another cluster of Connect. */
  readonly group?: string | undefined;
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** Where Prometheus finds the worker's metrics, at `/metrics`; default: nowhere. */
  readonly metricsPort?: number | undefined;
  /** Default 384. */
  readonly heapMb?: number | undefined;
  /** What `${env:…}` in settings of connectors finds, beside what this process has. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly onLog?: ((line: string) => void) | undefined;
}

/** The folder of the worker's programs, fetched when absent. Throws PublisherError `lab.missing` or `lab.failed`. */
export async function connectHome(options: FetchOptions): Promise<string> {
  const name = `connect-${CONNECT_VERSION}-${SINK_VERSION}-${EXPORTER_VERSION}`;
  return cachedFromMaven(name, options, async (home) => {
    options.onProgress?.(`Kafka Connect ${CONNECT_VERSION}: downloading with Debezium's sink (110 MB, once)`);
    const libs = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(home, 'libs')}`];
    const versions = [`-Dconnect.version=${CONNECT_VERSION}`, `-Dexporter.version=${EXPORTER_VERSION}`];
    await maven('connect', [...libs, ...versions], options);
    const plugins = join(home, 'plugins');
    await maven(
      'jdbc-sink',
      ['dependency:unpack', `-DoutputDirectory=${plugins}`, `-Dsink.version=${SINK_VERSION}`],
      options,
    );
    // The converter's jar lacks the entry by which it is found.
    const services = join(home, 'classes', 'META-INF', 'services');
    await mkdir(services, { recursive: true });
    await copyFile(labFile('connect', 'services', CONVERTER), join(services, CONVERTER));
  });
}

/** Starts a worker. Resolves when it answers and has its group; throws PublisherError `lab.missing` or `lab.failed`. */
export async function startConnect(options: ConnectOptions): Promise<Connect> {
  const home = await connectHome(options);
  const port = options.port ?? (await freePort());
  const properties = resolve(options.dataDir, 'connect.properties');
  await mkdir(options.dataDir, { recursive: true });
  await writeFile(properties, await workerProperties(home, port, options));
  const connect = new Connect(home, port, properties, options);
  await connect.start(options.signal);
  return connect;
}

/** One worker, running or not. */
export class Connect extends Restartable {
  /** Where its REST API is: `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly #home: string;
  readonly #properties: string;
  readonly #options: ConnectOptions;

  constructor(home: string, port: number, properties: string, options: ConnectOptions) {
    super();
    this.url = `http://127.0.0.1:${port}`;
    this.#home = home;
    this.#properties = properties;
    this.#options = options;
  }

  async start(signal?: AbortSignal): Promise<void> {
    const program: ServerOptions = {
      name: `Kafka Connect ${this.url}`,
      command: javaTool('java'),
      args: [
        `-Xmx${this.#options.heapMb ?? 384}m`,
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        `-Dlog4j2.configurationFile=${labFile('kafka', 'log4j2.properties')}`,
        ...exporter(this.#options.metricsPort),
        '-cp',
        'classes:libs/*',
        'org.apache.kafka.connect.cli.ConnectDistributed',
        this.#properties,
      ],
      cwd: this.#home,
      env: { ...process.env, ...this.#options.env },
      onLog: this.#options.onLog,
    };
    await this.launch(program, (_, patience) => answersAt(`${this.url}/connectors`, patience), signal);
  }
}

function exporter(port: number | undefined): string[] {
  if (port === undefined) return [];
  const agent = `libs/jmx_prometheus_javaagent-${EXPORTER_VERSION}.jar`;
  return [`-javaagent:${agent}=127.0.0.1:${port}:${labFile('connect', 'exporter.yaml')}`];
}

async function workerProperties(home: string, port: number, options: ConnectOptions): Promise<string> {
  const { bootstrap, group = 'connect' } = options;
  const own = {
    'bootstrap.servers': bootstrap,
    'group.id': group,
    'config.storage.topic': `${group}-configs`,
    'offset.storage.topic': `${group}-offsets`,
    'status.storage.topic': `${group}-status`,
    listeners: `http://127.0.0.1:${port}`,
    'rest.advertised.host.name': '127.0.0.1',
    'plugin.path': join(home, 'plugins'),
  };
  const lines = Object.entries(own).map(([key, value]) => `${key}=${value}\n`);
  return (await readFile(labFile('connect', 'worker.properties'), 'utf8')) + lines.join('');
}
