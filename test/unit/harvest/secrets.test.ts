// Promise P10 at this room's border: a server that throws back everything it was sent gets none of it into our words.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { clientOf, failureOf, page, type Script, scripted, TOKEN } from './scripted-harvest.ts';

const CLIENT_SECRET = 'canary-client-secret';
const REFRESH = 'canary-refresh-token';
const CANARIES = [TOKEN, CLIENT_SECRET, REFRESH];

/** Status, headers and body repeat the request, as the error pages of some proxies do. */
const echo =
  (status: number): Script =>
  (response, { headers, body }) => {
    const said = `${headers.authorization} ${body}`;
    response.writeHead(status, { hint: said, 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ message: said, error: said, error_description: said, clients: said, links: { next: said } }),
    );
  };

test.each([200, 302, 400, 401, 403, 404, 422, 429, 500])(
  'status %i that repeats the request betrays no token [P10]',
  async (status) => {
    const server = await scripted(echo(status));
    for (const credential of [
      { accessToken: new Secret(TOKEN) },
      {
        oauth: {
          clientId: 'id',
          clientSecret: new Secret(CLIENT_SECRET),
          refreshToken: new Secret(REFRESH),
          tokenFile: null,
        },
      },
    ]) {
      const stop = new AbortController();
      const { source, events, clock } = clientOf(server, { credential });
      // A throttled request is repeated for ever; enough of it is enough.
      const asked = failureOf(source.fetchPage(page('clients'), stop.signal));
      if (status === 429) setTimeout(() => stop.abort(new Error('enough')), 50);
      const failure = await asked;
      const words =
        inspect([failure, events, source, clock], { depth: 10, showHidden: true }) + JSON.stringify([failure, events]);
      for (const canary of CANARIES) expect(words).not.toContain(canary);
    }
    expect(
      server.seen.some(({ headers, body }) =>
        CANARIES.some((each) => `${headers.authorization}${body}`.includes(each)),
      ),
    ).toBe(true);
  },
);
