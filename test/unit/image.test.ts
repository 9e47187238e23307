// The shipped product runs with as little as it needs: the image, the compose file and the packages that the program is made of.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { main } from '../../src/cli/program.ts';
import { renderJsonSchema } from '../../src/config/declared.ts';
import { loadConfig } from '../../src/config/load.ts';
import { enabledStreams } from '../../src/settings.ts';
import { catalog } from '../../src/streams/catalog.ts';

const root = new URL('../..', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: string | { readonly context: string; readonly dockerfile: string };
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly restart?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly mem_limit?: string;
  readonly privileged?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: readonly string[] };
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: keyof typeof CONDITIONS }>>;
}

/** What compose can wait for, and whether the other service lets it come. */
const CONDITIONS = {
  service_started: () => true,
  service_healthy: ({ image, healthcheck }: Service) =>
    healthcheck?.test !== undefined ||
    (image === 'harvest-kafka' && !healthcheck?.disable && read('Dockerfile').includes('\nHEALTHCHECK ')),
  service_completed_successfully: ({ restart }: Service) => restart !== 'unless-stopped',
};

const isList = (value: object): value is readonly string[] => Array.isArray(value);

const compose: { services: Record<string, Service>; volumes: Record<string, null> } = parse(read('docker-compose.yml'));
const { services } = compose;

test('the image runs as a user without rights, and installs by the lock file without running what packages bring', () => {
  const stages = read('Dockerfile')
    .split(/^FROM /m)
    .slice(1);
  const last = stages.at(-1)!;
  const users = [...last.matchAll(/^USER (.+)$/gm)].map((match) => match[1]);
  expect(users).toEqual(['node']);
  expect(last.indexOf('USER node')).toBeLessThan(last.indexOf('ENTRYPOINT'));
  expect(last).not.toMatch(/\b(sudo|chmod|setcap|apt-get|curl|wget)\b|^ADD /m);
  expect(read('Dockerfile')).toMatch(/npm ci --ignore-scripts/);
  expect(read('Dockerfile')).not.toMatch(/npm (i|install) |^(ARG|ENV) .*(TOKEN|SECRET|PASSWORD)/im);
});

test('half of the container is heap, and compose gives the publisher what half a million rows were measured in', () => {
  const options = /^ENV NODE_OPTIONS="(.+)"$/m.exec(
    read('Dockerfile')
      .split(/^FROM /m)
      .at(-1)!,
  )?.[1];
  expect(options).toBe('--max-old-space-size-percentage=50 --max-semi-space-size=8');
  expect(services.publisher!.mem_limit).toBe('256m');
});

test('image and unit set the same for the memory of a process, but for the share of it that is heap', () => {
  const unit = read('deploy/systemd/harvest-kafka.service');
  for (const set of [/MALLOC_ARENA_MAX=\d+/, /MALLOC_MMAP_THRESHOLD_=\d+/, /--max-semi-space-size=\d+/]) {
    const [inImage, inUnit] = [read('Dockerfile'), unit].map((text) => set.exec(text)?.[0]);
    expect(inImage).toBeDefined();
    expect(inUnit).toBe(inImage);
  }
});

test('the files that make the image hold no configuration of ours and no secret', () => {
  const ignored = read('.dockerignore').split('\n');
  // Everything is left out but for what is named.
  expect(ignored[0] === '*' || ['.env', '.git', 'node_modules'].every((name) => ignored.includes(name))).toBe(true);
});

test('what the image copies from here exists, and .dockerignore lets it in; nothing else is let in', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
    paths!.split(' '),
  );
  expect(copied).toContain('lab');
  expect(copied.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path!);
  expect(allowed.sort()).toEqual(copied.sort());
});

