// deploy/: what Kubernetes and systemd are given is understood by them, runs with as little as it needs, and configures us.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Service } from 'kubernetes-models/v1';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { has } from '../support/programs.ts';

const root = new URL('../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
}

const MODELS = { Deployment, PodDisruptionBudget, ConfigMap, Service };
type Kind = keyof typeof MODELS;

const manifests = parseAllDocuments(read('deploy/kubernetes/harvest-kafka.yaml')).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJS() as Manifest;
});
// biome-ignore lint/suspicious/noExplicitAny: manifests are looked at member by member; the schemas have judged them.
const manifest = (kind: Kind): any => manifests.find((each) => each.kind === kind);

test.each(manifests.map((each) => [each.kind, each] as const))('%s fits the schema of Kubernetes', (kind, given) => {
  expect(Object.keys(MODELS)).toContain(kind);
  // The models know their kind, and want the rest.
  const { kind: _, apiVersion, ...rest } = given;
  const model = new MODELS[kind as Kind](rest as never);
  expect(model.apiVersion).toBe(apiVersion);
  expect(() => model.validate()).not.toThrow();
});

test('no manifest has a member that Kubernetes does not know, such as a misspelt one', () => {
  // The schemas let unknown members pass; the types that are made from them do not.
  const folder = mkdtempSync(join(tmpdir(), 'harvest-kafka-manifests-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const types = `import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, IService } from 'kubernetes-models/v1';
`;
    const typed = manifests.map((each, index) => `export const m${index}: I${each.kind} = ${JSON.stringify(each)};\n`);
    writeFileSync(join(folder, 'ours.mts'), types + typed.join(''));
    writeFileSync(join(folder, 'misspelt.mts'), types + typed.join('').replace('RootFilesystem', 'RootFileSystem'));
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--ignoreConfig',
      '--pretty',
      'false',
    ];
    const command = ['--no-install', 'tsc', ...options, 'ours.mts', 'misspelt.mts'];
    const { stdout } = spawnSync('npx', command, { cwd: folder, encoding: 'utf8' });
    expect(stdout.match(/^\S+?(?=\()/gm)).toEqual(['misspelt.mts']);
    expect(stdout).toContain('readOnlyRootFileSystem');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the pod has no rights, writes nothing and is probed for what a restart mends', () => {
  const pod = manifest('Deployment').spec.template.spec;
  const [container] = pod.containers;
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  for (const probe of ['startupProbe', 'livenessProbe'])
    expect(container[probe].httpGet).toEqual({ path: '/health/live', port: 'http' });
  expect(container.readinessProbe.httpGet).toEqual({ path: '/health/ready', port: 'http' });
  expect(container.volumeMounts.every(({ readOnly }: { readOnly: boolean }) => readOnly)).toBe(true);
});

test('several pods run as one group, since else the newer would take the accounts from the older in turns [P5 P11]', () => {
  const { replicas, strategy, template } = manifest('Deployment').spec;
  expect(configured().cluster).toMatchObject({ enabled: true, session_timeout_seconds: 10 });
  expect(replicas).toBe(3);
  // Whoever comes is there before somebody goes.
  expect(strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
  expect(manifest('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
  // A hand-over takes ten seconds at the most.
  expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30);
});

test('pods are spread over zones and nodes, and are scheduled all the same where there is only one', () => {
  const { template, selector } = manifest('Deployment').spec;
  const constraints = template.spec.topologySpreadConstraints as Record<string, unknown>[];
  expect(constraints.map(({ topologyKey }) => topologyKey)).toEqual([
    'topology.kubernetes.io/zone',
    'kubernetes.io/hostname',
  ]);
  for (const { whenUnsatisfiable, labelSelector } of constraints)
    expect([whenUnsatisfiable, labelSelector]).toEqual(['ScheduleAnyway', selector]);
});

test('each pod is called by its own name and address in the group, and by its zone where the cluster tells it', () => {
  const { env } = manifest('Deployment').spec.template.spec.containers[0] as {
    env: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
  };
  const pod = {
    'metadata.name': 'harvest-kafka-abc',
    "metadata.labels['topology.kubernetes.io/zone']": '',
    'status.podIP': '10.0.0.7',
  };
  const given: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const field = valueFrom?.fieldRef.fieldPath as keyof typeof pod | undefined;
    given[name] =
      field === undefined ? value!.replace(/\$\((\w+)\)/g, (_, other: string) => given[other]!) : pod[field];
  }
  expect(configured(given).cluster).toMatchObject({ name: 'harvest-kafka-abc', zone: '', url: 'http://10.0.0.7:8080' });
});

test('selectors, mounts and ports of the manifests find each other', () => {
  const { selector, template } = manifest('Deployment').spec;
  for (const labels of [
    selector.matchLabels,
    manifest('PodDisruptionBudget').spec.selector.matchLabels,
    manifest('Service').spec.selector,
  ])
    expect(template.metadata.labels).toMatchObject(labels);
  const [container] = template.spec.containers;
  const names = ({ name }: { name: string }) => name;
  expect(container.volumeMounts.map(names).sort()).toEqual(template.spec.volumes.map(names).sort());
  expect(template.spec.volumes[0].configMap.name).toBe(manifest('ConfigMap').metadata.name);
  expect(manifest('Service').spec.ports[0].targetPort).toBe(container.ports[0].name);
});

/** The configuration of the manifest, with the accounts of its secret and the variables that a pod has. */
function configured(env: Record<string, string> = {}, asked: string[] = []) {
  const text = manifest('ConfigMap').data['harvest-kafka.yaml'];
  const readFile = (path: string) => {
    asked.push(path);
    return '- {id: "1234567", access_token: token-of-the-secret}\n- {id: "7654321", access_token: another}\n';
  };
  return loadConfig({ text, env, readFile });
}

test('the configuration of the manifest is one that we take, with the accounts from their secret', () => {
  const asked: string[] = [];
  const { http, harvest } = configured({}, asked);
  expect(http.listen).toEqual({ host: '0.0.0.0', port: 8080 });
  expect(harvest.accounts).toHaveLength(2);
  const mounts = manifest('Deployment').spec.template.spec.containers[0].volumeMounts;
  expect([...new Set(asked)]).toEqual([
    `${mounts.find(({ name }: { name: string }) => name === 'accounts').mountPath}/accounts.yaml`,
  ]);
});

test('systemd restarts on no exit code that only a person can mend, and the page on deploying names the same', () => {
  const unit = read('deploy/systemd/harvest-kafka.service');
  const [, codes] = /^RestartPreventExitStatus=(.+)$/m.exec(unit)!;
  const [, said] = /restarts it on every exit code but ([\d, and]+)\./.exec(
    read('docs/operating/deploying.md').replace(/\n/g, ' '),
  )!;
  expect(codes!.split(' ')).toEqual(said!.match(/\d+/g));
  expect(unit).toMatch(/^SuccessExitStatus=143$/m);
});

test.skipIf(!has('systemd-analyze'))('systemd understands the unit, and finds little that it exposes', () => {
  const unit = join(root, 'deploy/systemd/harvest-kafka.service');
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', [...args, unit], { encoding: 'utf8' });
  expect(analyze('verify')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  // In tenths; a service without any hardening has 96.
  expect(analyze('security', '--offline=true', '--threshold=20', '--no-pager')).toMatchObject({ status: 0 });
});
