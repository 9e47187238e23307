// The Harvest client of an account, as the configuration says it. Apart from daemon.ts, so that a command that only asks Harvest
// does not load the engine.
import type { Clock, Random } from './base/clock.ts';
import { PublisherError } from './base/errors.ts';
import type { AccountConfig, Config } from './config/options.ts';
import type { PublisherEvent } from './engine/events.ts';
import type { Pacer } from './harvest/caller.ts';
import { type Credential, createSource, type HarvestSource } from './harvest/client.ts';
import { maskOf } from './privacy.ts';
import { pem } from './settings.ts';
import type { BudgetName } from './streams/definition.ts';

/** The Harvest client of one account. Without `onLeaseLow` its budgets are counted in memory only (single commands). */
export function createHarvestSource(
  config: Config,
  account: AccountConfig,
  parts: {
    clock: Clock;
    random: Random;
    emit: (event: PublisherEvent) => void;
    onLeaseLow?: (name: BudgetName) => void;
    reread?: () => Config;
    pacer?: Pacer;
  },
): HarvestSource {
  const { base_url, public_url, id_base_url, user_agent, budgets, ca_file, proxies } = config.harvest;
  const limit = (name: BudgetName) => ({ requests: budgets[name].requests, perSeconds: budgets[name].per_seconds });
  const ca = pem(ca_file);
  const { reread, ...others } = parts;
  return createSource({
    baseUrl: base_url,
    publicUrl: public_url,
    idBaseUrl: id_base_url,
    userAgent: user_agent,
    proxies,
    accountId: account.id,
    credential: credentialOf(account),
    budgets: { general: limit('general'), reports: limit('reports') },
    mask: maskOf(config),
    ...(ca === undefined ? {} : { ca }),
    ...(reread ? { reread: () => presentCredential(reread, account.id) } : {}),
    ...others,
  });
}

/** The credential as it is configured now; null when that cannot be read, as while a file is being replaced. */
function presentCredential(reread: () => Config, accountId: string): Credential | null {
  try {
    const account = reread().harvest.accounts.find(({ id }) => id === accountId);
    return account ? credentialOf(account) : null;
  } catch (thrown) {
    if (thrown instanceof PublisherError && thrown.code === 'config.invalid') return null;
    throw thrown;
  }
}

export function credentialOf(account: AccountConfig): Credential {
  if (account.access_token) return { accessToken: account.access_token };
  const { client_id, client_secret, refresh_token, token_file } = account.oauth!;
  return {
    oauth: {
      clientId: client_id,
      clientSecret: client_secret,
      refreshToken: refresh_token ?? null,
      tokenFile: token_file,
    },
  };
}

// The configuration has checked at load that the file can be read.
