// A real Chromium without a window, for tests of the status page. One for all tests of a file.
import { type Browser, chromium } from 'playwright-core';
import { afterAll } from 'vitest';
import { placeOf } from './programs.ts';

/** Closed after the last test. Names of `elsewhere` lead to this machine, as an attacker's might. */
export function browserOf(elsewhere: readonly string[] = []): () => Promise<Browser> {
  let browser: Promise<Browser> | null = null;
  afterAll(async () => (await browser)?.close());
  const rules = elsewhere.map((name) => `MAP ${name} 127.0.0.1`).join(', ');
  return () => {
    browser ??= chromium.launch({
      executablePath: placeOf('chromium')!,
      args: rules === '' ? [] : [`--host-resolver-rules=${rules}`],
    });
    return browser;
  };
}
