// Loaded into a measured daemon before its own code: counts the requests to the brokers by their kind, and writes the counts to the
// file BENCH_ASKED whenever it is sent SIGUSR2.
import { writeFileSync } from 'node:fs';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const asked = {};
const { push } = RequestQueue.prototype;

RequestQueue.prototype.push = function count(request) {
  const { apiName } = request.entry;
  asked[apiName] = (asked[apiName] ?? 0) + 1;
  return push.call(this, request);
};

process.on('SIGUSR2', () => writeFileSync(process.env.BENCH_ASKED, JSON.stringify(asked)));
