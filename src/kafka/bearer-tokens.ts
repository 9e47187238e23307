// Bearer tokens for brokers that ask for OAUTHBEARER: got from a token endpoint by client credentials, or signed for MSK, kept
// until shortly before their end. A connection asks for one at each log-in; what a session of the broker may last, kafkajs heeds.
import type { Clock } from '../base/clock.ts';
import { PublisherError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

export interface BearerTokens {
  /** A token that is good now. Throws `kafka.unavailable`, `kafka.unauthorised` or `config.invalid`. */
  token(): Promise<Secret>;
  /** Said to the broker beside the token. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** A token of an issuer's. */
export interface Issued {
  readonly token: Secret;
  /** Milliseconds from now. */
  readonly lifeMs: number;
}

/** The last share of its life in which a token is renewed, and at least so long before its end: kafkajs logs in anew ten seconds
 * before a session ends, again and again while it is shorter than that. Until its end the old one is good when renewing fails. */
const RENEWED_IN_LAST = 0.2;
const RENEWED_BEFORE_MS = 30_000;

/** Keeps what `issue` gives; those who ask together share one request. */
export function keptTokens(
  issue: () => Promise<Issued>,
  clock: Clock,
  extensions: Readonly<Record<string, string>> = {},
): BearerTokens {
  let kept: { readonly token: Secret; readonly staleAt: number; readonly endsAt: number } | null = null;
  let renewal: Promise<Secret> | null = null;

  async function renew(): Promise<Secret> {
    try {
      const { token, lifeMs } = await issue();
      const now = clock.monotonic();
      const endsAt = now + lifeMs;
      kept = { token, staleAt: endsAt - Math.max(lifeMs * RENEWED_IN_LAST, RENEWED_BEFORE_MS), endsAt };
      return token;
    } catch (error) {
      if (kept !== null && clock.monotonic() < kept.endsAt) return kept.token;
      throw error;
    } finally {
      renewal = null;
    }
  }

  return {
    extensions,
    token: async () => {
      if (kept !== null && clock.monotonic() < kept.staleAt) return kept.token;
      renewal ??= renew();
      return renewal;
    },
  };
}

const SIGNER = 'aws-msk-iam-sasl-signer-js';

/** Signs a token with the AWS credentials that are found here, by a package of AWS that is no dependency of ours. */
export async function issuedForMsk(region: string, clock: Clock, signer = SIGNER): Promise<Issued> {
  const { generateAuthToken } = await signerNamed(signer);
  try {
    const { token, expiryTime } = await generateAuthToken({ region });
    return { token: new Secret(token), lifeMs: expiryTime - clock.now() };
  } catch (thrown) {
    throw new PublisherError('kafka.unauthorised', `no token for MSK in ${region}: ${(thrown as Error).message}`, {
      remedy:
        'The signer finds credentials as the AWS SDK does: a role of the machine or pod, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });
  }
}

interface Signer {
  generateAuthToken(options: { region: string }): Promise<{ token: string; expiryTime: number }>;
}

async function signerNamed(name: string): Promise<Signer> {
  try {
    return (await import(name)) as Signer;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new PublisherError('config.invalid', `kafka.sasl.aws_msk_iam needs the package ${name}, which is not here`, {
      remedy: `npm install ${name}, beside harvest-kafka (with -g if that was installed with it)`,
    });
  }
}
