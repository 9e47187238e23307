// The status page in a real Chromium: live, honest when it is cut off, usable by everybody, on a desk, on a phone and at night.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccountStatus } from '../../../src/engine/status.ts';
import { FRAME_MS } from '../../../src/observe/viewers.ts';
import { browserOf } from '../../support/browser.ts';
import { openServer } from '../../support/http-server.ts';
import { PAGE_STATES } from '../../support/page-states.ts';
import { HANGS_MS, until } from '../../support/patience.ts';
import { has } from '../../support/programs.ts';
import { account, NOW, stream } from '../../support/status.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const LOOKS = {
  wide: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
} as const;

/** A folder for pictures of every state in every look, for people; none are made without it. */
const PICTURES = process.env.TEST_PICTURES;

const CUT_OFF = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const browser = browserOf(['foreign.example']);

async function pageAt(address: string): Promise<Page> {
  const context = await (await browser()).newContext({
    ...LOOKS.wide,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(HANGS_MS);
  await page.goto(address);
  return page;
}

/** Names of the rules of WCAG 2.2 AA and of good practice that the page breaks, with the place. */
async function broken(page: Page): Promise<string[]> {
  // Past the page's own policy, which lets no foreign script in.
  return page.evaluate(`(async () => {
    const module = { exports: {} };
    (function () { ${AXE} }).call(window);
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary));
  })()`) as Promise<string[]>;
}

describe.skipIf(!has('chromium'))('the page in a browser', () => {
  test.each(Object.keys(PAGE_STATES))(
    '%s: breaks no rule of accessibility in any look, and nothing is cut off at the side',
    async (state) => {
      const clock = new VirtualClock(NOW - 3_600_000);
      let minutes = 0;
      const { address } = await openServer(() => busyHour(PAGE_STATES[state]!, minutes), { clock });
      for (; minutes < 60; minutes += 0.5) await clock.pass(30_000);
      const page = await pageAt(address);
      for (const [look, { viewport, colorScheme }] of Object.entries(LOOKS)) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        expect(await broken(page), look).toEqual([]);
        expect(await page.evaluate(CUT_OFF), look).toBe(0);
        if (PICTURES) await page.screenshot({ path: `${PICTURES}/${state}-${look}.png`, fullPage: true });
      }
    },
  );

  test('is judged by a checker that sees what is wrong', async () => {
    const page = await pageAt((await openServer(() => PAGE_STATES.away!)).address);
    // Beside the part that is sent anew: what is put into that may be gone before it is looked at.
    const wrong = '<aside aria-label="wrong"><button></button><img src="data:,"></aside>';
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '${wrong}')`);
    expect((await broken(page)).map((line) => line.split(':')[0])).toEqual(['button-name', 'image-alt']);
  });

  test('changes while it is looked at, without being loaded again, and leaves alone what a person does there', async () => {
    let accounts = PAGE_STATES.troubled!;
    const clock = new VirtualClock(NOW);
    const { address } = await openServer(() => accounts, { clock });
    const page = await pageAt(address);
    await page.evaluate('window.loadedOnce = true');
    await page.getByText('2 streams stand still with it').click();
    await page.evaluate(`getSelection().selectAllChildren(document.querySelector('.command code'))`);
    const selected = await page.evaluate('String(getSelection())');
    accounts = accounts.map((each) => ({
      ...each,
      streams: each.streams.map((row) => (row.stream === 'roles' ? { ...row, rows: 4_711 } : row)),
    }));
    await until('the new count', async () => {
      await clock.pass(FRAME_MS);
      return (await page.locator('main').innerText()).includes('4\u202f711');
    });
    expect(await page.evaluate('window.loadedOnce')).toBe(true);
    expect(await page.getByText('invoice_messages, invoice_payments').isVisible()).toBe(true);
    expect(selected).toMatch(/^harvest-kafka /);
    expect(await page.evaluate('String(getSelection())')).toBe(selected);
  });

  test('says at once that its connection is lost, calls nothing well until it is back, and comes back by itself [P9]', async () => {
    const accounts = [account([stream('clients'), stream('users')])];
    const first = await openServer(() => accounts);
    const page = await pageAt(first.address);
    expect(await page.title()).toBe('ready · harvest-kafka');
    await first.close();
    await page.getByRole('alert').waitFor();
    expect(await page.title()).toBe('connection lost · harvest-kafka');
    expect(new Set(await page.locator('.badge').allInnerTexts())).toEqual(new Set(['unknown']));
    await openServer(() => accounts, { listen: { host: '127.0.0.1', port: Number(new URL(first.address).port) } });
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    expect(await page.title()).toBe('ready · harvest-kafka');
    expect(await page.locator('.badge').allInnerTexts()).toEqual(['ready', 'running', 'in step', 'in step']);
  });

  test('says so too when the connection stands and nothing comes any more [P9]', async () => {
    const { address } = await openServer(() => [account([stream('clients')])]);
    const between = await relay(Number(new URL(address).port));
    const page = await pageAt(between.address);
    await page.getByText('in step', { exact: true }).waitFor();
    between.freeze();
    await page.getByRole('alert').waitFor();
    expect(await page.title()).toBe('connection lost · harvest-kafka');
    expect(await page.locator('.badge.good').count()).toBe(0);
  });

  test('copies the command that helps', async () => {
    const { address } = await openServer(() => PAGE_STATES.troubled!);
    const page = await pageAt(address);
    await page.getByRole('button', { name: 'copy harvest-kafka release clients --account 1234567' }).click();
    const copied = () => page.evaluate('navigator.clipboard.readText()');
    await expect.poll(copied).toBe('harvest-kafka release clients --account 1234567');
  });

  test('shows nothing to a site that gave its own name our address (DNS rebinding) [P10]', async () => {
    const { address } = await openServer(() => PAGE_STATES.well!);
    const page = await pageAt(address.replace('127.0.0.1', 'foreign.example'));
    expect(await page.locator('body').innerText()).toContain('http.allowed_hosts');
    expect(await page.locator('body').innerText()).not.toContain('1234567');
  });
});

/** The same accounts with budgets that rise and fall in the course of an hour, and a lag that grew for a while. */
function busyHour(accounts: readonly AccountStatus[], minutes: number): AccountStatus[] {
  const wave = (Math.sin(minutes / 4) + 1) / 2;
  if (minutes >= 60) return [...accounts];
  return accounts.map((each) => ({
    ...each,
    budgets: each.budgets.map((row) => ({
      ...row,
      used: Math.round(row.requests * (row.name === 'general' ? wave : 0.4)),
    })),
    streams: each.streams.map((row) => ({
      ...row,
      lagSeconds: row.lagSeconds === null ? null : row.lagSeconds * (1 + (minutes % 20) / 10),
    })),
  }));
}

/** Passes on what is said between browser and server, until it goes silent with all its connections open. */
async function relay(port: number): Promise<{ readonly address: string; freeze(): void }> {
  let frozen = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => {});
    if (frozen) return;
    const far = connect(port, '127.0.0.1').on('error', () => {});
    sockets.add(far);
    near.on('data', (piece) => frozen || far.write(piece)).on('close', () => far.destroy());
    far.on('data', (piece) => frozen || near.write(piece)).on('close', () => frozen || near.destroy());
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      frozen = true;
    },
  };
}
