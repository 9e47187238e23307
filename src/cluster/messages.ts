// The messages between the main loop and the thread of the member.
import { Secret } from '../base/secret.ts';
import type { KafkaSettings, SaslSettings } from '../kafka/connection.ts';
import type { MemberEvent } from './member.ts';
import type { Metadata } from './protocol.ts';

export interface GroupSettings {
  readonly groupId: string;
  readonly self: Pick<Metadata, 'name' | 'zone' | 'url' | 'version'>;
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly balanceAfterMs: number;
  readonly movesAtOnce: number;
  readonly handOverMs: number;
  /** A main loop that does not answer for so long gives its accounts away. */
  readonly stallMs: number;
}

/** From the main loop to the member. */
export type Command =
  | { readonly do: 'set accounts'; readonly accounts: readonly string[]; readonly weight: Metadata['weight'] }
  | { readonly do: 'hear term'; readonly term: number }
  | { readonly do: 'lose account'; readonly account: string }
  | { readonly do: 'move account'; readonly account: string; readonly to: string }
  | { readonly do: 'begin leaving' }
  | { readonly do: 'say goodbye' }
  | { readonly do: 'give token'; readonly token: string | null; readonly failure: string }
  | { readonly do: 'answer' };

/** From the thread to the main loop. */
export type Told =
  | MemberEvent
  /** To be answered at once. */
  | { readonly name: 'ping' }
  /** A log-in needs a bearer token. */
  | { readonly name: 'ask for token' }
  | { readonly name: 'answered'; readonly lagMs: number }
  | {
      readonly name: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** Given to the thread at its start. Messages between threads are copied, which a Secret is made to survive only as text. */
export interface Start {
  readonly settings: GroupSettings;
  readonly kafka: Omit<KafkaSettings, 'sasl' | 'ssl'>;
  readonly sasl:
    | { readonly mechanism: Password['mechanism']; readonly username: string; readonly password: string }
    | { readonly mechanism: 'oauthbearer'; readonly extensions: Readonly<Record<string, string>> }
    | null;
  readonly ssl: boolean | Readonly<Record<string, unknown>>;
  readonly passphrase: string | null;
}

type Password = Exclude<SaslSettings, { readonly mechanism: 'oauthbearer' }>;

export function packed(settings: GroupSettings, { sasl, ssl = false, ...kafka }: KafkaSettings): Start {
  const { passphrase, ...tls } = typeof ssl === 'boolean' ? { passphrase: undefined } : ssl;
  return {
    ...{ settings, kafka, sasl: sasl ? packedLogIn(sasl) : null },
    ssl: typeof ssl === 'boolean' ? ssl : tls,
    passphrase: passphrase?.reveal() ?? null,
  };
}

function packedLogIn(sasl: SaslSettings): NonNullable<Start['sasl']> {
  if (sasl.mechanism === 'oauthbearer') return { mechanism: sasl.mechanism, extensions: sasl.tokens.extensions };
  return { ...sasl, password: sasl.password.reveal() };
}

/** The settings as the thread uses them; `token` asks the main loop for one, which keeps them for all connections. */
export function unpacked({ kafka, sasl, ssl, passphrase }: Start, token: () => Promise<Secret>): KafkaSettings {
  const secret = passphrase !== null && { passphrase: new Secret(passphrase) };
  const tls = typeof ssl === 'boolean' ? ssl : { ...ssl, ...secret };
  return { ...kafka, ssl: tls, ...(sasl && { sasl: unpackedLogIn(sasl, token) }) };
}

function unpackedLogIn(sasl: NonNullable<Start['sasl']>, token: () => Promise<Secret>): SaslSettings {
  const { mechanism } = sasl;
  if (mechanism === 'oauthbearer') return { mechanism, tokens: { token, extensions: sasl.extensions } };
  return { ...sasl, mechanism, password: new Secret(sasl.password) };
}
