// Certificates and keys that cannot be used are refused when the configuration is read, with key and line; at a broker they
// would look like an outage.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/settings.ts';
import { CERTIFICATE, KEY } from '../../support/certificate.ts';
import { temporaryFolder } from '../../support/stack.ts';

const PASSPHRASE = 'open-sesame';
const ENCRYPTED = String(
  createPrivateKey(KEY).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE }),
);
const OTHER_KEY = String(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
);
const DER = createPrivateKey(KEY).export({ type: 'pkcs8', format: 'der' });
const KEYSTORE = Buffer.from('feedfeed00000002', 'hex');
const FILES: Readonly<Record<string, string | Buffer>> = {
  'ca.pem': CERTIFICATE,
  'both.pem': `${CERTIFICATE}\n${KEY}`,
  'key.pem': KEY,
  'locked.pem': ENCRYPTED,
  'other.pem': OTHER_KEY,
  'key.der': DER,
  'store.jks': KEYSTORE,
  'empty.pem': '',
  'broken.pem': CERTIFICATE.replace(/\n.{10}/, '\nAAAAAAAAAA'),
};

/** Loads a configuration with these keys below `kafka.ssl`; anything else is named in full. */
function load(ssl: Readonly<Record<string, string>>) {
  const text = `harvest: { accounts: [{ id: 1, access_token: t }] }
kafka:
  brokers: b:1
  ssl:
${Object.entries(ssl)
  .map(([key, value]) => `    ${key}: ${value}`)
  .join('\n')}
schema_registry: { url: 'http://r' }
`;
  return loadConfig({ text, env: {}, readFile: (path) => FILES[path]! });
}

test.each([
  [{ ca_file: 'ca.pem' }],
  [{ ca_file: 'both.pem' }],
  [{ cert_file: 'ca.pem', key_file: 'key.pem' }],
  [{ cert_file: 'both.pem', key_file: 'both.pem' }],
  [{ cert_file: 'ca.pem', key_file: 'locked.pem', key_passphrase: PASSPHRASE }],
])('%o can be used', (ssl) => {
  expect(() => load(ssl)).not.toThrow();
});

test.each([
  [{ ca_file: 'store.jks' }, 5, 'kafka.ssl.ca_file holds no PEM certificate; it is a Java keystore: keytool'],
  [{ ca_file: 'key.der' }, 5, 'kafka.ssl.ca_file holds no PEM certificate; openssl x509 -inform der'],
  [{ ca_file: 'empty.pem' }, 5, 'kafka.ssl.ca_file holds no PEM certificate: empty.pem'],
  [{ ca_file: 'key.pem' }, 5, 'kafka.ssl.ca_file holds no PEM certificate: key.pem'],
  [{ ca_file: 'broken.pem' }, 5, 'kafka.ssl.ca_file holds a certificate that cannot be read: broken.pem'],
  [{ cert_file: 'ca.pem' }, 5, 'kafka.ssl.cert_file is of no use without kafka.ssl.key_file'],
  [{ key_file: 'key.pem' }, 5, 'kafka.ssl.key_file is of no use without kafka.ssl.cert_file'],
  [
    { cert_file: 'ca.pem', key_file: 'locked.pem' },
    6,
    'kafka.ssl.key_file is encrypted; its passphrase belongs to kafka.ssl.key_passphrase: locked.pem',
  ],
  [
    { cert_file: 'ca.pem', key_file: 'locked.pem', key_passphrase: 'guessed' },
    7,
    'kafka.ssl.key_passphrase does not open kafka.ssl.key_file: locked.pem',
  ],
  [{ cert_file: 'ca.pem', key_file: 'other.pem' }, 6, 'kafka.ssl.key_file does not belong to kafka.ssl.cert_file'],
  [
    { cert_file: 'ca.pem', key_file: 'key.der' },
    6,
    'kafka.ssl.key_file holds no PEM private key; openssl pkey -inform der',
  ],
])('%o is refused with the reason, line %i', (ssl, line, message) => {
  const failure = refusalOf(() => load(ssl));
  expect(failure).toMatchObject({ code: 'config.invalid', exitCode: 78 });
  expect(failure.message.replace(/:\d+: /, ': ')).toContain(`configuration:${line}: ${message}`);
  expect(failure.message).not.toContain('guessed');
});

test.each(['harvest', 'schema_registry'])('the authority of %s is looked at too', (section) => {
  const text = `harvest: { accounts: [{ id: 1, access_token: t }] }
kafka: { brokers: b:1 }
schema_registry: { url: 'http://r' }`;
  const failure = refusalOf(() =>
    loadConfig({ text, env: {}, overrides: [`${section}.ca_file=store.jks`], readFile: (path) => FILES[path]! }),
  );
  expect(failure.message).toContain(`--set ${section}.ca_file: ${section}.ca_file holds no PEM certificate`);
});

test('the passphrase goes to TLS and shows nowhere [P10]', async () => {
  const folder = await temporaryFolder();
  const files = { cert_file: join(folder, 'cert.pem'), key_file: join(folder, 'key.pem') };
  await writeFile(files.cert_file, CERTIFICATE);
  await writeFile(files.key_file, ENCRYPTED);
  const overrides = Object.entries({ ...files, key_passphrase: PASSPHRASE }).map(
    (pair) => `kafka.ssl.${pair.join('=')}`,
  );
  const text =
    'harvest: { accounts: [{ id: 1, access_token: t }] }\nschema_registry: { url: http://r }\nkafka: { brokers: b:1 }';
  const { ssl } = kafkaSettings(loadConfig({ text, env: {}, overrides }));
  expect((ssl as { passphrase: { reveal(): string } }).passphrase.reveal()).toBe(PASSPHRASE);
  expect(JSON.stringify(ssl)).not.toContain(PASSPHRASE);
});

function refusalOf(work: () => unknown): Error {
  try {
    work();
  } catch (thrown) {
    return thrown as Error;
  }
  throw new Error('it was accepted');
}
