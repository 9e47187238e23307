// How each promise is broken on purpose: which text of which file becomes which other.

/** Tests that find what no simulation can, as project, file and title. */
const FENCING = ['real', 'test/kafka/publisher.test.ts', 'a newer instance takes the account'];
const ONE_PARTITION = ['real', 'test/kafka/cluster.test.ts', 'the same move under a batch of ours'];

const unit = (file, title) => ['unit', `test/unit/${file}`, title];

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
    ['src/engine/live-streams.ts', 'if (!live) return;', 'if (live) return; if (!live) return;'],
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
    ['src/harvest/budget.ts', 'if (row !== null && !known) {', 'if (row !== null && !known && false) {'],
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
      'src/engine/stream-row.ts',
      'state, reason, remedy, since: row.state === state',
      "state, reason, remedy: '', since: row.state === state",
    ],
  ],
  [
    'P9',
    'a refusal passes for an empty list',
    [
      'src/engine/stream-row.ts',
      'return { ...row, state, reason, remedy, since',
      'return { ...row, synced_to: isoSeconds(now), state, reason, remedy, since',
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
    'P9',
    'one stray 403 refuses a stream',
    ['src/harvest/caller.ts', 'progress.refusals < REFUSED_TRIES &&', 'progress.refusals < 1 &&'],
    unit('harvest/refusals.test.ts', 'two 403 of Harvest in mid-scan'),
  ],
  [
    'P9',
    'the page of a proxy refuses the token',
    ['src/harvest/failures.ts', 'status === 404) && !isHarvests', 'status === 404) && false'],
    unit('harvest/refusals.test.ts', 'a 401 that a proxy answers with its page'),
  ],
  [
    'P1',
    'bytes that are no UTF-8 are published at once',
    ['src/harvest/caller.ts', 'if (progress.garbled < TRIES) throw garbled(place);', ''],
    unit('harvest/refusals.test.ts', 'are asked for again'),
  ],
  [
    'P9',
    'a token that is refused later ends the account',
    ['src/engine/account.ts', 'return !once && (', 'return false && ('],
    unit('engine/refused-token.test.ts', 'a token that is refused later leaves the account up'),
  ],
  [
    'P9',
    'a replaced token file is not read',
    ['src/harvest/auth.ts', 'if (present === null ||', 'if (present !== null ||'],
    unit('engine/refused-token.test.ts', 'a token that is replaced in its file'),
  ],
  [
    'P9',
    'an account is made before its token is tried',
    ['src/engine/introduction.ts', 'await source.introduce(signal);', ''],
    unit('first-request.test.ts', 'a token that is refused ends with 77'),
  ],
  [
    'P6',
    'short lives before this one are not counted',
    ['src/harvest/budget.ts', 'const SHORT_LIVES = 20;', 'const SHORT_LIVES = 1;'],
    unit('harvest/budget.test.ts', 'a row of short lives'),
  ],
  [
    'P6',
    'a pause of years is kept by every successor',
    ['src/harvest/pause.ts', 'if (ms > LONG_PAUSE_MS)', 'if (ms > Number.POSITIVE_INFINITY)'],
    unit('engine/long-pauses.test.ts', 'the next process asks once'),
  ],
  [
    'P6',
    'all ask at once whether a long pause holds',
    ['src/harvest/pause.ts', 'if (asks) this.#isAsking = true;', ''],
    unit('harvest/pause.test.ts', 'of many requests one starts, and the others when'),
  ],
  [
    'P9',
    'run --once waits for ever under 429',
    ['src/engine/retry.ts', 'each.throttledMs() > LONG_PAUSE_MS', 'false'],
    unit('engine/long-pauses.test.ts', 'run --once under 429 each quarter of a minute'),
  ],
  [
    'P6',
    'links behind a gateway leave it',
    ['src/harvest/links.ts', 'const address = below(base, path);', 'const address = below(publicBase, path);'],
    unit('harvest/gateway.test.ts', "lists of several pages whose links name Harvest's own address"),
  ],
  [
    'P9',
    'run --once calls a blocked stream read',
    ['src/cli/once.ts', "each.state === 'BLOCKED' ||", "each.state === 'BLOCKED' && false ||"],
    unit('cli/once.test.ts', 'with 75 for a stream that is blocked'),
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