test.each(Object.entries(services).filter(([, { image }]) => image === 'harvest-kafka'))(
  '%s runs on a read-only file system without capabilities',
  (name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(service.user ?? 'node').not.toMatch(/^(root|0)/);
    expect([service.privileged, service.cap_add, service.network_mode]).toEqual(Array(3).fill(undefined));
    // The one that hands SQL over has the folder that the image makes for whoever must write.
    const folder = name === 'tables-sql' ? ['sink-sql:/var/lib/harvest-kafka'] : undefined;
    expect(service.volumes).toEqual(folder);
  },
);

test('ports are published on the loopback alone', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  expect(ports.length).toBeGreaterThan(0);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

test('each image is built once, by the first of its containers', () => {
  const built = Object.values(services).filter(({ build }) => build !== undefined);
  expect(built.map(({ image }) => image)).toEqual(['harvest-kafka', 'harvest-kafka-connect']);
  // Without a profile too.
  expect(built[0]!.profiles).toBeUndefined();
});

test('every published port can be moved by a variable of its own, and the broker says the moved one', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  const names = ports.map((port) => /^127\.0\.0\.1:\$\{([A-Z]+_PORT):-\d+\}:\d+$/.exec(port)?.[1]);
  expect(names.sort()).toEqual([
    'CONNECT_PORT',
    'GRAFANA_PORT',
    'KAFKA_PORT',
    'POSTGRES_PORT',
    'PROMETHEUS_PORT',
    'REGISTRY_PORT',
    'STATUS_PORT',
  ]);
  expect(services.kafka!.environment!.KAFKA_ADVERTISED_LISTENERS).toContain('HOST://localhost:${KAFKA_PORT:-19092}');
  for (const name of names) expect(read('.env.example')).toContain(`#${name}=`);
});

test('every container of compose comes back when it ends unasked; those that run once come back only when they failed', () => {
  const once = ['tables-sql', 'tables', 'sink'];
  for (const [name, { restart }] of Object.entries(services).filter(([name]) => name !== 'account')) {
    expect([name, restart]).toEqual([name, once.includes(name) ? 'on-failure' : 'unless-stopped']);
  }
  // It is to end everything.
  expect(services.account!.restart).toBeUndefined();
});

/** As compose reads an environment without any of our variables. */
const filledIn = (environment: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(environment).map(([name, text]) => [name, text.replace(/\$\{\w+:?-([^}]*)\}/g, '$1')]),
  );

test('the environment that compose gives the publisher is a configuration that is taken, with all derived streams on', () => {
  const file = new URL('config/harvest-kafka.yaml', root).pathname;
  for (const name of ['publisher', 'tables-sql', 'sink']) {
    const env = filledIn(services[name]!.environment!);
    const config = loadConfig({ file, env });
    const derived = enabledStreams(config).filter(({ kind }) => kind === 'derived');
    expect(derived).toEqual(catalog.filter(({ kind }) => kind === 'derived'));
    expect(config.kafka.brokers).toEqual(['kafka:9092']);
  }
});

test('what compose waits for can come: healthy has a check, completed ends, and volumes and services are there', () => {
  for (const [name, { depends_on = {}, volumes = [] }] of Object.entries(services)) {
    const waits = isList(depends_on)
      ? depends_on.map((other) => [other, 'service_started'] as const)
      : Object.entries(depends_on).map(([other, { condition }]) => [other, condition] as const);
    for (const [other, condition] of waits) {
      const service = services[other];
      const comes = service !== undefined && CONDITIONS[condition](service);
      expect([name, other, condition, comes]).toEqual([name, other, condition, true]);
    }
    const named = volumes.map((volume) => volume.split(':')[0]!).filter((volume) => !volume.startsWith('.'));
    expect(named.filter((volume) => !(volume in compose.volumes))).toEqual([]);
  }
});

