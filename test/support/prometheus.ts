// A real Prometheus with our rules, which scrapes one daemon every second.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../../lab/stack/ports.ts';
import { Server } from '../../lab/stack/process.ts';
import { temporaryFolder } from './stack.ts';

const RULES = new URL('../../observe/prometheus/rules.yaml', import.meta.url).pathname;

export interface Prometheus {
  /** The number of series that an expression answers with now. Throws with Prometheus' words when it is wrong. */
  series(expression: string): Promise<number>;
  /** Rules that could not be evaluated, with the reason. */
  brokenRules(): Promise<string[]>;
}

/** Ended with the test. `target` is `http://host:port` of the daemon. */
export async function prometheus(target: string): Promise<Prometheus> {
  const folder = await temporaryFolder();
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    scrape_configs: [{ job_name: 'harvest-kafka', static_configs: [{ targets: [new URL(target).host] }] }],
  };
  // JSON is YAML too.
  await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config));
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const server = await Server.start({
    name: `Prometheus ${address}`,
    command: 'prometheus',
    args: [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    cwd: folder,
  });
  onTestFinished(() => server.kill());
  const ask = async (path: string) => (await (await fetch(address + path)).json()) as Answer;
  await server.ready(async () =>
    fetch(`${address}/-/ready`)
      .then(({ ok }) => ok)
      .catch(() => false),
  );
  return {
    series: async (expression) => {
      const { status, error, data } = await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      if (status !== 'success') throw new Error(`${expression}: ${error}`);
      return data.result.length;
    },
    brokenRules: async () => {
      const { data } = await ask('/api/v1/rules');
      return data.groups.flatMap(({ rules }) =>
        rules
          .filter(({ health }) => health !== 'ok')
          .map(({ name, health, lastError }) => `${name} ${health} ${lastError}`),
      );
    },
  };
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly unknown[];
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
    }[];
  };
}
