import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Declared, declared, renderJsonSchema } from '../../../src/config/declared.ts';
import { describeConfig, loadConfig } from '../../../src/config/load.ts';
import { catalog } from '../../../src/streams/catalog.ts';

const pages = (await import(new URL('../../../scripts/config-pages.mjs', import.meta.url).href)) as {
  renderReference(declared: Declared): string;
  renderConfigPage(declared: Declared, streams: typeof catalog): string;
};
const renderReference = () => pages.renderReference(declared);
const renderConfigPage = () => pages.renderConfigPage(declared, catalog);

const checkedIn = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const ENV = { HARVEST_ACCOUNT_ID: '1', HARVEST_ACCESS_TOKEN: 't' };

describe('the pages generated from the declarations', () => {
  it.each([
    ['config/reference.yaml', renderReference],
    ['docs/generated/config.schema.json', renderJsonSchema],
    ['docs/generated/CONFIG.md', renderConfigPage],
  ])('%s is checked in as it is generated now', (path, render) => {
    expect(checkedIn(path)).toBe(render());
  });
});

describe('the reference', () => {
  it('loads, and says the same as the smallest configuration', () => {
    const reference = loadConfig({ text: renderReference(), env: ENV });
    expect(describeConfig(reference)).toEqual(describeConfig(loadConfig({ env: ENV })));
  });

  it('still loads with any one block of its commented keys put in', () => {
    const text = renderReference();
    const uncommented = (from: string, lines: number) => {
      const all = text.split('\n');
      const start = all.findIndex((line) => line.trim() === from);
      expect(start, from).toBeGreaterThan(0);
      return all.map((line, at) => (at >= start && at < start + lines ? line.replace('# ', '') : line)).join('\n');
    };
    const config = loadConfig({ text: uncommented('# start_date: 2024-01-01', 1), env: ENV });
    expect(config.harvest.start_date).toBe('2024-01-01');
  });

  it('has an entry in the JSON Schema and on the page for every key', () => {
    const schema = JSON.parse(renderJsonSchema());
    expect(Object.keys(schema.properties)).toEqual(Object.keys(loadConfig({ text: renderReference(), env: ENV })));
    expect(schema.properties.streams.additionalProperties).toBe(false);
    for (const path of ['harvest.accounts[].oauth.token_file', 'kafka.ssl.ca_file', 'streams.<name>.enabled']) {
      expect(renderConfigPage()).toContain(`\`${path}\``);
    }
  });
});
