// `streams`: the catalog as configured.
import { EXIT } from '../base/errors.ts';
import { dataTopic } from '../kafka/topics.ts';
import { prefixOf } from '../settings.ts';
import { catalog } from '../streams/catalog.ts';
import { configOf, withoutAccount } from './configuration.ts';
import { type CommonOptions, print } from './context.ts';
import { printJson, table } from './output.ts';

export async function streams(options: CommonOptions): Promise<number> {
  const config = configOf(options, withoutAccount());
  const rows = config.harvest.accounts.flatMap((account) =>
    catalog
      .filter(({ kind, name }) => kind !== 'derived' || config.streams[name]!.enabled)
      .map((stream) => {
        const settings = config.streams[stream.name]!;
        return {
          stream: stream.name,
          kind: stream.kind,
          enabled: settings.enabled,
          topic: dataTopic(prefixOf(config, account), stream.name),
          key: stream.key.map((field) => field.name).join(','),
          path: stream.kind === 'derived' ? `${stream.rows} of ${stream.parent!.stream}` : stream.path,
          budget: stream.budget,
          poll_interval_seconds: settings.poll_interval_seconds,
          permission: stream.permission,
        };
      }),
  );
  if (options.json) printJson(rows);
  else {
    const shown = rows.map(({ permission: _, enabled, poll_interval_seconds, ...row }) => ({
      ...row,
      poll: enabled ? `${poll_interval_seconds} s` : 'off',
    }));
    print(table(shown, ['stream', 'kind', 'topic', 'key', 'path', 'poll']));
  }
  return EXIT.clean;
}
