// The thread of a member beside the main loop of its instance: the product's member, leader and watch of the loop, with messages
// between the two that wait while the other one stands still.
import { atMost, type Random } from '../../../../src/base/clock.ts';
import type { Group, GroupEvent } from '../../../../src/cluster/group.ts';
import { Leader } from '../../../../src/cluster/leader.ts';
import { LoopWatch } from '../../../../src/cluster/loop-watch.ts';
import { Member } from '../../../../src/cluster/member.ts';
import type { GroupSettings } from '../../../../src/cluster/messages.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import type { Mortal } from '../mortal.ts';
import type { GroupLine } from './group-line.ts';

export interface ThreadParts {
  readonly settings: GroupSettings;
  readonly line: GroupLine;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly loop: Mortal;
  readonly thread: Mortal;
  readonly listen: (event: GroupEvent) => void;
}

const GOODBYE_PATIENCE_MS = 3_000;

export function startThread(parts: ThreadParts): Group {
  const { settings, line, random, loop, thread, listen } = parts;
  const clock = thread.on(parts.clock);
  // Delivered a little later, as messages between threads are.
  const toThread = (task: () => void) => queueMicrotask(() => thread.awake(task));
  const toLoop = (task: () => void) => queueMicrotask(() => loop.awake(task));
  let isOver = false;
  const tell = (event: GroupEvent) =>
    toLoop(() => {
      if (!isOver) listen(event);
    });
  const { balanceAfterMs, movesAtOnce, handOverMs: pauseMs, heartbeatMs, stallMs } = settings;
  const member = new Member({
    ...{ coordinator: line, leader: new Leader({ balanceAfterMs, movesAtOnce, pauseMs }, clock) },
    ...{ self: settings.self, groupId: settings.groupId, brokers: 'simulated', heartbeatMs, clock, random },
    emit: tell,
  });
  const watch = new LoopWatch({
    ...{ clock, everyMs: heartbeatMs, stallMs },
    ping: () => toLoop(() => toThread(() => watch.answered())),
    onAnswer: (lagMs) => tell({ name: 'answered', lagMs }),
    onStall: () => member.suspend(),
    onMove: () => member.resume(),
  });
  let ended: Promise<void> | undefined;

  return {
    setAccounts: (accounts, weight) =>
      toThread(() => {
        member.setAccounts(accounts, weight);
        if (ended !== undefined) return;
        watch.begin();
        ended = member.run();
      }),
    heard: (term) => toThread(() => member.heard(term)),
    lost: (account) => toThread(() => member.lost(account)),
    move: (account, to) => toThread(() => member.move(account, to)),
    leaving: () => toThread(() => member.leaving()),
    goodbye: async () => {
      isOver = true;
      toThread(() => member.goodbye());
      await atMost(loop.on(parts.clock), GOODBYE_PATIENCE_MS, ended);
      thread.kill();
      line.cut();
    },
  };
}
