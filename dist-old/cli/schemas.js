// `schemas diff` and `schemas register`: our Avro schemas and the registry's.
import { EXIT } from '../base/errors.js';
import { diffSubjects, prepareSubjects } from '../codec/registry.js';
import { loadSchemas } from '../codec/schemas.js';
import { AVRO, createRegistry } from '../daemon.js';
import { enabledStreams, prefixOf } from '../settings.js';
import { configOf } from './configuration.js';
import { clock, print, random } from './context.js';
import { printJson, table } from './output.js';
/** Exit 65 when a subject is missing or incompatible. */
export function schemasDiff(options) {
    return compare(options, async () => { });
}
/** Registers what is missing, then shows the difference that is left. Throws what registration throws. */
export function schemasRegister(options) {
    return compare(options, async (client, streams, settings) => {
        await prepareSubjects(client, streams, { ...settings, autoRegister: true });
    });
}
async function compare(options, first) {
    const config = configOf(options);
    const client = createRegistry(config, { clock, random });
    const schemas = await loadSchemas(AVRO);
    try {
        const rows = [];
        for (const account of config.harvest.accounts) {
            const { decimal_handling_mode: mode, key } = config;
            const settings = { schemas, prefix: prefixOf(config, account), mode, keyFormat: key.format };
            await first(client, enabledStreams(config), settings);
            const differences = await diffSubjects(client, enabledStreams(config), settings);
            rows.push(...differences.map(({ subject, ...rest }) => ({ subject: subject.name, ...rest })));
        }
        if (options.json)
            printJson(rows);
        else
            print(table(rows, ['subject', 'state', 'message']));
        return rows.every((row) => row.state === 'registered') ? EXIT.clean : EXIT.dataContract;
    }
    finally {
        await client.close();
    }
}
