import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { AccountStatus, StallStatus } from '../../../src/engine/status.ts';
import { HISTORY_STEP_MS } from '../../../src/observe/history.ts';
import { type HttpOptions, type HttpServer, openHttp } from '../../../src/observe/http.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { clockFrom } from '../../support/epoch.ts';
import { account, firstScan, NOW, stream } from '../../support/status.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const doors: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.close()));
});

async function open(accounts: readonly AccountStatus[], rest: Partial<HttpOptions> = {}): Promise<string> {
  const options: HttpOptions = {
    listen: { host: '127.0.0.1', port: 0 },
    allowedHosts: [],
    version: '1.2.3',
    clock: clockFrom(),
    metrics: createMetrics('1.2.3', () => accounts, { now: () => NOW }),
    accounts: () => accounts,
    dead: () => [],
    ...rest,
  };
  const door = await openHttp(options);
  doors.push(door);
  return door.address;
}

const WELL = [account([stream('clients')])];

describe('the HTTP server', () => {
  it('says alive until a defect has ended an account', async () => {
    const dead: string[] = [];
    const address = await open(WELL, { dead: () => dead });
    expect((await fetch(`${address}/health/live`)).status).toBe(200);
    dead.push('1234567');
    const answer = await fetch(`${address}/health/live`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ alive: false, dead: ['1234567'], stalls: [] });
  });

  it('says alive until a loop stands still, and again when it moves [P9]', async () => {
    const stalls: StallStatus[] = [];
    const address = await open([account([stream('clients')], { stalls })]);
    expect((await fetch(`${address}/health/live`)).status).toBe(200);
    stalls.push({ loop: 'budget_general', waiting: 'requests wait for the general budget: 85', seconds: 60 });
    const answer = await fetch(`${address}/health/live`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ alive: false, dead: [], stalls: [{ account: '1234567', ...stalls[0] }] });
    stalls.pop();
    expect((await fetch(`${address}/health/live`)).status).toBe(200);
  });

  it('says alive while accounts are refused or wait for others: no restart mends that', async () => {
    const address = await open([
      account([stream('clients')]),
      account([], { accountId: '2', phase: 'stopped', reason: '401' }),
      account([], { accountId: '3', phase: 'waiting', reason: 'no broker' }),
    ]);
    expect((await fetch(`${address}/health/live`)).status).toBe(200);
    expect((await fetch(`${address}/health/ready`)).status).toBe(503);
  });

  it('says ready, or why not [P9]', async () => {
    expect((await fetch(`${await open(WELL)}/health/ready`)).status).toBe(200);
    const address = await open([account([stream('clients', firstScan(1, 2))])]);
    const answer = await fetch(`${address}/health/ready`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ ready: false, reasons: [{ stream: 'clients', state: 'INCOMPLETE' }] });
  });

  it('serves metrics, status and the page, and caches nothing', async () => {
    const address = await open(WELL);
    const [metrics, status, page] = await Promise.all(
      ['/metrics', '/status', '/?x=1'].map((path) => fetch(address + path)),
    );
    expect(metrics!.headers.get('content-type')).toContain('text/plain');
    expect(await metrics!.text()).toContain('harvest_kafka_stream_rows{account="1234567",stream="clients"} 1234');
    expect(await status!.json()).toMatchObject({ version: '1.2.3', accounts: [{ accountId: '1234567' }] });
    expect(await page!.text()).toContain('Account 1234567');
    for (const answer of [metrics, status, page]) {
      expect(answer!.headers.get('cache-control')).toBe('no-store');
      expect(answer!.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('answers HEAD like GET without a body, and other methods with 405', async () => {
    const address = await open(WELL);
    const head = await fetch(`${address}/status`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
    const post = await fetch(`${address}/status`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${address}/favicon.ico`)).status).toBe(404);
    expect((await fetch(`${address}/__proto__`)).status).toBe(404);
  });

  it('keeps a failure of the view to itself', async () => {
    const accounts = () => {
      throw new Error('secret detail');
    };
    const answer = await fetch(`${await open([], { accounts })}/status`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
  });

  it('goes on when the status cannot be read at the moment at which the last hour is noted', async () => {
    let fails = true;
    const clock = new VirtualClock(NOW);
    const accounts = () => {
      if (fails) throw new Error('secret detail');
      return WELL;
    };
    const address = await open([], { accounts, clock });
    await clock.pass(10 * HISTORY_STEP_MS);
    fails = false;
    await clock.pass(10 * HISTORY_STEP_MS);
    expect(await (await fetch(address)).text()).toContain('general budget over the last hour: now 12 %');
  });

  it('names the address that is taken', async () => {
    const port = Number(new URL(await open(WELL)).port);
    await expect(open(WELL, { listen: { host: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'http.listen',
      message: `http.listen 127.0.0.1:${port} cannot be taken: the port is in use`,
    });
    await expect(open(WELL, { listen: { host: 'no.such.host.invalid', port: 1 } })).rejects.toMatchObject({
      code: 'http.listen',
    });
  });

  it('closes although a client keeps its connection open', async () => {
    const { hostname, port } = new URL(await open(WELL));
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await doors.pop()!.close();
    await closed;
  });

  it.each([
    ['127.0.0.1:8080', 200],
    ['[::1]:8080', 200],
    ['10.1.2.3', 200],
    ['localhost:8080', 200],
    ['publisher:8080', 200],
    ['harvest.example.com', 200],
    ['HARVEST.EXAMPLE.COM:443', 200],
    ['foreign.example.com', 421],
    ['example.com', 421],
    ['127.0.0.1.foreign.example:8080', 421],
    ['not a host', 421],
  ])('answers a browser that was led here as %s with %d [P10]', async (host, status) => {
    const { port } = new URL(await open(WELL, { allowedHosts: ['harvest.example.com'] }));
    for (const path of ['/', '/status', '/metrics', '/health/ready', '/events']) {
      const request = get({ host: '127.0.0.1', port, path, agent: false, headers: { host } });
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      expect([path, answer.statusCode]).toEqual([path, status]);
      if (status === 421) expect(await text(answer)).toContain('http.allowed_hosts');
      request.destroy();
    }
  });
});
