// Reads the accounts again while the daemon of a group runs: when the bytes of their file have changed, and on SIGHUP.
import { repeat } from '../base/clock.ts';
import { asPublisherError } from '../base/errors.ts';
import { readOrdinaryFile } from '../config/files.ts';
import type { AccountConfig, Config } from '../config/options.ts';
import { clock } from './context.ts';

const LOOK_MS = 5_000;

/** Calls back with accounts that may be others, or why they could not be read; the returned function ends the watch. */
export function watchAccounts(
  config: Config,
  reread: () => Config,
  onAccounts: (accounts: readonly AccountConfig[]) => void,
  onFailure: (reason: string) => void,
): () => void {
  const { accounts_file: file } = config.harvest;
  let known = bytesOf(file);
  const read = () => {
    try {
      onAccounts(reread().harvest.accounts);
    } catch (thrown) {
      onFailure(asPublisherError(thrown).message);
    }
  };
  const end = repeat(clock, LOOK_MS, () => {
    const now = bytesOf(file);
    // One that is being replaced is not there for a moment.
    if (now === null || now === known) return;
    known = now;
    read();
  });
  process.on('SIGHUP', read);
  return () => {
    end();
    process.off('SIGHUP', read);
  };
}

function bytesOf(file: string | undefined): string | null {
  try {
    return file === undefined ? null : readOrdinaryFile(file).toString('base64');
  } catch {
    return null;
  }
}
