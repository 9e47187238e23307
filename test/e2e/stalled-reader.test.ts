// A reader of the log that hangs, as a log driver may: the pipe is full, and nobody empties it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../lab/stack/ports.ts';
import { until } from '../support/publisher.ts';
import { temporaryFolder } from '../support/stack.ts';

const MAIN = new URL('../../dist/src/main.js', import.meta.url).pathname;

/** A pipe whose both ends are ours, so that it can be filled from outside; opened twice, because a child changes its end. */
async function pipe(): Promise<{ readonly into: number; readonly out: number }> {
  const path = join(await temporaryFolder(), 'log');
  execFileSync('mkfifo', [path]);
  const open = () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { into: open(), out: open() };
}

/** Writes until there is no room for another byte. */
function fill(fd: number): void {
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(fd, ' '.repeat(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(65_536);
  let text = '';
  try {
    for (;;) text += buffer.toString('utf8', 0, readSync(fd, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
  return text;
}

/** `run` with a registry that nobody serves: it waits, and says so line by line. */
async function waitingDaemon(stdout: number) {
  const [port, nobody] = [await freePort(), await freePort()];
  const sets = [`http.listen=127.0.0.1:${port}`].flatMap((set) => ['--set', set]);
  const child = spawn(process.execPath, [MAIN, 'run', ...sets], {
    stdio: ['ignore', stdout, 'pipe'],
    env: {
      ...{ PATH: process.env.PATH ?? '', HARVEST_ACCOUNT_ID: '1', HARVEST_ACCESS_TOKEN: 'simulated-token' },
      ...{ HARVEST_BASE_URL: `http://127.0.0.1:${nobody}/v2`, KAFKA_BROKERS: `127.0.0.1:${nobody}` },
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${nobody}`,
    },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const live = () =>
    fetch(`http://127.0.0.1:${port}/health/live`, { signal: AbortSignal.timeout(3_000) }).then(
      ({ status }) => status,
      () => null,
    );
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:{[^}]*})? (.+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  return { child, ended: once(child, 'exit'), live, metric };
}

test('a stalled reader of the log stops nothing: the daemon goes on, answers, and ends on SIGTERM [P9]', async () => {
  const { into } = await pipe();
  const { child, ended, live, metric } = await waitingDaemon(into);
  await until('it answers', async () => (await live()) === 200);
  fill(into);
  const before = await metric('harvest_kafka_waits_total');
  await until('it has more to say', async () => (await metric('harvest_kafka_waits_total')) > before);
  expect(await live()).toBe(200);
  const told = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toEqual([143, null]);
  expect(performance.now() - told).toBeLessThan(10_000);
}, 60_000);

test('a reader of the log that goes on gets the lines that waited for it', async () => {
  const { into, out } = await pipe();
  const { child, ended, live, metric } = await waitingDaemon(into);
  await until('it answers', async () => (await live()) === 200);
  fill(into);
  const before = await metric('harvest_kafka_waits_total');
  await until('it has more to say', async () => (await metric('harvest_kafka_waits_total')) > before);
  readAll(out);
  let text = '';
  await until('what was said meanwhile arrives', () => {
    text += readAll(out);
    return /"event":"account.waiting"/.test(text);
  });
  child.kill('SIGTERM');
  expect(await ended).toEqual([143, null]);
  expect(readAll(out)).toMatch(/"event":"process.stopping"/);
}, 60_000);
