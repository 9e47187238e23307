import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { brokerError, isFencing, isLasting, translate } from '../../../src/kafka/failures.ts';

const errors = createRequire(import.meta.url)('kafkajs/src/errors.js');
const place = { brokers: 'b:9092', prefix: 'harvest', transactionalId: 'harvest-1' };
const wrapped = (cause: Error) => new errors.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 5, retryTime: 300 });

test.each([
  [29, 'kafka.unauthorised', '--topic harvest. --resource-pattern-type prefixed'],
  [53, 'kafka.unauthorised', '--transactional-id harvest-1'],
  [31, 'kafka.unauthorised', '--cluster'],
])('error %i says which right is missing', (code, ours, remedy) => {
  const error = translate(wrapped(brokerError(code, 't', 0)), 'testing', place);
  expect(error.code).toBe(ours);
  expect(error.remedy).toContain(remedy);
});

test.each([
  [
    'a refused connection',
    new errors.KafkaJSConnectionError('Connection error: x', { code: 'ECONNREFUSED' }),
    'kafka.unavailable',
  ],
  [
    'a closed connection',
    new errors.KafkaJSConnectionClosedError('Closed connection', { host: 'h', port: 1 }),
    'kafka.unavailable',
  ],
  [
    'a connection that was closed at once',
    new errors.KafkaJSConnectionError('Connection error: closed before the first answer', {}),
    'kafka.unavailable',
  ],
  ['a plain error of kafkajs', new Error('Broker not connected'), 'kafka.unavailable'],
  [
    'a wrong password',
    new errors.KafkaJSSASLAuthenticationError('SASL PLAIN authentication failed'),
    'kafka.unauthorised',
  ],
  [
    'an unknown certificate',
    new errors.KafkaJSConnectionError('Connection error: self-signed certificate', {
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    }),
    'kafka.unauthorised',
  ],
  ['a record that is too large', brokerError(10, 't', 0), 'kafka.record_too_large'],
  ['a clock that is ahead of the broker', brokerError(32, 't', 0), 'kafka.clock_ahead'],
  ['a deleted topic', brokerError(3, 't', 0), 'kafka.doubt'],
  ['a defect of kafkajs', new TypeError('x is not a function'), 'kafka.doubt'],
])('%s is %s', (_, error, code) => {
  const translated = translate(wrapped(error), 'testing', place);
  expect(translated.code).toBe(code);
  expect(translated.message).toContain('while testing, brokers b:9092');
});

test('a broker whose disk is full or broken is told as that, with what to do [P9]', () => {
  const error = translate(wrapped(brokerError(56, 't', 0)), 'testing', place);
  expect(error).toMatchObject({ code: 'kafka.unavailable', kind: 'reopen' });
  expect(error.remedy).toMatch(/b:9092 cannot write to its disk: make room/);
});

test('only an epoch that is out of date is fencing [P5]', () => {
  expect(isFencing(wrapped(brokerError(47, 't', 0)))).toBe(true);
  expect(isFencing(wrapped(brokerError(90, 't', 0)))).toBe(true);
  expect(isFencing(wrapped(brokerError(45, 't', 0)))).toBe(false);
  expect(isFencing(wrapped(brokerError(120, 't', 0)))).toBe(false);
});

test('missing rights last, a moving leader does not', () => {
  expect(isLasting(brokerError(29, 't', 0))).toBe(true);
  expect(isLasting(brokerError(6, 't', 0))).toBe(false);
});

test.each([
  [
    'ENOTFOUND',
    /^A broker of b:9092 answered .* kafka-0\.headless:9092 .*cannot be resolved.* make kafka-0\.headless resolve/,
  ],
  ['EAI_AGAIN', /a name that cannot be resolved from here/],
  ['ECONNREFUSED', /advertised\.listeners\), which cannot be reached from here: start that broker/],
])('an advertised address that leads nowhere (%s) is told as that', (code, remedy) => {
  const error = new errors.KafkaJSConnectionError('Connection error: x', { broker: 'kafka-0.headless:9092', code });
  expect(translate(wrapped(error), 'testing', place)).toMatchObject({
    code: 'kafka.unavailable',
    remedy: expect.stringMatching(remedy),
  });
});

test.each(['b:9092', 'bootstrap-0:9092'])('a bootstrap broker %s that cannot be reached has not answered', (broker) => {
  const error = new errors.KafkaJSConnectionError('Connection error: x', { broker, code: 'ENOTFOUND' });
  expect(translate(wrapped(error), 'testing', place).remedy).toMatch(/correct kafka\.brokers/);
});
