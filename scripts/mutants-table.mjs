// How each promise is broken on purpose: which text of which file becomes which other.

/** Tests that find what no simulation can, as project, file and title. */
const FENCING = ['real', 'test/kafka/publisher.test.ts', 'a newer instance takes the account'];
const ONE_PARTITION = ['real', 'test/kafka/cluster.test.ts', 'the same move under a batch of ours'];

/** [promise, name, ...edits as file, from, to; the shelf that finds it, if it is not the simulation] */
const TABLE = [
  [
    'P5',
    'the log takes what an older instance commits',
    ['src/lab/memory-sink.ts', 'if (epoch !== log.epoch) throw fenced();', ''],
  ],
  [
    'P5',
    'skip the fence: another transactional id at every opening',
    [
      'src/kafka/publisher.ts',
      'transactionalId: this.#place.transactionalId,\n      transactionTimeoutMs',
      'transactionalId: `${this.#place.transactionalId}-${this.#options.random()}`,\n      transactionTimeoutMs',
    ],
    FENCING,
  ],
  [
    'P1',
    'send several partitions at once',
    ['src/kafka/messages.ts', 'const id = `${topic}/${partition}`;', 'const id = topic;'],
    ['src/kafka/session.ts', 'broker.produce = (request) => produce(broker, request, clock);', ''],
    ['src/kafka/session.ts', 'if (!acknowledged || !(offset >= 0)) {', 'if (false) {'],
    ['src/kafka/publisher.ts', 'if (!this.#memory(stream).accepts(partition, first)) {', 'if (false) {'],
    ONE_PARTITION,
  ],
  [
    'P4',
    'commit the cursor before the records',
    [
      'src/engine/committer.ts',
      'await this.#sink.commit(batch);',
      'await this.#sink.commit({ ...batch, messages: [], deadLetters: [] }); await this.#sink.commit(batch);',
    ],
  ],
  [
    'P4',
    'commit the records before the rows',
    [
      'src/engine/committer.ts',
      'await this.#sink.commit(batch);',
      'await this.#sink.commit({ ...batch, rows: new Map() }); await this.#sink.commit(batch);',
    ],
  ],
  [
    'P1',
    'drop the overlap',
    [
      'src/engine/sweep.ts',
      'Date.parse(walked.started_at) - overlapMs',
      'Date.parse(walked.started_at) + 0 * overlapMs',
    ],
  ],
  [
    'P1',
    'cursor from our own clock',
    ['src/harvest/failures.ts', 'return Math.max(Math.min(date, sentAt), date - SKEW_MAX_MS);', 'return sentAt;'],
  ],
  [
    'P1',
    'cursor from a Date that runs ahead',
    ['src/harvest/failures.ts', 'return Math.max(Math.min(date, sentAt), date - SKEW_MAX_MS);', 'return date;'],
  ],
  [
    'P1',
    'cursor moves with the first page',
    [
      'src/engine/sweep.ts',
      "return { position: { ...position, sweep: walked }, outcome: 'page', sweep: walked };",
      "return { position: { ...position, cursor: walked.started_at, sweep: walked }, outcome: 'page', sweep: walked };",
    ],
  ],
  [
    'P2',
    'publish without suppression',
    ['src/engine/diff.ts', 'if (before.hash === hash) {', 'if (before.hash === hash && false) {'],
  ],
  [
    'P3',
    'ignore the order of updated_at',
    ['src/engine/diff.ts', 'updatedAt < before.updatedAt', 'updatedAt < before.updatedAt && false'],
  ],
  ['P8', 'tombstone without 404', ['src/engine/confirm-step.ts', "return record ?? 'gone';", "return 'gone';"]],
  [
    'P8',
    'a proxy page passes for 404',
    [
      'src/harvest/caller.ts',
      'answer.status === 404 && call.absent !== undefined && parsedObject(body)',
      'answer.status === 404 && call.absent !== undefined',
    ],
  ],
  [
    'P8',
    'ignore the hold',
    ['src/engine/census.ts', 'return Math.max(atLeast, Math.floor(rows * share));', 'return Number.POSITIVE_INFINITY;'],
  ],
  [
    'P8',
    'a refusal deletes',
    [
      'src/engine/confirm-step.ts',
      "error.code === 'harvest.forbidden') return 'refused'",
      "error.code === 'harvest.forbidden') return 'gone'",
    ],
  ],
  ['P6', 'follow foreign links', ['src/harvest/links.ts', 'url === null || !isOurs(url, base)', 'url === null']],
  [
    'P1',
    'forget dirty windows',
    [
      'src/engine/consequences.ts',
      'dirty: addedTo(position.dirty, windows, report.takenWindows)',
      'dirty: position.dirty',
    ],
    ['src/engine/report-step.ts', "tasks.push({ why: 'round', window: round, at: due });", ''],
  ],
  [
    'P8',
    'skip the sweep before a removal',
    ['src/engine/removal-step.ts', 'live.sweptFrom <= owner.goneSince', 'false'],
  ],
  [
    'P2',
    'apply the index on a lost commit',
    [
      'src/engine/committer.ts',
      'await this.#sink.commit(batch);',
      'for (const [live, row] of rows) live.row = row; for (const { diffs } of results) for (const [live, diff] of diffs) apply(live, diff.changes); await this.#sink.commit(batch);',
    ],
  ],
  [
    'P2',
    'begin with an empty index',
    ['src/engine/account.ts', 'if (!live) return;', 'if (live) return; if (!live) return;'],
  ],
  [
    'P1',
    'no children of changed parents, no slow sweep',
    ['src/engine/consequences.ts', 'if (changed.length === 0) return [];', 'return [];'],
    [
      'src/engine/schedule.ts',
      'return read(position.sweep === null ? intervalEnd : steppedAt(live, now), PRIORITY.slack);',
      'return read(position.sweep === null ? NEVER : steppedAt(live, now), PRIORITY.slack);',
    ],
  ],
  [
    'P1',
    'never count, never take a census',
    ['src/engine/census.ts', 'if (missing === 0) return', 'if (missing !== Number.NaN) return'],
    ['src/engine/schedule.ts', 'const census = censusDue(live, view, now);', 'const census = null;'],
  ],
  [
    'P8',
    'a release changes nothing',
    ['src/engine/order-step.ts', 'return row.hold === null ? row : released(row);', 'return row;'],
  ],
  [
    'P4',
    'an order is not part of its transaction',
    ['src/engine/committer.ts', 'ordersDone: results.flatMap((result) => result.ordersDone),', 'ordersDone: [],'],
  ],
  [
    'P7',
    'unknown members are lost',
    ['src/codec/encoding.ts', 'if (leftover.rest === undefined) return', 'if (leftover.rest !== Number.NaN) return'],
  ],
  ['P6', 'Retry-After is not obeyed', ['src/harvest/caller.ts', 'budget.pause(ms);', '']],
  ['P7', 'drop what does not convert', ['src/engine/diff.ts', 'this.deadLetters.push(', '[].push(']],
  [
    'P6',
    'no budget after a restart',
    ['src/harvest/budget.ts', 'if (row !== null && !isOurs)', 'if (row !== null && !isOurs && false)'],
  ],
  [
    'P1',
    'a decision on two looks at the clock',
    [
      'src/harvest/budget.ts',
      'if (mayStart()) this.#sleep(this.#waitMs(now.monotonic));',
      'if (mayStart()) this.#sleep(this.#waitMs(this.#look().monotonic));',
    ],
  ],
  [
    'P6',
    'a lease that does not end',
    [
      'src/harvest/lease.ts',
      'monotonic < end.monotonic && wall < end.wall ?',
      'monotonic <= Infinity || !wall || !end ?',
    ],
    ['unit', 'test/unit/harvest/budget-lives.test.ts', 'nor with one that slept'],
  ],
  [
    'P6',
    'a lease that counts as spent when it is read',
    ['src/harvest/lease.ts', 'attempts.push(monotonic + leaseMs);', 'attempts.push(monotonic);'],
    ['unit', 'test/unit/harvest/budget-lives.test.ts', 'nor with one that slept'],
  ],
  [
    'P6',
    'a lease of somebody else, handed on as if it had ended',
    ['src/harvest/lease.ts', 'time > writtenAt ? monotonic + time - writtenAt :', 'time > writtenAt ? monotonic :'],
    ['unit', 'test/unit/harvest/budget-lives.test.ts', 'nor with one that slept'],
  ],
  [
    'P6',
    'a token comes back at once',
    [
      'src/harvest/budget.ts',
      'this.#ended.push(this.#clock.monotonic());',
      'this.#ended.push(this.#clock.monotonic() - this.windowMs / 2);',
    ],
  ],
  [
    'P9',
    'a refused stream says nothing',
    [
      'src/engine/account.ts',
      '      remedy: error.remedy,\n      since: row.state === state',
      "      remedy: '',\n      since: row.state === state",
    ],
  ],
  [
    'P9',
    'a refusal passes for an empty list',
    [
      'src/engine/account.ts',
      '      ...row,\n      state,',
      '      ...row,\n      synced_to: isoSeconds(now),\n      state,',
    ],
  ],
  [
    'P10',
    'quote the token',
    [
      'src/harvest/caller.ts',
      "conceal: (text) => text.replaceAll(token.reveal(), '[redacted]')",
      'conceal: (text) => text',
    ],
  ],
  [
    'P5',
    'a fenced instance opens again',
    ['src/base/errors.ts', "'kafka.fenced': {\n    kind: 'account'", "'kafka.fenced': {\n    kind: 'reopen'"],
  ],
];

export const MUTANTS = TABLE.map(([promise, name, ...rest]) => {
  const shelf = rest.find(([first]) => first === 'unit' || first === 'real') ?? null;
  return { promise, name, shelf, edits: rest.filter((each) => each !== shelf) };
});

/** Each file of the edits with its text as the mutant has it. Throws when a text to be changed is not there. */
export function spoilt(edits, read) {
  const files = new Map();
  for (const [file, from, to] of edits) {
    const text = files.get(file) ?? read(file);
    if (!text.includes(from)) throw new Error(`${file} does not hold: ${from}`);
    files.set(
      file,
      text.replaceAll(from, () => to),
    );
  }
  return files;
}
