// `harvest-kafka run` as a process that tells its parent what it cost. Arguments are `key=value` overrides of the shipped
// configuration. With BENCH_LINGER_SECONDS it goes on running that long after the snapshot, as a daemon does;
// without, it ends when it has caught up, as `run --once` does.
import { setTimeout as sleep } from 'node:timers/promises';
import { configOf } from '../dist/src/cli/configuration.js';
import { publish } from '../dist/src/cli/run.js';
import { createLog } from '../dist/src/observe/log.js';
import { measured } from './measured.mjs';

const linger = Number(process.env.BENCH_LINGER_SECONDS ?? 0);
const config = configOf({ set: process.argv.slice(2) });
const stop = new AbortController();
const seen = { requests: {}, records: 0 };
const start = measured();
let work;

await publish(config, createLog({ level: config.log.level }), {
  signal: stop.signal,
  once: linger === 0,
  terminal: false,
  onEvent,
});
process.send({ ...work.end(), ...seen });
process.disconnect();

function onEvent(event) {
  switch (event.name) {
    case 'account.opened':
      // From here on there are requests: what came before happens once in a process's life.
      seen.opened = { ...start.end(), rows: event.restoredRows, restoreMs: event.restoreMs };
      work = measured();
      break;
    case 'request.finished':
      seen.requests[event.purpose] = (seen.requests[event.purpose] ?? 0) + 1;
      break;
    case 'page.committed':
      seen.records += event.published.r + event.published.c + event.published.u;
      break;
    case 'scan.completed':
      // Told when the scan's last page is committed.
      if (event.purpose === 'snapshot') seen.firstScanSeconds = work.end().wallSeconds;
      if (linger > 0) void settle();
      break;
  }
}

async function settle() {
  await sleep(linger * 1000);
  seen.steadyMb = process.memoryUsage.rss() / 2 ** 20;
  stop.abort();
}
