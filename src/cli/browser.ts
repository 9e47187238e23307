// Opens an address in the person's browser, where there is one.
import { spawn } from 'node:child_process';

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  // Takes the address as it is; `start` would read its ampersands.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Tries, and lets it be: the address is printed as well. */
export function openBrowser(address: string): void {
  const [command, ...words] = OPENERS[process.platform] ?? ['xdg-open'];
  const opener = spawn(command, [...words, address], { detached: true, stdio: 'ignore' });
  // There is none here.
  opener.on('error', () => {});
  opener.unref();
}