test('the status ports that the pages name for three publishers are taken by no other service of compose', () => {
  const taken = Object.entries(services)
    .filter(([name]) => name !== 'publisher')
    .flatMap(([, { ports = [] }]) => ports.map((port) => Number(/:-(\d+)\}:/.exec(port)![1])));
  expect(taken).toContain(8081);
  const told = ['docker-compose.yml', 'docs/operating/deploying.md'].flatMap((file) => [
    ...read(file).matchAll(/STATUS_PORT=(\d+)-(\d+)/g),
  ]);
  expect(told.length).toBeGreaterThan(2);
  for (const [, first, last] of told) {
    expect(Number(last) - Number(first)).toBe(2);
    expect(taken.filter((port) => port >= Number(first) && port <= Number(last))).toEqual([]);
  }
});

test('compose’s Prometheus asks Connect where the exporter of its image listens', () => {
  const port = /-javaagent:exporter\.jar=(\d+):exporter\.yaml/.exec(read('lab/stack/connect.Dockerfile'))![1];
  expect(read('lab/stack/connect.Dockerfile')).toMatch(new RegExp(`^EXPOSE .*\\b${port}$`, 'm'));
  const { scrape_configs: jobs } = parse(read('observe/prometheus/prometheus.yaml'));
  expect(jobs[1].static_configs[0].targets).toEqual([`connect:${port}`]);
});

test('what compose has Connect apply is a command line that is taken, with the password where the container has it', async () => {
  const output: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => output.push(String(text)) > 0);
  vi.stubEnv('HARVEST_ACCOUNT_ID', '1234567');
  vi.stubEnv('SCHEMA_REGISTRY_URL', services.sink!.environment!.SCHEMA_REGISTRY_URL);
  try {
    const line = services.sink!.command!.filter((word) => !/connect-url|wait/.test(word));
    expect(await main(['node', 'harvest-kafka', ...line.map((word) => word.replace('apply', 'connector'))])).toBe(0);
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
  const { config } = JSON.parse(output.join(''));
  expect(config['value.converter.apicurio.registry.url']).toBe('http://registry:8080/apis/registry/v2');
  for (const setting of ['connection.username', 'connection.password']) {
    const [, name] = /^\$\{env:(\w+)\}$/.exec(config[setting])!;
    expect(Object.keys(services.connect!.environment!)).toContain(name);
  }
  expect(services.connect!.environment!.SINK_PASSWORD).toBe(services.postgres!.environment!.POSTGRES_PASSWORD);
});

test('compose hands secrets through from the environment, and holds none but the simulator’s', () => {
  const values = Object.entries(services.publisher!.environment!).filter(([name]) =>
    /TOKEN|SECRET|PASSWORD/.test(name),
  );
  expect(values).toEqual([['HARVEST_ACCESS_TOKEN', '${HARVEST_ACCESS_TOKEN-simulated-token}']]);
});

test('every package of the program comes from the registry, proven by its hash; none wants to run something at installation', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<
      string,
      { dev?: boolean; resolved?: string; integrity?: string; hasInstallScript?: boolean; link?: boolean }
    >;
  };
  const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  expect(shipped.length).toBeGreaterThan(10);
  const odd = shipped.filter(
    ([, { integrity, hasInstallScript, link }]) => !/^sha512-/.test(integrity ?? '') || hasInstallScript || link,
  );
  expect(odd).toEqual([]);
});

test('the packages of the program are those that docs/operating/security.md argues for', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const rows = [...read('docs/operating/security.md').matchAll(/^\| (`[a-z@][^|]*`) \|/gm)];
  const argued = rows.flatMap(([, names]) => names!.split(', ').map((name) => name.replaceAll('`', '')));
  expect(Object.keys(dependencies).filter((name) => !argued.includes(name))).toEqual([]);
});

test('only one key can switch the check of certificates off, and its default is on', () => {
  const keys: [string, unknown][] = [];
  const walk = (path: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (/unauthori[sz]ed|insecure|verify|check_?cert|tls_?skip/i.test(name))
        keys.push([name, (inner as { default?: unknown }).default]);
      walk(`${path}.${name}`, inner);
    }
  };
  walk('', JSON.parse(renderJsonSchema()));
  expect(keys).toEqual([['reject_unauthorized', true]]);
});
