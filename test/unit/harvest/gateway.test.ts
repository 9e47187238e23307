// Behind a gateway that leaves Harvest's own address in the links: everything is read through the gateway, the token stays there.
import { expect, test } from 'vitest';
import type { Simulator } from '../../../lab/simulator/index.ts';
import type { Transport } from '../../../src/harvest/transport.ts';
import { account, benchAccount, inProcess, named, viewDifferences } from '../../support/account.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { clientOf, failureOf, json, page, scripted } from './scripted-harvest.ts';

const GATEWAY = 'http://gateway.test/harvest/v2';
const STREAMS = ['company', 'clients', 'time_entries'];

/** The simulator behind a gateway of its own address; whatever is asked elsewhere is a failure. */
function behindGateway(simulator: Simulator, publicUrl: string): { transport: Transport; asked: string[] } {
  const asked: string[] = [];
  const honest = inProcess(simulator);
  const transport: Transport = (request, signal) => {
    asked.push(request.url);
    if (!request.url.startsWith(GATEWAY)) return Promise.reject(new Error(`nobody answers at ${request.url}`));
    return honest({ ...request, url: request.url.replace(GATEWAY, publicUrl) }, signal);
  };
  return { transport, asked };
}

test.each([
  ["Harvest's own address, which needs no configuration", 'https://api.harvestapp.com/v2', undefined],
  ['the older prefix of it', 'https://api.harvestapp.com/api/v2', undefined],
  ['http in place of https', 'http://api.harvestapp.com/v2', undefined],
  ['the address that harvest.public_url names', 'https://harvest.example.com/v2', 'https://harvest.example.com/v2'],
])(
  'lists of several pages whose links name %s are read whole, and only the gateway is asked',
  async (_, links, publicUrl) => {
    const { simulator } = account();
    const { transport, asked } = behindGateway(simulator, links);
    const log = new MemoryLog();
    const bench = benchAccount(simulator, log, {
      streams: STREAMS,
      source: { baseUrl: GATEWAY, transport, pageRows: 100, ...(publicUrl && { publicUrl }) },
    });
    await bench.catchUp();
    expect(named(bench.events, 'stream.changed')).toEqual([]);
    expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(GATEWAY))).toEqual([]);
    expect(asked.some((url) => /[?&](page=2|cursor=)/.test(url))).toBe(true);
  },
);

test('a link that is not followed is not judged: a short list is read and counted whatever its count leads to', async () => {
  const { simulator } = account();
  const { transport } = behindGateway(simulator, 'https://elsewhere.example/v2');
  const log = new MemoryLog();
  const bench = benchAccount(simulator, log, { streams: STREAMS, source: { baseUrl: GATEWAY, transport } });
  await bench.catchUp();
  expect(named(bench.events, 'stream.changed')).toEqual([]);
  expect(named(bench.events, 'request.finished').filter(({ purpose }) => purpose === 'count').length).toBeGreaterThan(
    0,
  );
  expect(await viewDifferences(simulator, log, STREAMS)).toEqual([]);
});

test('a link that leads neither to the gateway nor to what it stands for is refused, and that host hears nothing [P6]', async () => {
  const foreign = await scripted((response) => json(response, { clients: [], links: {} }));
  const server = await scripted((response) =>
    json(response, { clients: [], links: { next: `${foreign.url}/v2/clients?cursor=x` } }),
  );
  const { source } = clientOf(server, { baseUrl: `${server.url}/harvest/v2` });
  expect(await failureOf(source.fetchPage(page('clients'), new AbortController().signal))).toMatchObject({
    code: 'harvest.foreign_link',
  });
  expect(foreign.seen).toEqual([]);
});
