// Where a refresh token survives a restart: one small file, replaced atomically, readable by its owner only.
// Knows files; which token to trust and when to write is auth.ts.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PublisherError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

export interface TokenStore {
  /** The newest refresh token that descends from `configured`, or whichever is there when none is; null when none is known. */
  read(configured: Secret | null): Promise<Secret | null>;
  /** Returns once `newest` would survive a crash. */
  write(configured: Secret | null, newest: Secret): Promise<void>;
}

/** Far more than two tokens take. */
const LARGEST_BYTES = 65_536;

/** Forgets with the process: for clients whose refresh token is never replaced. */
export function memoryTokenStore(): TokenStore {
  return { read: async () => null, write: async () => {} };
}

/**
 * A token file at `path`. It notes (as a hash) the configured token that its own descends from, so that a newly
 * configured one takes over. Both functions throw `config.invalid` with the path when the file cannot be used.
 */
export function fileTokenStore(path: string): TokenStore {
  return {
    read: async (configured) => {
      const text = await readOrdinary(path).catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code === 'ENOENT') return null;
        if (thrown instanceof PublisherError) throw thrown;
        throw unusable(path, `cannot be read (${thrown.code})`);
      });
      if (text === null) return null;
      const { descends_from, refresh_token } = parsed(path, text);
      return configured === null || descends_from === fingerprint(configured) ? new Secret(refresh_token) : null;
    },
    write: async (configured, newest) => {
      const descends_from = configured === null ? null : fingerprint(configured);
      const text = JSON.stringify({ descends_from, refresh_token: newest.reveal() });
      await replace(path, `${text}\n`).catch((thrown: NodeJS.ErrnoException) => {
        throw unusable(path, `cannot be written (${thrown.code})`);
      });
    },
  };
}

/** The text of an ordinary file: a device may be endless, and a pipe may never say anything. */
async function readOrdinary(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const kind = await file.stat();
    if (kind.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
    if (!kind.isFile() || kind.size > LARGEST_BYTES) throw unusable(path, 'is not a token file');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** A reader, and a process that starts after a crash, sees the old text or the new one, never a piece. */
async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.chmod(0o600); // a leftover keeps the mode it was made with
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function parsed(path: string, text: string): { descends_from: string | null; refresh_token: string } {
  try {
    const { descends_from, refresh_token } = JSON.parse(text);
    const isOurs = typeof descends_from === 'string' || descends_from === null;
    if (isOurs && typeof refresh_token === 'string') return { descends_from, refresh_token };
  } catch {
    // The text is a secret, so the parser's message, which quotes it, goes no further.
  }
  throw unusable(path, 'is not a token file');
}

function unusable(path: string, reason: string): PublisherError {
  return new PublisherError('config.invalid', `token_file ${path} ${reason}`, {
    remedy:
      'Let token_file name a file in a directory that this program may write to. Delete a damaged file and log in anew: harvest-kafka login.',
  });
}

/** Whether both are the same token, or neither is one. */
export function isSame(one: Secret | null, other: Secret | null): boolean {
  return one?.reveal() === other?.reveal();
}

function fingerprint(token: Secret): string {
  return createHash('sha256').update(token.reveal()).digest('hex');
}
