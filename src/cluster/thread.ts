// The thread of the member: heartbeats go out on time however busy the main loop is, and a main loop that stands still gives its
// accounts away instead of holding them.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock as clock, systemRandom as random } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { createCoordinator } from './coordinator.ts';
import { Leader } from './leader.ts';
import { LoopWatch } from './loop-watch.ts';
import { Member } from './member.ts';
import { type Command, type Start, type Told, unpacked } from './messages.ts';

const start = workerData as Start;
const { settings } = start;
const port = parentPort!;
const tell = (told: Told) => port.postMessage(told);
/** Log-ins that wait for a token. */
const logIns: { resolve(token: Secret): void; reject(error: Error): void }[] = [];
const kafka = unpacked(
  start,
  () =>
    new Promise((resolve, reject) => {
      logIns.push({ resolve, reject });
      tell({ name: 'ask for token' });
    }),
);

const member = new Member({
  coordinator: createCoordinator({
    ...{ kafka, groupId: settings.groupId, sessionTimeoutMs: settings.sessionTimeoutMs },
    log: (level, message, fields = {}) => tell({ name: 'log', level, message, fields: plain(fields) }),
  }),
  leader: new Leader(
    {
      balanceAfterMs: settings.balanceAfterMs,
      movesAtOnce: settings.movesAtOnce,
      pauseMs: settings.handOverMs,
    },
    clock,
  ),
  ...{ self: settings.self, groupId: settings.groupId, brokers: kafka.brokers.join(',') },
  ...{ heartbeatMs: settings.heartbeatMs, clock, random },
  emit: tell,
});

const watch = new LoopWatch({
  ...{ clock, everyMs: settings.heartbeatMs, stallMs: settings.stallMs },
  ping: () => tell({ name: 'ping' }),
  onAnswer: (lagMs) => tell({ name: 'answered', lagMs }),
  onStall: () => member.suspend(),
  onMove: () => member.resume(),
});

port.on('message', (command: Command) => {
  switch (command.do) {
    case 'set accounts':
      member.setAccounts(command.accounts, command.weight);
      return begin();
    case 'hear term':
      return member.heard(command.term);
    case 'lose account':
      return member.lost(command.account);
    case 'move account':
      return member.move(command.account, command.to);
    case 'begin leaving':
      return member.leaving();
    case 'say goodbye':
      return member.goodbye();
    case 'give token':
      for (const { resolve, reject } of logIns.splice(0)) {
        if (command.token === null) reject(new Error(command.failure));
        else resolve(new Secret(command.token));
      }
      return;
    case 'answer':
      return watch.answered();
  }
});

/** The fields as they can be copied to another thread. */
function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
}

let isRunning = false;

/** Joins once it is known what the instance could run: a first round without accounts would be one too many. */
function begin(): void {
  if (isRunning) return;
  isRunning = true;
  watch.begin();
  void member.run().then(() => port.close());
}
