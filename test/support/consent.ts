// A person in front of Harvest ID's authorisation page, without a browser.
import { expect } from 'vitest';

/** A person reads the page and clicks; resolves to where Harvest ID sends the browser. */
export async function decide(address: string, decision: 'authorize' | 'deny'): Promise<string> {
  const page = await (await fetch(address)).text();
  expect(page).toMatch(/Authorize \S+\?/);
  const fields = [...page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)];
  const body = new URLSearchParams(
    fields.map(([, name, value]): [string, string] => [name!, value!.replaceAll('&#38;', '&')]),
  );
  body.set('decision', decision);
  const answer = await fetch(new URL('/oauth2/authorize', address), { method: 'POST', body, redirect: 'manual' });
  expect(answer.status).toBe(302);
  return answer.headers.get('location')!;
}
