// Rules and dashboard against what the program really exports, and against Prometheus' own tool.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { lateAfterSeconds } from '../../../src/observe/history.ts';
import { type Declaration, METRICS, PREFIX } from '../../../src/observe/metrics-table.ts';
import { alerts, dashboard, panels, rules } from '../../support/observe-files.ts';
import { has, promtool } from '../../support/programs.ts';
import { stream } from '../../support/status.ts';

const root = new URL('../../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');
const { renderDashboard } = (await import(`${root}scripts/dashboard.mjs`)) as { renderDashboard(): string };

interface Service {
  readonly volumes: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

interface Compose {
  readonly services: Readonly<Record<'prometheus' | 'grafana', Service>>;
}

const declared = new Map<string, Declaration>(Object.entries(METRICS).map(([name, metric]) => [PREFIX + name, metric]));
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
const expressions = [
  ...rules.map(({ alert, record, expr }) => [alert ?? record!, expr] as const),
  ...panels.flatMap(({ title, targets }) => targets!.map(({ expr }) => [title, expr] as const)),
  ...dashboard.templating.list.map(
    ({ name, query }) => [name, typeof query === 'string' ? query : query.query] as const,
  ),
  ...dashboard.annotations.list.map(({ expr }) => ['annotation', expr] as const),
];

/** What Prometheus adds to every series of a target, and the bound of a bucket. */
const OTHERS = ['job', 'instance', 'le'];

/** The metric that a name in an expression stands for: a histogram has three names. */
function metricOf(name: string): Declaration | undefined {
  const [, base] = /^(.+)_(?:bucket|sum|count)$/.exec(name) ?? [];
  return (
    declared.get(name) ??
    (base !== undefined && declared.get(base)?.type === 'histogram' ? declared.get(base) : undefined)
  );
}

describe('the rules and the dashboard', () => {
  test.each(expressions)('%s asks for metrics that there are, by labels that they have', (_, expression) => {
    const missing = [...expression.matchAll(/\bharvest_kafka[\w:]*(?:\{([^}]*)\})?/g)].flatMap(
      ([found, selector = '']) => {
        const name = /^[\w:]+/.exec(found)![0];
        if (recorded.has(name)) return [];
        const metric = metricOf(name);
        if (metric === undefined) return [name];
        const labels = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!);
        return labels
          .filter((label) => !metric.labels.includes(label) && !OTHERS.includes(label))
          .map((label) => `${name}{${label}}`);
      },
    );
    expect(missing).toEqual([]);
  });

  test.each(expressions)('%s groups by labels that some metric of it has', (_, expression) => {
    const names = expression.match(/\bharvest_kafka[\w:]*/g) ?? [];
    const known = names.flatMap((name) => metricOf(name)?.labels ?? ['account', 'stream']);
    const grouped = [...expression.matchAll(/\b(?:by|on|ignoring|without)\s*\(([^)]*)\)/g)].flatMap(([, list]) =>
      list!.split(',').map((label) => label.trim()),
    );
    expect(grouped.filter((label) => ![...known, ...OTHERS].includes(label))).toEqual([]);
  });

  test('the dashboard is checked in as it is generated now (npm run docs)', () => {
    expect(read('observe/grafana/dashboards/harvest-kafka.json')).toBe(renderDashboard());
  });

  test('panels say in a sentence what they show, and none covers another', () => {
    expect(panels.length).toBeGreaterThan(20);
    expect(panels.filter(({ description }) => !description).map(({ title }) => title)).toEqual([]);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});

test('the alert HarvestKafkaLag and the status page call the same lag late', () => {
  const { expr } = rules.find(({ alert }) => alert === 'HarvestKafkaLag')!;
  const [, intervals, least] = /clamp_min\((\d+) \* harvest_kafka_stream_poll_interval_seconds, (\d+)\)/.exec(expr)!;
  for (const pollIntervalSeconds of [4, 60, 451, 21_600]) {
    const late = lateAfterSeconds(stream('clients', { pollIntervalSeconds }));
    expect(late).toBe(Math.max(Number(intervals) * pollIntervalSeconds, Number(least)));
  }
});

test('compose’s Prometheus keeps what it scraped in its volume, whatever folder it would take by itself', () => {
  const { prometheus } = (parse(read('docker-compose.yml')) as Compose).services;
  const folder = prometheus.volumes.find((volume) => volume.startsWith('prometheus-data:'))!.split(':')[1];
  expect(prometheus.command).toContain(`--storage.tsdb.path=${folder}`);
});

test('compose mounts rules, dashboard and provisioning where Prometheus and Grafana look for them', () => {
  const { prometheus, grafana } = (parse(read('docker-compose.yml')) as Compose).services;
  const mounted = (service: Service) =>
    new Map(service!.volumes.map((volume) => volume.split(':') as [string, string]));
  for (const service of [prometheus, grafana]) {
    for (const folder of mounted(service).keys())
      if (folder.startsWith('./')) expect(existsSync(root + folder)).toBe(true);
  }
  const folder = mounted(prometheus).get('./observe/prometheus');
  expect(prometheus!.command).toContain(`--config.file=${folder}/prometheus.yaml`);
  const dashboards = mounted(grafana).get('./observe/grafana/dashboards')!;
  expect(grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(`${dashboards}/harvest-kafka.json`);
  const provider = parse(read('observe/grafana/provisioning/dashboards/harvest-kafka.yaml'));
  expect(provider.providers[0].options.path).toBe(dashboards);
  const source = parse(read('observe/grafana/provisioning/datasources/prometheus.yaml'));
  expect(source.datasources[0]).toMatchObject({ type: 'prometheus', url: 'http://prometheus:9090' });
});

describe('each alert', () => {
  test.each(alerts.map((rule) => [rule.alert!, rule] as const))(
    '%s has severity, words and its section of a runbook',
    (name, rule) => {
      expect(rule.labels?.severity).toMatch(/^(critical|warning|info)$/);
      expect(rule.annotations?.summary).toMatch(/\S/);
      expect(rule.annotations?.description).toMatch(/\.$/);
      const [page, anchor] = rule.annotations!.runbook_url!.split('#');
      expect(anchor).toBe(name.toLowerCase());
      const section = read(page!)
        .split(/^## /m)
        .find((text) => text.startsWith(`${name}\n`));
      expect(section, `## ${name} in ${page}`).toBeDefined();
      for (const part of ['Means', 'Look at', 'Do'])
        expect(section).toMatch(new RegExp(`^\\*\\*${part}\\*\\* \\S`, 'm'));
    },
  );

  test.each(alerts.map(({ alert }) => alert!))(
    '%s stands in the index of the runbooks, and in a unit test of the rules',
    (name) => {
      expect(read('docs/operating/runbooks/README.md')).toContain(`[${name}](`);
      expect(read('observe/prometheus/rules.test.yaml')).toMatch(new RegExp(`\\b${name}\\b`));
    },
  );
});

describe.skipIf(!has('promtool'))('Prometheus’ own tool', () => {
  test('takes the rules without a complaint', () => {
    expect(promtool(['check', 'rules', '--lint-fatal', `${root}observe/prometheus/rules.yaml`])).toMatchObject({
      status: 0,
    });
  });

  test('sees each alert fire when it must, and be silent when it must', () => {
    expect(promtool(['test', 'rules', `${root}observe/prometheus/rules.test.yaml`])).toEqual({
      status: 0,
      said: expect.stringContaining('SUCCESS'),
    });
  });

  test('takes the configuration of compose without a complaint', () => {
    expect(promtool(['check', 'config', `${root}observe/prometheus/prometheus.yaml`])).toMatchObject({ status: 0 });
  });
});
