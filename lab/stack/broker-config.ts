// The settings of one lab broker: what server.properties says, how its clients connect, and its keystore. Starts nothing.

import { join } from 'node:path';
import type { KafkaConfig } from 'kafkajs';
import { systemClock } from '../../src/base/clock.ts';
import { PublisherError } from '../../src/base/errors.ts';
import { exists } from './artefacts.ts';
import { javaTool } from './java.ts';
import { run } from './process.ts';

/** How clients reach the broker. Brokers and controllers talk to each other in plain text on ports of their own. */
export type Security = 'plain' | 'tls' | 'sasl_plain' | 'sasl_scram' | 'sasl_oauthbearer';

/** The user of the `sasl_plain` and `sasl_scram` listeners. */
export const LAB_USER = { username: 'publisher', password: 'lab-only' } as const;

export interface BrokerPorts {
  readonly client: number;
  readonly internal: number;
  readonly controller: number;
}

export interface BrokerPlan {
  /** From 1, the place in `cluster`. */
  readonly nodeId: number;
  /** Ports of every broker of the cluster, ours included; each is a controller as well. */
  readonly cluster: readonly BrokerPorts[];
  readonly logDir: string;
  readonly security: Security;
  readonly keystore?: Keystore | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

export interface Keystore {
  readonly file: string;
  readonly password: string;
  /** The certificate to trust, PEM. */
  readonly ca: string;
}

/** The text to append to `lab/stack/poms/kafka/server.properties`; a later line wins over an earlier one. */
export function serverProperties(plan: BrokerPlan): string {
  const ports = plan.cluster[plan.nodeId - 1]!;
  const size = plan.cluster.length;
  const replicas = String(size);
  const minIsr = String(Math.max(1, size - 1));
  const address = (port: number) => `127.0.0.1:${port}`;
  return Object.entries({
    'node.id': String(plan.nodeId),
    'log.dirs': plan.logDir,
    // Static voters, because a dynamic quorum would write the controllers' ports into the data directory.
    'controller.quorum.voters': plan.cluster.map((peer, i) => `${i + 1}@${address(peer.controller)}`).join(','),
    listeners: `CLIENT://${address(ports.client)},INTERNAL://${address(ports.internal)},CONTROLLER://${address(ports.controller)}`,
    'advertised.listeners': `CLIENT://${address(ports.client)},INTERNAL://${address(ports.internal)}`,
    'default.replication.factor': replicas,
    'min.insync.replicas': minIsr,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minIsr,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minIsr,
    ...clientListener(plan),
    ...plan.properties,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** The part of a kafkajs configuration that reaches a listener of this kind. */
export function clientSettings(bootstrap: string, security: Security, ca: string | undefined): KafkaConfig {
  const brokers = [bootstrap];
  switch (security) {
    case 'plain':
      return { brokers };
    case 'tls':
      return { brokers, ssl: { ca: [ca!] } };
    case 'sasl_plain':
      return { brokers, sasl: { mechanism: 'plain', ...LAB_USER } };
    case 'sasl_scram':
      return { brokers, sasl: { mechanism: 'scram-sha-256', ...LAB_USER } };
    case 'sasl_oauthbearer': {
      const oauthBearerProvider = async () => ({ value: unsecuredToken(LAB_USER.username, 3_600) });
      return { brokers, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } };
    }
  }
}

/** A token without a signature (RFC 7515, A.5), as the `sasl_oauthbearer` listener takes it, good for so many seconds. */
export function unsecuredToken(subject: string, seconds: number): string {
  const now = Math.floor(systemClock.now() / 1000);
  const parts = [{ alg: 'none' }, { sub: subject, iat: now, exp: now + seconds }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}

/** The keystore of `folder`, made when absent: a key and a self-signed certificate for these names. */
export async function makeKeystore(folder: string, names = 'ip:127.0.0.1,dns:localhost'): Promise<Keystore> {
  const file = join(folder, 'keystore.p12');
  const password = 'lab-only';
  const store = ['-alias', 'broker', '-keystore', file, '-storepass', password];
  const subject = ['-dname', 'CN=localhost', '-ext', `san=${names}`];
  if (!(await exists(file))) {
    await keytool('-genkeypair', '-keyalg', 'EC', '-validity', '3650', '-storetype', 'PKCS12', ...subject, ...store);
  }
  return { file, password, ca: await keytool('-exportcert', '-rfc', ...store) };
}

function clientListener(plan: BrokerPlan): Record<string, string> {
  const protocol = plan.security === 'tls' ? 'SSL' : plan.security === 'plain' ? 'PLAINTEXT' : 'SASL_PLAINTEXT';
  const map = `CLIENT:${protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`;
  return { 'listener.security.protocol.map': map, ...credentials(plan) };
}

function credentials({ security, keystore }: BrokerPlan): Record<string, string> {
  const { username, password } = LAB_USER;
  switch (security) {
    case 'plain':
      return {};
    case 'tls':
      return {
        'listener.name.client.ssl.keystore.type': 'PKCS12',
        'listener.name.client.ssl.keystore.location': keystore!.file,
        'listener.name.client.ssl.keystore.password': keystore!.password,
        'listener.name.client.ssl.key.password': keystore!.password,
      };
    case 'sasl_plain':
      return {
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
      };
    case 'sasl_oauthbearer':
      return {
        'sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.client.oauthbearer.sasl.jaas.config': `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${username}";`,
      };
    case 'sasl_scram': {
      const module = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
      return {
        'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
        'listener.name.client.scram-sha-256.sasl.jaas.config': module,
        'listener.name.client.scram-sha-512.sasl.jaas.config': module,
      };
    }
  }
}

async function keytool(...args: string[]): Promise<string> {
  const { code, output } = await run(javaTool('keytool'), args);
  if (code !== 0) throw new PublisherError('lab.failed', `keytool ${args[0]} failed: ${output}`);
  return output;
}
