// Mutual TLS with a key that is encrypted: the passphrase has to reach the handshake.
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { createConnection } from '../../../src/kafka/connection.ts';
import { CERTIFICATE, KEY } from '../../support/certificate.ts';

test('a key with a passphrase proves to the broker who we are', async () => {
  const server = createServer({ cert: CERTIFICATE, key: KEY, ca: CERTIFICATE, requestCert: true }).listen(
    0,
    '127.0.0.1',
  );
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const greeted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const passphrase = 'open-sesame';
  const key = createPrivateKey(KEY).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
  const { port } = server.address() as AddressInfo;
  const connection = createConnection(
    {
      brokers: [`127.0.0.1:${port}`],
      compression: 'none',
      ssl: { cert: CERTIFICATE, key: String(key), passphrase: new Secret(passphrase), rejectUnauthorized: false },
    },
    () => {},
  );
  // It speaks TLS and nothing of Kafka.
  const connecting = connection.cluster().connect();
  const [socket] = await greeted;
  expect(socket.authorized).toBe(true);
  connection.sever();
  await expect(connecting).rejects.toThrow();
});
