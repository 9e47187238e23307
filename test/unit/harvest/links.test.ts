// Next links are the server's words: whatever they say, only the configured host is ever asked (promise P6), and no page
// is its own successor.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiBase, followable, sameRequest } from '../../../src/harvest/links.ts';
import { streamNamed } from '../../support/codec.ts';
import { runs } from '../../support/runs.ts';

const base = apiBase('https://api.harvestapp.com/v2');
const asked = new URL('https://api.harvestapp.com/v2/clients?per_page=2000');
const bases = { base, publicBase: base };
const follow = (link: string) => followable(bases, link, asked, streamNamed('clients'));

const ours = fc.constantFrom(
  'https://api.harvestapp.com',
  'HTTPS://API.HARVESTAPP.COM:443',
  '//api.harvestapp.com',
  '',
);
const elsewhere = fc.constantFrom(
  'http://api.harvestapp.com',
  'https://api.harvestapp.com:8443',
  'https://api.harvestapp.com.example.net',
  'https://api.harvestapp.com@example.net',
  'https://someone:word@api.harvestapp.com',
  'https://example.net#@api.harvestapp.com',
  'https:\\\\example.net\\',
  '\\\\example.net',
  '//example.net',
  '/\t/example.net',
  'ht\ntps://example.net',
  'https://xn--api-harvestapp-com.example',
  'blob:https://api.harvestapp.com',
  'ftp://api.harvestapp.com',
  'javascript://api.harvestapp.com',
  'data:text/plain,',
  'file://api.harvestapp.com',
);
const paths = fc.webPath().chain((path) => fc.webQueryParameters().map((query) => `/v2/clients${path}?${query}`));

describe('a next link', () => {
  test('of any text leads to the configured host or nowhere', () => {
    const anyLink = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.tuple(fc.oneof(ours, elsewhere), paths).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anyLink, (link) => {
        let url: URL;
        try {
          url = follow(link);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'harvest.foreign_link', stream: 'clients' });
          return;
        }
        expect([url.protocol, url.host, url.username, url.password]).toEqual(['https:', base.host, '', '']);
      }),
      runs(2_000),
    );
  });

  test('that leads elsewhere is refused, however it is spelt', () => {
    fc.assert(
      fc.property(elsewhere, paths, (host, path) => {
        expect(() => follow(host + path)).toThrow(expect.objectContaining({ code: 'harvest.foreign_link' }));
      }),
      runs(500),
    );
  });

  test('of the configured host is followed, path and query as they are', () => {
    fc.assert(
      fc.property(ours, paths, (host, path) => {
        expect(follow(host + path).href).toBe(new URL(path, base).href);
      }),
      runs(500),
    );
  });

  test('that names Harvest itself, behind a gateway, is asked for below the gateway by path and query, and nowhere else [P6]', () => {
    const gateways = fc.constantFrom(
      ...['http://gateway.test/harvest/v2', 'https://gateway.test:8443/v2', 'http://gateway.test/a/b/api/v2'].map(
        (address) => apiBase(address),
      ),
    );
    const spelt = fc.constantFrom('https://api.harvestapp.com', 'http://api.harvestapp.com', '//api.harvestapp.com');
    const prefixes = fc.constantFrom('/v2', '/api/v2');
    const rests = fc.webPath().chain((path) => fc.webQueryParameters().map((query) => `/clients${path}?${query}`));
    fc.assert(
      fc.property(gateways, spelt, prefixes, rests, (gateway, host, prefix, tail) => {
        const behind = { base: gateway, publicBase: base };
        const first = new URL(`${gateway.href}/clients`);
        const { origin, pathname, search } = followable(behind, host + prefix + tail, first, streamNamed('clients'));
        const { pathname: path, search: query } = new URL(tail, 'http://x');
        expect([origin, pathname, search]).toEqual([gateway.origin, `${gateway.pathname}${path}`, query]);
      }),
      runs(500),
    );
  });

  test('that leads neither below the gateway nor below what the gateway stands for is refused [P6]', () => {
    const behind = { base: apiBase('http://gateway.test/harvest/v2'), publicBase: base };
    const first = new URL('http://gateway.test/harvest/v2/clients');
    fc.assert(
      fc.property(
        elsewhere.filter((host) => !['http://api.harvestapp.com'].includes(host)),
        paths,
        (host, path) => {
          expect(() => followable(behind, host + path, first, streamNamed('clients'))).toThrow(
            expect.objectContaining({ code: 'harvest.foreign_link' }),
          );
        },
      ),
      runs(500),
    );
    for (const path of [
      '/',
      '/v3/clients',
      '/v2x/clients',
      '/v2/../oauth',
      '/v2/%2e%2e/oauth',
      '/harvest/v2/clients',
    ]) {
      expect(() => followable(behind, `https://api.harvestapp.com${path}`, first, streamNamed('clients'))).toThrow(
        expect.objectContaining({ code: 'harvest.foreign_link' }),
      );
    }
  });

  test('that the gateway has written for itself is followed as it is', () => {
    const gateway = 'http://gateway.test/harvest/v2';
    const behind = { base: apiBase(gateway), publicBase: base };
    for (const link of [`${gateway}/clients?cursor=x`, 'http://gateway.test/harvest/api/v2/clients?cursor=x']) {
      expect(followable(behind, link, new URL(`${gateway}/clients`), streamNamed('clients')).href).toBe(link);
    }
  });

  test('to the page itself is known as that in any order and with either prefix, and no other page is', () => {
    const parameters = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string()), {
      selector: ([name]) => name,
      maxLength: 6,
    });
    fc.assert(
      fc.property(parameters, fc.boolean(), (pairs, renamed) => {
        const page = (prefix: string, query: readonly string[][]) =>
          `https://api.harvestapp.com${prefix}/clients?${new URLSearchParams(query.map(([name, value]): [string, string] => [name!, value!]))}`;
        const known = pairs.filter(([name]) => name !== 'ref' && name !== 'page');
        const back = page(renamed ? '/api/v2' : '/v2', [...known.toReversed(), ['ref', 'next'], ['page', '1']]);
        expect(sameRequest(page('/v2', known), back)).toBe(true);
        expect(sameRequest(page('/v2', known), page('/v2', [...known, ['page', '2']]))).toBe(false);
        expect(sameRequest(page('/v2', known), page('/v2', [...known, ['cursor', 'x']]))).toBe(false);
      }),
      runs(500),
    );
  });
});
