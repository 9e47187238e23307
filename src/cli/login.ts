// `login`: a person lets us in at Harvest ID, in the browser. The tokens go to `token_file`, and are printed nowhere.
import { EXIT, PublisherError } from '../base/errors.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { accountsOf, authorizeUrl, type OpenedAccounts } from '../harvest/login.ts';
import { exchange } from '../harvest/oauth-exchange.ts';
import { fileTokenStore } from '../harvest/token-store.ts';
import { openTransport, TIMEOUTS } from '../harvest/transport.ts';
import { pem } from '../settings.ts';
import { openBrowser } from './browser.ts';
import { configOf } from './configuration.ts';
import { type CommonOptions, clock, interruption, print, uuid } from './context.ts';
import { type Arrival, openCallback, pastedCode } from './login-callback.ts';
import { accountNamed } from './names.ts';
import { printable, printJson, table } from './output.ts';

export interface LoginOptions extends CommonOptions {
  readonly account?: string;
  /** Of the loopback. */
  readonly port: number;
  /** False: a person opens the address elsewhere, and may paste what comes of it. */
  readonly browser: boolean;
}

/** Exit 0 when `token_file` holds the tokens of this account; 77 when the log-in is refused or opens others. */
export async function login(options: LoginOptions): Promise<number> {
  const config = configOf(options);
  const account = accountNamed(config, options.account);
  const { signal, exitCode } = interruption();
  const { port, browser } = options;
  const canPaste = !browser || process.stdin.isTTY === true;
  // Apart from the answer, which may be JSON.
  const tell = (text: string) => process.stderr.write(`${text}\n`);
  const opened = await logIn(config, account, {
    ...{ port, signal, tell },
    open: browser ? openBrowser : null,
    input: canPaste ? process.stdin : null,
  });
  process.stdin.unref?.();
  if (opened !== null) show(options, account, opened);
  return exitCode() ?? EXIT.clean;
}

/** Resolves with what the log-in opens once its tokens are stored; null when `signal` aborts. Throws PublisherError. */
export async function logIn(
  config: Config,
  account: AccountConfig,
  around: {
    readonly port: number;
    readonly signal: AbortSignal;
    /** Tells the person what to do. */
    readonly tell: (text: string) => void;
    readonly open: ((address: string) => void) | null;
    /** A person may paste the code into it; null where nobody can. */
    readonly input: NodeJS.ReadableStream | null;
  },
): Promise<OpenedAccounts | null> {
  const { signal, tell, open, input } = around;
  const { client_id } = oauthOf(account);
  // Nobody guesses it: what comes back without it is not of this log-in.
  const state = uuid();
  const callback = await openCallback(around.port, state);
  const waiting = new AbortController();
  try {
    const { redirectUri } = callback;
    const address = authorizeUrl(new URL(config.harvest.id_base_url), { clientId: client_id, redirectUri, state });
    tell(instructions(redirectUri, address, open !== null, input !== null));
    open?.(address);
    const pasted = input === null ? [] : [pastedCode(input, state, tell, waiting.signal)];
    const arrival = await Promise.race([callback.arrival, ...pasted, stopped(signal)]);
    return arrival && (await finish(config, account, redirectUri, arrival));
  } finally {
    waiting.abort();
    await callback.close();
  }
}

type OAuthConfig = NonNullable<AccountConfig['oauth']>;

function oauthOf({ id, oauth }: AccountConfig): OAuthConfig {
  if (oauth) return oauth;
  throw new PublisherError('usage', `account ${id} has an access_token, so there is nothing to log in for`, {
    remedy:
      'To log in, configure oauth with client_id, client_secret and token_file of the account instead of access_token.',
  });
}

function instructions(redirectUri: string, address: string, opens: boolean, canPaste: boolean): string {
  const lines = [
    'Redirect address, to be registered with your OAuth2 application (Harvest ID, Developers):',
    `  ${redirectUri}`,
    opens ? 'Authorize in the browser; if none has opened, open:' : 'Open in any browser, and authorize:',
    `  ${address}`,
  ];
  if (canPaste)
    lines.push('If that browser is on another machine, paste the address it is sent to, or its code, here:');
  return lines.join('\n');
}

function stopped(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}

/** The code for tokens, stored once they are known to open the account. */
async function finish(
  config: Config,
  account: AccountConfig,
  redirectUri: string,
  { code, tell: tellBrowser }: Arrival,
): Promise<OpenedAccounts> {
  const { id_base_url, user_agent, ca_file, proxies } = config.harvest;
  const { client_id, client_secret, refresh_token = null, token_file } = oauthOf(account);
  const { transport, close } = openTransport({ connections: 1, timeouts: TIMEOUTS, ca: pem(ca_file), proxies });
  const options = {
    ...{ clientId: client_id, clientSecret: client_secret, idBase: new URL(id_base_url), userAgent: user_agent },
    ...{ transport, limitMs: TIMEOUTS.totalMs, clock },
  };
  try {
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri } as const;
    const granted = await exchange(fields, options);
    if (granted.refreshToken === null) throw noRefreshToken();
    const opened = await accountsOf(granted.accessToken, options);
    if (!opened.accounts.some(({ id }) => id === account.id)) throw opensOthers(account, opened);
    await fileTokenStore(token_file).write(refresh_token, granted.refreshToken);
    tellBrowser('harvest-kafka is logged in. You can close this window.');
    return opened;
  } catch (thrown) {
    tellBrowser('The log-in has failed; the terminal says why.');
    throw thrown;
  } finally {
    await close();
  }
}

function noRefreshToken(): PublisherError {
  return new PublisherError('harvest.unauthorised', 'Harvest ID gave no refresh token, so the log-in would not last', {
    remedy: 'harvest-kafka login tries again.',
  });
}

function opensOthers({ id }: AccountConfig, { person, accounts }: OpenedAccounts): PublisherError {
  const names = accounts.map((each) => `${each.id} (${each.name})`).join(', ') || 'no account of Harvest';
  return new PublisherError('harvest.unauthorised', `the log-in of ${person} opens ${names}, and not account ${id}`, {
    remedy: 'Log in as somebody of that account, or correct harvest.accounts[].id. Nothing was written.',
  });
}

function show({ json }: LoginOptions, { id, oauth }: AccountConfig, { person, accounts }: OpenedAccounts): void {
  const { token_file } = oauth!;
  if (json) printJson({ account_id: id, token_file, person, accounts });
  else {
    print(`Logged in as ${printable(person)}; the tokens are in ${token_file}. They open:`);
    print(table(accounts, ['id', 'name']));
    print('Next: harvest-kafka check');
  }
}
