// A server that answers as Harvest or as the registry has to prove it: a certificate that is not trusted here, or that names somebody
// else, ends the conversation before anything is said, with the setting that mends it. Kafka: test/kafka/security.test.ts.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeKeystore } from '../../lab/stack/broker-config.ts';
import { daemon } from '../support/daemon.ts';
import { startHttpGate } from '../support/http-gate.ts';
import { finished, NO_LIMITS, onlyStreams, until, type Where } from '../support/publisher.ts';
import { scene } from '../support/scene.ts';
import { temporaryFolder } from '../support/stack.ts';

// Its answer has no links, which behind the door would lead to where it speaks plain HTTP.
const SETTINGS = [...NO_LIMITS, ...onlyStreams('company')];
/** Node's own switch, which turns every check off that a program does not ask for. */
const CARELESS = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };

/** A door that speaks TLS, and the file of the authority that vouches for it. */
async function tlsDoor(target: string, names?: string): Promise<{ url: string; ca: string }> {
  const folder = await temporaryFolder();
  const { file, password, ca } = await makeKeystore(folder, names);
  const gate = await startHttpGate(target, { pfx: await readFile(file), passphrase: password });
  onTestFinished(() => gate.close());
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca);
  return { url: gate.url, ca: caFile };
}

test('Harvest and the registry must prove who they are [P10]', async () => {
  const plain = await scene({ timeEntries: 20, years: 1 });
  const harvest = await tlsDoor(plain.server.url);
  const registry = await tlsDoor(plain.registryUrl);
  const trustHarvest = `harvest.ca_file=${harvest.ca}`;
  const trustRegistry = `schema_registry.ca_file=${registry.ca}`;
  const where = (...trusted: string[]): Where => ({
    ...plain,
    server: { ...plain.server, url: harvest.url },
    registryUrl: registry.url,
    settings: [...SETTINGS, ...trusted],
    env: CARELESS,
  });

  const strangers = await finished(where(), ['check']);
  expect(strangers.code).toBe(75);
  // Node 24 adds advice of its own to the line.
  expect(strangers.output).toMatch(/users\/me: .*self-signed certificate.*\n {2}The certificate .* harvest\.ca_file/);
  expect(strangers.output).toMatch(/schema registry https:.*self-signed certificate.*\n {2}.*schema_registry\.ca_file/);

  // A running daemon goes on trying, and says what is in its way.
  const asked = plain.simulator.log.all().length;
  const running = await daemon(where(trustRegistry));
  await until('not ready, because of the certificate', async () => {
    const { status, reasons } = await running.readiness();
    const told = reasons.filter(({ reason }) => /self-signed certificate/.test(reason));
    return status === 503 && told.some(({ remedy }) => remedy?.includes('harvest.ca_file'));
  });
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);
  expect(plain.simulator.log.all(), 'no request, and so no token, went out').toHaveLength(asked);

  expect(await finished(where(trustHarvest, trustRegistry), ['run', '--once'])).toMatchObject({ code: 0 });
});

test('an authority that is trusted vouches for its own names alone [P10]', async () => {
  const plain = await scene({ timeEntries: 20, years: 1 });
  const harvest = await tlsDoor(plain.server.url, 'dns:somebody-else.example');
  const settings = [...SETTINGS, `harvest.ca_file=${harvest.ca}`];
  const end = await finished({ ...plain, server: { ...plain.server, url: harvest.url }, settings }, ['check']);
  expect(end.code).toBe(75);
  expect(end.output).toMatch(/does not match certificate's altnames/);
});
