// A connection that has nothing to say lets the process sleep: kafkajs would wake it a thousand times a second.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import '../../../src/kafka/connection.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** As much of kafkajs' queue as is used here. */
interface Queue {
  push(request: { entry: object; expectResponse: boolean; sendRequest: () => void }): void;
  fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
  maybeThrottle(ms: number): void;
  scheduleRequestTimeoutCheck(): void;
}

const QueueOf = RequestQueue as unknown as new (options: object) => Queue;
const nothing = () => {};
const silentLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** kafkajs' queue of one connection, and what went out of it by correlation id. */
function openQueue(maxInFlightRequests: number | null = null, enforceRequestTimeout = false) {
  const sent: number[] = [];
  const queue = new QueueOf({
    maxInFlightRequests,
    requestTimeout: 30_000,
    enforceRequestTimeout,
    clientId: 'c',
    broker: 'b:1',
    logger: silentLog,
  });
  const failed: string[] = [];
  const push = (correlationId: number) => {
    const reject = (error: Error) => failed.push(error.message);
    const entry = { apiKey: 0, apiName: 'x', apiVersion: 0, correlationId, resolve: nothing, reject };
    queue.push({ entry, expectResponse: true, sendRequest: () => void sent.push(correlationId) });
  };
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: Buffer.alloc(0), size: 0 });
  return { queue, push, answer, sent, failed };
}

test('once the last answer is there, nothing wakes the process again', async () => {
  const { push, answer, sent } = openQueue();
  push(1);
  answer(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that a broker has asked to hold back is sent when its pause is over, and then all is silent', async () => {
  const { queue, push, answer, sent } = openQueue();
  push(1);
  queue.maybeThrottle(5_000);
  answer(1);
  push(2);
  await vi.advanceTimersByTimeAsync(4_900);
  expect(sent).toEqual([1]);
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toEqual([1, 2]);
  answer(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that waits for its place is sent with the answer that makes it', () => {
  const { push, answer, sent } = openQueue(1);
  push(1);
  push(2);
  expect(sent).toEqual([1]);
  answer(1);
  expect(sent).toEqual([1, 2]);
});

test('a request that nobody answers is given up after its time, and nothing wakes the process once none is under way', async () => {
  const { queue, push, answer, failed } = openQueue(null, true);
  queue.scheduleRequestTimeoutCheck();
  expect(vi.getTimerCount()).toBe(0);
  push(1);
  await vi.advanceTimersByTimeAsync(29_000);
  push(2);
  expect(failed).toEqual([]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(failed).toEqual(['Request x(key: 0, version: 0) timed out']);
  answer(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(vi.getTimerCount()).toBe(0);
});
