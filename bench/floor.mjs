// The floor that the publisher is compared with: a process that fetches a list page by page, unpacks and parses it, and
// does nothing else. Its requests are the publisher's.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, request } from 'undici';
import { measured } from './measured.mjs';

const unpack = promisify(gunzip);
const { HARVEST_BASE_URL, HARVEST_ACCESS_TOKEN, HARVEST_ACCOUNT_ID } = process.env;
const headers = {
  authorization: `Bearer ${HARVEST_ACCESS_TOKEN}`,
  'harvest-account-id': HARVEST_ACCOUNT_ID,
  'user-agent': 'harvest-kafka bench (bench@example.com)',
  accept: 'application/json',
  'accept-encoding': 'gzip',
};
const dispatcher = new Agent({ connections: 1, pipelining: 1 });

const work = measured();
let records = 0;
for (let url = `${HARVEST_BASE_URL}/time_entries?per_page=2000`; url !== null; ) {
  const answer = await request(url, { dispatcher, headers });
  const packed = Buffer.from(await answer.body.arrayBuffer());
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
  const page = JSON.parse((await unpack(packed)).toString('utf8'));
  records += page.time_entries.length;
  url = page.links.next;
}
const result = work.end();

process.send({ ...result, records });
process.disconnect();
await dispatcher.destroy();
