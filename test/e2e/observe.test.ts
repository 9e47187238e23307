// A real Prometheus scrapes the built daemon: every panel of the dashboard gets an answer, every rule is evaluated.
import { expect, test } from 'vitest';
import { daemon, isReady } from '../support/daemon.ts';
import { alerts, dashboard, panels } from '../support/observe-files.ts';
import { until } from '../support/patience.ts';
import { has } from '../support/programs.ts';
import { prometheus } from '../support/prometheus.ts';
import { FEW_STREAMS } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';

const root = new URL('../..', import.meta.url).pathname;
const { quietPanels } = (await import(`${root}scripts/dashboard.mjs`)) as { quietPanels(): string[] };

/** A query as Grafana sends it while everything is selected. */
const filled = (expression: string) =>
  expression.replace(/\$(account|stream)\b/g, '.+').replaceAll('$__rate_interval', '10s');

test.skipIf(!has('prometheus'))(
  'each query of the dashboard is answered by a Prometheus that scraped the daemon',
  async () => {
    const where = await scene({ timeEntries: 20, years: 1 });
    const running = await daemon({ ...where, settings: [...FEW_STREAMS, 'streams.defaults.poll_interval_seconds=1'] });
    const { series, brokenRules } = await prometheus(running.address);
    await until('ready', isReady(running));

    const loud = panels.filter(({ title }) => !quietPanels().includes(title));
    for (const { title, targets } of loud) {
      const [{ expr }] = targets as [{ expr: string }];
      await until(`an answer for ${title}: ${filled(expr)}`, async () => (await series(filled(expr))) > 0);
    }
    // What is empty while all is well must be understood all the same; it throws when it is not.
    for (const { targets } of panels) await series(filled(targets![0]!.expr));
    for (const { expr } of dashboard.annotations.list) await series(expr);
    await until('every rule was evaluated', async () =>
      (await brokenRules()).every((rule) => !rule.includes(' unknown ')),
    );
    expect(await brokenRules()).toEqual([]);
    // The daemon is well, so the alerts are quiet.
    expect(alerts.length).toBeGreaterThan(15);
    expect(await series('ALERTS{alertstate="firing"}')).toBe(0);
  },
);
