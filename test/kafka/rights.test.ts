// A broker whose authorizer says no, although the rights of the documentation were given: what is denied is named, by the
// check beforehand and by the failure, with the topic, the operation, and that a denial wins.
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type Admin, ResourcePatternTypes } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../lab/stack/broker.ts';
import { LAB_USER } from '../../lab/stack/broker-config.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { Brokers } from '../../src/kafka/brokers.ts';
import type { KafkaSettings } from '../../src/kafka/connection.ts';
import { describeTopics } from '../../src/kafka/topics.ts';
import { adminOf } from '../support/clients.ts';
import { batch, brokerOfFile, CLIENTS, forever, Model, message, sinkOn, USERS } from '../support/kafka.ts';
import { finished, NO_LIMITS, onlyStreams } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { uniquePrefix } from '../support/stack.ts';

const ADMIN = { username: 'admin', password: 'admin-only' };
const PRINCIPAL = `User:${LAB_USER.username}`;

let broker: Broker;
let discard: () => Promise<void>;
let admin: Admin;
let prefix: string;
let kafka: Partial<KafkaSettings>;

beforeAll(async () => {
  const users = [LAB_USER, ADMIN].map(({ username, password }) => `user_${username}="${password}"`).join(' ');
  ({ broker, discard } = await brokerOfFile(
    {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': `User:ANONYMOUS;User:${ADMIN.username}`,
      'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    },
    'sasl_plain',
  ));
  admin = await adminOf({ brokers: [broker.bootstrap], sasl: { mechanism: 'plain', ...ADMIN } });
  const { username, password } = LAB_USER;
  kafka = { sasl: { mechanism: 'plain', username, password: new Secret(password) } };
});

afterAll(async () => {
  await admin?.disconnect();
  await discard?.();
});

interface Rule {
  readonly operations: readonly AclOperationTypes[];
  readonly permission?: AclPermissionTypes;
  readonly type?: AclResourceTypes;
  readonly name: string;
  readonly pattern: ResourcePatternTypes;
}

async function rule({
  operations,
  permission = AclPermissionTypes.ALLOW,
  type = AclResourceTypes.TOPIC,
  name,
  pattern,
}: Rule) {
  await admin.createAcls({
    acl: operations.map((operation) => ({
      resourceType: type,
      resourceName: name,
      resourcePatternType: pattern,
      principal: PRINCIPAL,
      host: '*',
      operation,
      permissionType: permission,
    })),
  });
}

const { READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS } = AclOperationTypes;
const TOPIC_RIGHTS = [READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS];
const deny = (topic: string, operation: AclOperationTypes) =>
  rule({
    operations: [operation],
    permission: AclPermissionTypes.DENY,
    name: topic,
    pattern: ResourcePatternTypes.LITERAL,
  });

/** The rights that the documentation lists, for topics that begin with the prefix. */
async function granted(operations: readonly AclOperationTypes[] = TOPIC_RIGHTS): Promise<void> {
  const pattern = ResourcePatternTypes.PREFIXED;
  await rule({ operations, name: `${prefix}.`, pattern });
  await rule({
    operations: [WRITE, DESCRIBE],
    type: AclResourceTypes.TRANSACTIONAL_ID,
    name: `${prefix}-`,
    pattern,
  });
}

function ownSink() {
  const sink = sinkOn(broker.bootstrap, { prefix, kafka });
  onTestFinished(() => sink.close());
  return sink;
}

async function checked(): Promise<readonly string[]> {
  const brokers = new Brokers({ brokers: [broker.bootstrap], compression: 'none', ...kafka }, systemClock);
  try {
    const settings = { prefix, partitions: 1, replication_factor: -1 };
    const reports = await describeTopics(brokers, settings, [CLIENTS, USERS], `${prefix}-4711`);
    return reports.map(({ topic, state, problem }) =>
      [topic.slice(prefix.length + 1), state, problem].filter(Boolean).join(' '),
    );
  } finally {
    brokers.close();
  }
}

beforeEach(() => {
  prefix = uniquePrefix();
});

test('the documented rights are enough, before the topics are there and after', async () => {
  await granted();
  await expect
    .poll(checked)
    .toEqual(['clients', 'users', 'state', 'dead-letters', 'notifications'].map((name) => `${name} missing`));
  const sink = ownSink();
  await sink.open(new Model(), forever);
  await sink.commit(batch([message('clients', '1', 'one')], { clients: { cursor: 1 } }));
  expect(await checked()).toEqual(
    ['clients', 'users', 'state', 'dead-letters', 'notifications'].map((name) => `${name} ok`),
  );
});

test('writing that is denied for one topic: the check says so, and so does the commit, with what to do [P9]', async () => {
  await granted();
  const sink = ownSink();
  await sink.open(new Model(), forever);
  await sink.commit(batch([message('clients', '1', 'one')]));
  await deny(`${prefix}.users`, WRITE);
  await expect.poll(checked).toContain('users forbidden no right to Write');
  expect(await checked()).toContain('clients ok');
  await expect(sink.commit(batch([message('users', '1', 'one')]))).rejects.toMatchObject({
    code: 'kafka.unauthorised',
    exitCode: 77,
    message: expect.stringContaining(`no right to Write on topic ${prefix}.users (while committing a batch`),
    remedy: expect.stringMatching(
      new RegExp(`--operation Write --topic ${prefix}\\.users\\nAn ACL that denies wins over all that allow; .*--list`),
    ),
  });
});

test('reading that is denied for one topic: an opening names it', async () => {
  await granted();
  const first = ownSink();
  await first.open(new Model(), forever);
  await first.commit(batch([message('clients', '1', 'one'), message('users', '1', 'one')]));
  await first.close();
  await deny(`${prefix}.users`, READ);
  await expect.poll(checked).toContain('users forbidden no right to Read');
  await expect(ownSink().open(new Model(), forever)).rejects.toMatchObject({
    code: 'kafka.unauthorised',
    message: expect.stringContaining(`no right to Read on topic ${prefix}.users (while reading the topics back`),
  });
});

test('topics that may not be made are named before the start, and at the start [P9]', async () => {
  await granted([READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS]);
  await expect
    .poll(checked)
    .toEqual(
      ['clients', 'users', 'state', 'dead-letters', 'notifications'].map(
        (name) => `${name} forbidden no right to Create`,
      ),
    );
  await expect(ownSink().open(new Model(), forever)).rejects.toMatchObject({
    code: 'kafka.unauthorised',
    message: expect.stringMatching(new RegExp(`^topic ${prefix}\\.\\S+: Not authorized .*while verifying the topics`)),
    remedy: expect.stringMatching(/--operation Create .*--topic .*prefixed\nAn ACL that denies wins/),
  });
});

test('the built command ends with 77 and says what to grant, in check as in run', { timeout: 300_000 }, async () => {
  await granted();
  const account = await scene({ timeEntries: 20, years: 1 });
  const sasl = ['mechanism=plain', `username=${LAB_USER.username}`, `password=${LAB_USER.password}`];
  const settings = [...NO_LIMITS, ...onlyStreams('company', 'clients'), ...sasl.map((one) => `kafka.sasl.${one}`)];
  const where = { ...account, bootstrap: broker.bootstrap, prefix, settings };
  expect(await finished(where, ['run', '--once'])).toMatchObject({ code: 0 });
  await deny(`${prefix}.clients`, WRITE);
  await expect.poll(checked).toContain('clients forbidden no right to Write');
  const check = await finished(where, ['check']);
  expect(check.code).toBe(77);
  expect(check.output).toMatch(
    /topic \S+\.clients: forbidden\n {2}no right to Write\n {2}kafka-acls\.sh .*--operation Write/,
  );
  account.simulator.data.clients.update(account.simulator.data.clients.all()[0]!.id, { name: 'renamed' });
  account.pass(3_600_000);
  const run = await finished(where, ['run', '--once']);
  expect(run.code, run.output).toBe(77);
  expect(run.errors).toMatch(
    /no right to Write on topic \S+\.clients .*\n.*--operation Write.*\n.*An ACL that denies wins/,
  );
});
