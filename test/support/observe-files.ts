// The files for Prometheus and Grafana as the tests read them.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const root = new URL('../..', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

export const rules: readonly Rule[] = (
  parse(read('observe/prometheus/rules.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

export const alerts = rules.filter(({ alert }) => alert !== undefined);

export const dashboard: {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { query: string } }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
} = JSON.parse(read('observe/grafana/dashboards/harvest-kafka.json'));

export const panels = dashboard.panels.filter(({ type }) => type !== 'row');
