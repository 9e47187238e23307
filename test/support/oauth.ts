// A publisher that logs in by OAuth2: its configuration, and the file that keeps its newest refresh token.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Where } from './publisher.ts';
import { temporaryFolder } from './stack.ts';

/** The simulator knows the publisher by these; they are canaries, which are to be seen nowhere. */
export const OAUTH = {
  clientId: 'canary-id',
  clientSecret: 'canary-secret',
  refreshToken: 'canary-refresh',
  rotate: true,
};

/** Writes the configuration of an account whose simulator was made with `oauth: OAUTH`; `withoutToken` before its first log-in. */
export async function oauthConfig(
  where: Where,
  options: { readonly withoutToken?: boolean } = {},
): Promise<{ readonly config: string; readonly tokenFile: string }> {
  const { simulator, server, bootstrap, registryUrl, prefix } = where;
  const folder = await temporaryFolder();
  const tokenFile = join(folder, 'token.json');
  const config = join(folder, 'harvest-kafka.yaml');
  const { clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token } = OAUTH;
  const given = options.withoutToken ? {} : { refresh_token };
  const oauth = { client_id, client_secret, ...given, token_file: tokenFile };
  const settings = {
    harvest: {
      base_url: `${server.url}/v2`,
      id_base_url: server.url,
      accounts: [{ id: simulator.accountId, oauth }],
    },
    kafka: { brokers: bootstrap },
    schema_registry: { url: registryUrl },
    topics: { prefix },
    http: { listen: 'off' },
    log: { level: 'trace' },
  };
  await writeFile(config, JSON.stringify(settings));
  return { config, tokenFile };
}
