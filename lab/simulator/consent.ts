// The authorisation page of the id host: a person says yes or no, and the browser is sent back with a code (HARVEST-API,
// Authentication).
import { type Call, htmlPage, type Reply } from './answer.ts';
import type { Tokens } from './auth.ts';
import { readFields } from './body.ts';
import type { Account } from './model/account.ts';

/** `GET /oauth2/authorize` shows the page, `POST` is its answer: `decision` is `authorize` or anything else for no. */
export function consent(call: Call, tokens: Tokens, account: Account): Reply {
  const asked = call.method === 'POST' ? readFields(call) : Object.fromEntries(call.query);
  const { client_id = '', redirect_uri = '', response_type, state } = asked as Record<string, string | undefined>;
  if (!tokens.knows(client_id, redirect_uri) || response_type !== 'code') {
    return { status: 400, body: htmlPage(400, 'The client or its redirect address is not known') };
  }
  if (call.method === 'GET') return { status: 200, body: page(account, asked as Record<string, string>) };
  const isAllowed = asked.decision === 'authorize';
  const told = isAllowed
    ? { code: tokens.newCode(redirect_uri), scope: `harvest:${account.id}` }
    : { error: 'access_denied' };
  const url = new URL(redirect_uri);
  for (const [name, value] of Object.entries({ ...told, ...(state === undefined ? {} : { state }) })) {
    url.searchParams.set(name, value);
  }
  return { status: 302, body: '', headers: { location: url.href } };
}

function page({ id, company }: Account, asked: Readonly<Record<string, string>>): string {
  const kept = Object.entries(asked).map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  );
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Authorize</title></head>
<body><h1>Authorize ${escaped(asked.client_id ?? '')}?</h1>
<p>It wants to read ${escaped(company.name)} (account ${id}).</p>
<form method="post" action="/oauth2/authorize">${kept.join('')}
<button name="decision" value="authorize">Authorize</button> <button name="decision" value="deny">Deny</button>
</form></body></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
