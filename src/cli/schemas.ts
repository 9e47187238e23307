// `schemas diff` and `schemas register`: our Avro schemas and the registry's.
import { EXIT } from '../base/errors.ts';
import { diffSubjects, prepareSubjects, type RegistryClient } from '../codec/registry.ts';
import { valueSchemas } from '../privacy.ts';
import { createRegistry } from '../registry.ts';
import { enabledStreams, prefixOf } from '../settings.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, print, random } from './context.ts';
import { printJson, table } from './output.ts';

/** Exit 65 when a subject is missing or incompatible. */
export function schemasDiff(options: CommonOptions): Promise<number> {
  return compare(options, async () => {});
}

/** Registers what is missing, then shows the difference that is left. Throws what registration throws. */
export function schemasRegister(options: CommonOptions): Promise<number> {
  return compare(options, async (client, streams, settings) => {
    await prepareSubjects(client, streams, { ...settings, autoRegister: true });
  });
}

type Subjects = Parameters<typeof diffSubjects>;

async function compare(
  options: CommonOptions,
  first: (client: RegistryClient, streams: Subjects[1], settings: Subjects[2]) => Promise<void>,
): Promise<number> {
  const config = configOf(options);
  const client = createRegistry(config, { clock, random });
  const schemas = await valueSchemas(config, enabledStreams(config));
  try {
    const rows = [];
    for (const account of config.harvest.accounts) {
      const { decimal_handling_mode: mode, key } = config;
      const settings = { schemas, prefix: prefixOf(config, account), mode, keyFormat: key.format };
      await first(client, enabledStreams(config), settings);
      const differences = await diffSubjects(client, enabledStreams(config), settings);
      rows.push(...differences.map(({ subject, ...rest }) => ({ subject: subject.name, ...rest })));
    }
    if (options.json) printJson(rows);
    else print(table(rows, ['subject', 'state', 'message']));
    return rows.every((row) => row.state === 'registered') ? EXIT.clean : EXIT.dataContract;
  } finally {
    await client.close();
  }
}
