// Whether the certificates and keys that the configuration names can be used: said when it is read, with key and line, because
// at a broker all of it looks like an outage.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Config } from './options.ts';
import type { Path } from './problems.ts';
import type { Environment } from './substitute.ts';

/** The rest of a sentence that begins with the key at `path`. */
interface Trouble {
  readonly path: Path;
  readonly message: string;
}

const CERTIFICATE = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[\s\S]*?-----END \1-----/g;

/** Everything that is wrong with the files of `config`; they have been found readable. */
export function tlsTroubles(config: Config, readFile: Environment['readFile']): Trouble[] {
  const troubles: Trouble[] = [];
  const complain = (path: Path, message: string) => void troubles.push({ path, message });
  const certificatesOf = (path: Path, file: string | undefined) => {
    if (file === undefined) return [];
    const found = certificates(Buffer.from(readFile(file)));
    if (typeof found === 'object') return found;
    complain(path, `${found}: ${file}`);
    return null;
  };

  certificatesOf(['harvest', 'ca_file'], config.harvest.ca_file);
  certificatesOf(['schema_registry', 'ca_file'], config.schema_registry.ca_file);
  const { ssl } = config.kafka;
  if (typeof ssl === 'boolean') return troubles;

  const at = (key: keyof typeof ssl): Path => ['kafka', 'ssl', key];
  const ca = certificatesOf(at('ca_file'), ssl.ca_file);
  const [own] = certificatesOf(at('cert_file'), ssl.cert_file) ?? [];
  if (ssl.cert_file !== undefined && ssl.key_file === undefined) {
    complain(at('cert_file'), 'is of no use without kafka.ssl.key_file');
  }
  if (ssl.key_file === undefined) return troubles;
  if (ssl.cert_file === undefined) complain(at('key_file'), 'is of no use without kafka.ssl.cert_file');
  const pem = Buffer.from(readFile(ssl.key_file));
  const passphrase = ssl.key_passphrase?.reveal();
  const key = privateKey(pem, passphrase);
  if (typeof key === 'string') {
    complain(at(key === WRONG_PASSPHRASE ? 'key_passphrase' : 'key_file'), `${key}: ${ssl.key_file}`);
  } else if (own && !own.checkPrivateKey(key)) {
    complain(at('key_file'), `does not belong to kafka.ssl.cert_file: ${ssl.key_file}`);
  }
  if (troubles.length > 0) return troubles;
  try {
    createSecureContext({ ...(ca?.length ? { ca: ca.map(String) } : {}), cert: String(own), key: pem, passphrase });
  } catch (thrown) {
    complain(['kafka', 'ssl'], `cannot be used: ${(thrown as Error).message}`);
  }
  return troubles;
}

/** The certificates of a PEM file, or what is wrong with it. */
function certificates(bytes: Buffer): X509Certificate[] | string {
  const blocks = String(bytes).match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return `holds no PEM certificate${otherForm(bytes, 'x509')}`;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return 'holds a certificate that cannot be read';
  }
}

const WRONG_PASSPHRASE = 'does not open kafka.ssl.key_file';

/** The private key of a PEM file, or what is wrong with it. */
function privateKey(pem: Buffer, passphrase: string | undefined): KeyObject | string {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(String(pem)))
    return `holds no PEM private key${otherForm(pem, 'pkey')}`;
  try {
    return createPrivateKey({ key: pem, passphrase: passphrase ?? '' });
  } catch {
    const isEncrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(String(pem));
    if (!isEncrypted) return 'holds a private key that cannot be read';
    return passphrase === undefined
      ? 'is encrypted; its passphrase belongs to kafka.ssl.key_passphrase'
      : WRONG_PASSPHRASE;
  }
}

/** The other form that the file may have, with the command that makes PEM of it. */
function otherForm(bytes: Buffer, command: 'x509' | 'pkey'): string {
  const isKeystore = bytes.length >= 4 && bytes.readUInt32BE(0) === 0xfeedfeed;
  if (isKeystore)
    return '; it is a Java keystore: keytool -importkeystore -deststoretype PKCS12, then openssl pkcs12, make PEM of it';
  const isBinary = bytes[0] === 0x30;
  return isBinary ? `; openssl ${command} -inform der makes one of DER, openssl pkcs12 of PKCS12` : '';
}
