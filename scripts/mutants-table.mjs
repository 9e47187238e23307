// How each promise is broken on purpose: which text of which file becomes which other.

/** Tests that find what no simulation can, as project, file and title. */
const FENCING = ['real', 'test/kafka/publisher.test.ts', 'a newer instance takes the account'];
const ONE_PARTITION = ['real', 'test/kafka/cluster.test.ts', 'the same move under a batch of ours'];

/** The simulation of instances that share accounts. */
const FLEET = ['fleet'];
const SHELVES = ['unit', 'real', 'fleet'];

const unit = (file, title) => ['unit', `test/unit/${file}.test.ts`, title];
const ADDED = ['real', 'test/kafka/partitions.test.ts', 'to a topic that holds records'];
const ADDED_MEANWHILE = ['real', 'test/kafka/partitions.test.ts', 'while we publish'];

/** [promise, name, ...edits as file, from, to; the shelf that finds it, if it is not the simulation] */
const TABLE = [
  [
    'P5',
    'the log takes what an older instance commits',
    ['test/support/memory-log.ts', 'if (epoch !== log.epoch) throw', 'if (epoch === -1) throw'],
  ],
  [
    'P5',
    'skip the fence: another transactional id at every opening',
    [
      'src/kafka/publisher.ts',
      'transactionalId: this.#place.transactionalId,\n        transactionTimeoutMs',
      'transactionalId: `${this.#place.transactionalId}-${this.#options.random()}`,\n        transactionTimeoutMs',
    ],
    FENCING,
  ],
  [
    'P1',
    'send several partitions at once',
    ['src/kafka/messages.ts', 'const id = `${topic}/${partition}`;', 'const id = topic;'],
    ['src/kafka/session.ts', 'messages: sorted(partition, messages)', 'messages: [...messages]'],
    [
      'src/kafka/session.ts',
      'broker.produce = async (request) => {',
      '(broker as any).unused = async (request: any) => {',
    ],
    ['src/kafka/session.ts', 'if (!acknowledged || !(offset >= 0)) {', 'if (false) {'],
    ['src/kafka/publisher.ts', 'if (!this.#memory(stream).accepts(partition, first)) {', 'if (false) {'],
    ONE_PARTITION,
  ],
  [
    'P3',
    'go on with a topic that got partitions',
    ['src/kafka/restore.ts', 'if (partitionOf(ours.key, partitions) !== partition)', 'if (partitions < 0)'],
    ADDED,
  ],
  [
    'P3',
    'do not look at old records when a topic got partitions meanwhile',
    ['src/kafka/restore.ts', 'memory.isRepartitioned(found)', 'false'],
    ADDED_MEANWHILE,
  ],
  [
    'P4',
    'commit the cursor before the records',
    [
      'src/engine/committer.ts',
      'await sink.commit(batch);',
      'await sink.commit({ ...batch, messages: [], deadLetters: [] }); await sink.commit(batch);',
    ],
  ],
  [
    'P4',
    'what a poll found waits as if it were nothing',
    [
      'src/engine/committer.ts',
      'results.every(saysNothing) && [...rows].every(([{ row }, after]) => isLater(row, after))',
      'true',
    ],
  ],
  [
    'P4',
    'rows that wait for a commit are not in it',
    ['src/engine/committer.ts', 'if (!rows.has(runtime)) rows.set(runtime, runtime.row);', ';'],
    unit('engine/virtual-account', 'in which nothing happens is stored four times a minute'),
  ],
  [
    'P4',
    'rows wait until something else is stored',
    ['src/engine/committer.ts', 'clock.monotonic() - this.#storedAt >= STORED_WITHIN_MS', 'clock.monotonic() < 0'],
    unit('engine/virtual-account', 'in which nothing happens is stored four times a minute'),
  ],
  [
    'P4',
    'commit the records before the rows',
    [
      'src/engine/committer.ts',
      'await sink.commit(batch);',
      'await sink.commit({ ...batch, rows: new Map() }); await sink.commit(batch);',
    ],
  ],
  [
    'P1',
    'drop the overlap',
    [
      'src/engine/state/position.ts',
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
      'src/engine/state/position.ts',
      "return { position: { ...position, scan: walked }, outcome: 'page', scan: walked };",
      "return { position: { ...position, cursor: walked.started_at, scan: walked }, outcome: 'page', scan: walked };",
    ],
  ],
  [
    'P2',
    'publish without suppression',
    ['src/engine/state/diff.ts', 'if (before.hash === hash) {', 'if (before.hash === hash && false) {'],
  ],
  [
    'P3',
    'ignore the order of updated_at',
    ['src/engine/state/diff.ts', 'updatedAt < before.updatedAt', 'updatedAt < before.updatedAt && false'],
  ],
  [
    'P8',
    'tombstone without 404',
    ['src/engine/deletions/confirm-step.ts', "return record ?? 'deleted';", "return 'deleted';"],
  ],
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
    [
      'src/engine/state/hold.ts',
      'return Math.max(atLeast, Math.floor(rows * share));',
      'return Number.POSITIVE_INFINITY;',
    ],
  ],
  [
    'P8',
    'a refusal deletes',
    [
      'src/engine/deletions/confirm-step.ts',
      "error.code === 'harvest.forbidden') return 'refused'",
      "error.code === 'harvest.forbidden') return 'deleted'",
    ],
  ],
  [
    'P8',
    'a hold stays when nothing of it is left',
    [
      'src/engine/state/stream-row.ts',
      'return isLookedInto || isHeldFor || candidates.length > 0 ? row : { ...row, hold: null };',
      'return row;',
    ],
    unit('engine/holds', 'that an earlier version released and left over'),
  ],
  [
    'P8',
    'a topic that is read anew keeps its hold',
    ['src/engine/state/stream-row.ts', '...NO_RECONCILIATION, hold: null, complete', '...NO_RECONCILIATION, complete'],
    ['src/engine/state/stream-row.ts', 'refused: false }[hold.kind]', 'refused: true }[hold.kind]'],
    unit('engine/holds', 'ends when the topic was emptied'),
  ],
  [
    'P1',
    'a slow scan goes on over more changed parents than are noted',
    [
      'src/engine/steps/child-step.ts',
      'const isOvertaken = position.scan !== null && there.scan === null;',
      'const isOvertaken = false;',
    ],
    unit('engine/errands', 'six thousand parents that change while a step of the slow scan'),
  ],
  [
    'P1',
    'a first visit forgets what changes under it',
    [
      'src/engine/steps/consequences.ts',
      'const noted = isToCome ? changed.filter((id) => reading.has(id)) : changed;',
      'const noted = isToCome ? [] : changed;',
    ],
    unit('engine/errands', 'while its children are read for the very first time'),
  ],
  [
    'P3',
    'a removal takes what is under way',
    ['src/engine/claims.ts', '!isFree(streams)) return null;', 'runtime.claim !== null) return null;'],
    unit('engine/claims', 'does not begin while a stream below it is read'),
  ],
  [
    'P1',
    'a window that is being read is noted by nobody',
    ['src/engine/reports/restatement.ts', 'windowsBeingRead(report).has(window) ||', ''],
    unit('engine/claims', 'has it read again when it is being read right now'),
  ],
  [
    'P3',
    'publish a page that was asked for before another step',
    ['src/engine/claims.ts', "if (task.kind !== 'read') stream.ahead = null;", ''],
    unit('engine/claims', 'a page that was asked for ahead is dropped'),
  ],
  [
    'P1',
    'a turn is had by success alone',
    ['src/engine/claims.ts', "if (task.kind === 'window') {", "if (task.kind === 'signal') {"],
    unit('engine/claims', 'had its turn also when its reading fails'),
  ],
  [
    'P7',
    'dead letters are forgotten for others',
    [
      'src/engine/committer.ts',
      'for (const { id, hash } of refusals) if (kept.has(id) || kept.size < REFUSED_MAX) kept.set(id, hash);',
      'for (const { id, hash } of refusals.slice(-1000)) kept.set(id, hash);',
    ],
    unit('engine/dead-letters', 'fifteen hundred refused records'),
  ],
  [
    'P7',
    'one record ends its account',
    [
      'src/codec/codec.ts',
      'if (thrown instanceof ConversionError || thrown instanceof PublisherError) throw thrown;',
      'throw thrown;',
    ],
    unit('engine/dead-letters', 'any other failure of one record'),
  ],
  [
    'P7',
    'a dead letter cannot be as deep as its record',
    [
      'src/base/json.ts',
      'if (!(error instanceof RangeError || error instanceof UnwritableError)) throw error;',
      'throw error;',
    ],
    unit('engine/dead-letters', 'nested twenty thousand deep'),
  ],
  [
    'P8',
    'an absent total is a small one',
    [
      'src/engine/deletions/counts.ts',
      'isCount ? page.totalEntries : null',
      'isCount ? page.totalEntries : page.records.length',
    ],
    ['src/engine/steps/list-step.ts', 'advanced.scan.total !== null', 'true'],
    unit('engine/uncounted', 'are held for nothing'),
  ],
  [
    'P8',
    'who is told no total takes the reports as they are',
    [
      'src/engine/reports/narrowing.ts',
      'told ?? (await walkedCount(source, PRIORITY.poll, context))',
      'told ?? source.index.size',
    ],
    unit('engine/uncounted', 'protect all the same'),
  ],
  [
    'P1',
    'empty windows are read too',
    ['src/streams/windows.ts', 'if (!isWhole) {', 'if (isWhole || !isWhole) {'],
    unit('engine/report-windows', 'windows in which nothing is recorded'),
  ],
  [
    'P1',
    'windows that were jumped over count as read',
    [
      'src/engine/state/position.ts',
      'dirty: addedTo(position.dirty, skipped, new Set()) };',
      'dirty: addedTo(position.dirty, skipped.slice(0, 0), new Set()) };',
    ],
    unit('engine/scan', 'that were jumped over are dirty'),
  ],
  [
    'P1',
    'covered never shrinks',
    [
      'src/engine/reports/report-step.ts',
      'const covered = shrinkCovered(isGone ? position : coverWindow(position, from, held), left);',
      'const covered = isGone ? position : coverWindow(position, from, held);',
    ],
    unit('engine/report-windows', 'costs one window of each report'),
  ],
  [
    'P1',
    'what came first outranks what is late',
    ['src/engine/schedule.ts', '(at > 0 ? at : unlessSetBack(memory.waitingSince, 0, now))', 'Math.max(at, 0)'],
    unit('engine/late-polls', 'a walk of many pages'),
  ],
  [
    'P1',
    'unread windows go before all others',
    ['src/engine/schedule.ts', 'return inTurn(urgent, runtime);', 'return urgent[0];'],
    unit('engine/report-windows', 'unread, dirty and current windows take turns'),
  ],
  [
    'P9',
    'a mistyped year is named by nobody',
    ['src/streams/windows.ts', 'return years < -YEARS_BACK || years > YEARS_AHEAD;', 'return years === Number.NaN;'],
    unit('engine/report-windows', 'costs one window of each report'),
  ],
  [
    'P8',
    'candidates outgrow the state row',
    ['src/engine/deletions/reconciliation.ts', 'news.slice(0, room)', 'news'],
    unit('engine/reconciliation', 'fit the state row'),
  ],
  [
    'P7',
    'a refused record waits for its next change',
    ['src/engine/steps/second-look.ts', 'const [first] = PAUSES_MS;', 'const first = 1e12;'],
    unit('engine/dead-letters', 'that was broken on its way is published'),
  ],
  [
    'P7',
    'digits beyond a double are lost',
    ['src/harvest/pages.ts', 'parsed = parseJson(text);', 'parsed = JSON.parse(text);'],
    unit('engine/dead-letters', 'digits that a double does not hold'),
  ],
  [
    'P7',
    'an empty text refuses its record',
    [
      'src/codec/encoding.ts',
      "const isEmptied = member === '' && field.isTime && field.nullable;",
      'const isEmptied = false;',
    ],
    unit('engine/dead-letters', 'an empty text where a time may be null'),
  ],
  ['P6', 'follow foreign links', ['src/harvest/links.ts', 'url === null || !isOurs(url, base)', 'url === null']],
  [
    'P1',
    'forget dirty windows',
    [
      'src/engine/reports/restatement.ts',
      'if (read.length === 0) return [];',
      "if (read.length === 0 || mark === 'dirty') return [];",
    ],
    [
      'src/engine/reports/window-schedule.ts',
      "return [...tasks, taskAt('round', ofDay(nextOfRound(position, windows)), due)];",
      'return tasks;',
    ],
  ],
  [
    'P1',
    'children of a parent that is not on its topic stay',
    [
      'src/engine/run-step.ts',
      'withMissingParents(withDerived(await stepOf(claim, context), context))',
      'withDerived(await stepOf(claim, context), context)',
    ],
    unit('engine/missing-parents', 'what was below it leaves all the same'),
  ],
  [
    'P1',
    'polls that are always late put off a reconciliation for ever',
    ['src/engine/state/memory.ts', 'steppedAt: now,', 'steppedAt: 0,'],
    unit('engine/late-polls', 'is not put off for ever'),
  ],
  [
    'P1',
    'requests that always wait for a place put off a reconciliation for ever',
    ['src/engine/pacemaker.ts', '>= STEPS_WITHOUT_SLACK', '< 0'],
    unit('engine/late-polls', 'answers so slow'),
  ],
  [
    'P8',
    'items are deleted with a missing parent, however many they are',
    ['src/engine/deletions/removal-step.ts', '[...below, ...items].find(', 'below.find('],
    unit('engine/missing-parents', 'the items are held'),
  ],
  [
    'P8',
    'what takes nothing but items along is deleted at once, however many they are',
    ['src/engine/deletions/confirm-step.ts', ' + runtime.derived.length', ''],
    unit('engine/missing-parents', 'of items alone'),
  ],
  [
    'P8',
    'skip the scan before a removal',
    ['src/engine/deletions/removal-step.ts', 'runtime.memory.scannedFrom <= owner.memory.confirmedSince', 'false'],
  ],
  [
    'P2',
    'apply the index on a lost commit',
    [
      'src/engine/committer.ts',
      'await sink.commit(batch);',
      'for (const [runtime, row] of rows) runtime.row = row; for (const { diffs } of results) for (const [runtime, diff] of diffs) apply(runtime, diff.changes); await sink.commit(batch);',
    ],
  ],
  [
    'P2',
    'begin with an empty index',
    ['src/engine/state/stream-runtimes.ts', 'if (!runtime) return;', 'if (runtime) return; if (!runtime) return;'],
  ],
  [
    'P1',
    'no children of changed parents, no slow scan',
    ['src/engine/steps/consequences.ts', 'if (changed.length === 0) return [];', 'return [];'],
    [
      'src/engine/schedule.ts',
      'return read(derivedDueAt(runtime, now) ?? intervalEnd, patientPriority(runtime));',
      'return read(NEVER, patientPriority(runtime));',
    ],
  ],
  [
    'P1',
    'never count, never take a reconciliation',
    ['src/engine/deletions/reconciliation.ts', 'if (missing === 0) return', 'if (missing !== Number.NaN) return'],
    [
      'src/engine/schedule.ts',
      'const reconciliation = reconciliationDue(runtime, view, now);',
      'const reconciliation = null;',
    ],
  ],
  [
    'P8',
    'a release changes nothing',
    ['src/engine/steps/signal-step.ts', 'return row.hold === null ? row : released(row);', 'return row;'],
  ],
  [
    'P10',
    'a log-in takes the redirect of anybody',
    ['src/cli/login-callback.ts', 'if (told.length !== ours.length || !timingSafeEqual(told, ours)) return null;', ''],
    unit('cli/login', 'a redirect with another state is turned away'),
  ],
  [
    'P9',
    'the token of a new log-in is overwritten by the old one',
    [
      'src/harvest/auth.ts',
      'const isNewLogin = found !== null && !isSame(found, this.#stored);',
      'const isNewLogin = false;',
    ],
    unit('harvest/auth', 'a log-in of another process is taken'),
  ],
  [
    'P9',
    'a paused stream is read all the same',
    ['src/engine/schedule.ts', 'if (paused !== null) return null;', ''],
    unit('engine/pause', 'asks Harvest nothing'),
  ],
  [
    'P8',
    'a deletion takes along what may have moved away in a paused list',
    [
      'src/engine/deletions/removal-step.ts',
      "definition.kind === 'child' || (isRunning(row) && row.complete)",
      "definition.kind === 'child' || row.complete",
    ],
    unit('engine/pause', 'what a deletion takes along of a paused list'),
  ],
  [
    'P1',
    'lists below a paused stream wait for deletes that it does not carry out',
    [
      'src/engine/deletions/removal-step.ts',
      'row.confirmed.length > 0 && isRunning(row) &&',
      "row.confirmed.length > 0 && row.state === 'RUNNING' &&",
    ],
    unit('engine/pause', 'the lists below it go on'),
  ],
  [
    'P4',
    'a signal is not part of its transaction',
    ['src/engine/committer.ts', 'signalsDone: results.flatMap((result) => result.signalsDone),', 'signalsDone: [],'],
  ],
  [
    'P7',
    'unknown members are lost',
    ['src/codec/encoding.ts', 'if (leftover.rest === undefined) return', 'if (leftover.rest !== Number.NaN) return'],
  ],
  [
    'P9',
    'plan tells the time of a budget of which nothing is kept for what is current',
    ['src/intervals.ts', 'reportsAllotment(budgets.reports.requests, current, true).rest', 'budgets.reports.requests'],
    unit('engine/first-run', 'the time that plan tells'),
  ],
  [
    'P9',
    'the status counts no windows among what is left of a first run',
    ['src/engine/account-status.ts', 'reportWindows(runtime, view, now).held.length : null', '0 : null'],
    unit('engine/first-run', 'the time that plan tells'),
  ],
  [
    'P9',
    'the last windows of reports are told by the time in which none was read',
    ['src/observe/estimate.ts', " || scan.unit === 'windows'", ''],
    unit('cli/progress', 'tells the end of the last windows by their budget'),
  ],
  [
    'P9',
    'a derived stream is told by an interval of its own, which nothing is read by',
    ['src/engine/account-status.ts', 'paceOf(asked)', 'paceOf(runtime)'],
    unit('engine/derived', 'a derived stream is as late as its parent'),
  ],
  [
    'P10',
    'whatever stands in the place of a request id travels on',
    ['src/harvest/failures.ts', '.test(id) ? id : null;', '.test(id) ? id : id || null;'],
    unit('harvest/client', 'an answer named'),
  ],
  ['P6', 'Retry-After is not obeyed', ['src/harvest/caller.ts', 'budget.pause(ms);', '']],
  ['P7', 'drop what does not convert', ['src/engine/state/diff.ts', 'this.deadLetters.push(', '[].push(']],
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
      'this.#queue.map(({ windows }) => this.#waitMs(windows, now.monotonic))',
      'this.#queue.map(({ windows }) => this.#waitMs(windows, this.#look().monotonic))',
    ],
  ],
  [
    'P6',
    'a lease that does not end',
    [
      'src/harvest/lease.ts',
      'monotonic < end.monotonic && wall < end.wall && started',
      '(monotonic <= Infinity || !wall || !end) && started',
    ],
    ['unit', 'test/unit/harvest/budget-lives.test.ts', 'when an owner sleeps through'],
  ],
  [
    'P6',
    'a lease that counts as spent when it is read',
    ['src/harvest/lease.ts', 'attempts.push(monotonic + leaseMs);', 'attempts.push(monotonic);'],
    ['unit', 'test/unit/harvest/budget-lives.test.ts', 'when an owner sleeps through'],
  ],
  [
    'P6',
    'a lease of somebody else, handed on as if it had ended',
    ['src/harvest/lease.ts', 'time > writtenAt ? monotonic + time - writtenAt :', 'time > writtenAt ? monotonic :'],
    ['unit', 'test/unit/harvest/budget-lives.test.ts', 'when an owner sleeps through'],
  ],
  [
    'P6',
    'a token comes back at once',
    ['src/harvest/budget.ts', 'window.end(now, times);', 'window.end(now - this.windowMs / 2, times);'],
  ],
  [
    'P9',
    'a refused stream says nothing',
    [
      'src/engine/state/stream-row.ts',
      'state, reason, remedy, since: row.state === state',
      "state, reason, remedy: '', since: row.state === state",
    ],
  ],
  [
    'P9',
    'a refusal passes for an empty list',
    [
      'src/engine/state/stream-row.ts',
      'return { ...row, state, reason, remedy, since',
      'return { ...row, synced_to: isoSeconds(now), state, reason, remedy, since',
    ],
  ],
  [
    'P9',
    'opening the log is progress',
    [
      'src/engine/account.ts',
      'await this.#open(signal);\n',
      'await this.#open(signal);\n        backoff.progressed();\n',
    ],
    ['unit', 'test/unit/engine/reopening.test.ts', 'a log that opens and takes no commit'],
  ],
  [
    'P9',
    'storing the budgets is progress',
    ['src/engine/committer.ts', 'if (rows.size > 0) onProgress();', 'onProgress();'],
    ['unit', 'test/unit/engine/reopening.test.ts', 'that the budgets are stored is no progress'],
  ],
  [
    'P9',
    'a standstill is not told',
    ['src/base/watchdog.ts', 'if (watched.stillMs < patienceMs) return;', 'return;'],
    ['unit', 'test/unit/engine/standstill.test.ts', 'when a commit never ends'],
  ],
  [
    'P9',
    'the watchdog takes the time of a stopped process for its own',
    ['src/base/watchdog.ts', 'Math.min(now - this.#lookedAt, LOOK_MS)', 'now - this.#lookedAt'],
    ['unit', 'test/unit/base/watchdog.test.ts', 'a process that was stopped for an hour'],
  ],
  [
    'P9',
    'an outage of the log passes for a standstill',
    ['src/engine/account-watch.ts', 'moves: () => sink.moves().log,', 'moves: () => 0,'],
    ['unit', 'test/unit/engine/standstill.test.ts', 'while the log takes no commit for an hour'],
  ],
  [
    'P9',
    'a used up budget passes for a standstill',
    [
      'src/harvest/budget.ts',
      'this.#queue.length > 0 && this.#queue.every(',
      'this.#queue.every(() => false) && this.#queue.every(',
    ],
    ['unit', 'test/unit/engine/standstill.test.ts', 'in an hour of ordinary life'],
  ],
  [
    'P6',
    'polls take more than their share of the budget',
    ['src/engine/pace/polling.ts', 'Math.max(1, perWindow / room)', '1'],
    unit('engine/polling', 'never take more of the budget than that'),
  ],
  [
    'P6',
    'reports begin a reading that has no room for another',
    ['src/engine/pacemaker.ts', 'const REQUESTS_A_WINDOW = 2;', 'const REQUESTS_A_WINDOW = 1;'],
    unit('engine/report-freshness', 'entries of all months are deleted, seed 6'),
  ],
  [
    'P1',
    'what changes while it is being read is taken off with that reading',
    ['src/engine/state/position.ts', 'taken.has(each) ? 2 : 1', '1'],
    unit('engine/scan', 'are noted again while they are being read'),
  ],
  [
    'P1',
    'a reading takes off a window that was noted after it began',
    [
      'src/engine/reports/report-step.ts',
      'began.dirty.includes(from) ? takenOff(covered.dirty, [from]) : covered.dirty',
      'takenOff(covered.dirty, [from])',
    ],
    unit('engine/report-freshness', 'edited while its window is read for another reason'),
  ],
  [
    'P6',
    'polls fill their share to the last request',
    ['src/engine/pace/polling.ts', 'const PLANNED_SHARE = 9 / 10;', 'const PLANNED_SHARE = 1;'],
    unit('engine/freshness', 'with twelve lists changing'),
  ],
  [
    'P6',
    'all lists are counted at the same time',
    ['src/engine/pace/count-turns.ts', 'now - (countMs * place) / lists.length', 'now'],
    unit('engine/freshness', 'with twelve lists changing'),
  ],
  [
    'P6',
    'a full lane holds back those behind it',
    [
      'src/harvest/budget.ts',
      'this.#queue.find(({ windows }) => this.#waitMs(windows, now.monotonic) <= 0);',
      'this.#queue.slice(0, 1).find(({ windows }) => this.#waitMs(windows, now.monotonic) <= 0);',
    ],
    unit('harvest/budget-lives', 'a poll starts at once'),
  ],
  [
    'P1',
    'the history of reports waits behind dirty windows',
    ['src/engine/pace/allotment.ts', 'again: atLeastOne(requests * AGAIN_SHARE) }', 'again: rest }'],
    unit('engine/polling', 'gives the history all that current windows leave'),
  ],
  [
    'P6',
    'a reset is read as a poll to its end',
    ['src/engine/state/position.ts', ' || since === null || pages >= TIMELY_PAGES', ''],
    unit('engine/freshness', 'of a long list after another'),
  ],
  [
    'P6',
    'a snapshot takes its share of the window at once',
    ['src/engine/pace/allotment.ts', 'burst: Math.ceil(bulk * BURST_SHARE * BURST_MARGIN)', 'burst: bulk'],
    unit('engine/freshness', 'of a long list after another'),
  ],
  [
    'P6',
    'pages of lists wait behind thousands of children',
    ['src/engine/pace/allotment.ts', 'isReading ? atLeastOne(rest / 2)', 'isReading ? rest'],
    unit('engine/freshness', 'a list of a hundred pages is read within'),
  ],
  [
    'P6',
    'a reading of everything waits behind all first readings once it has begun',
    [
      'src/engine/deletions/reconciliation-step.ts',
      'PRIORITY.dirty : PRIORITY.snapshot',
      'PRIORITY.dirty : PRIORITY.slack',
    ],
    unit('engine/freshness', 'of a long list after another'),
  ],
  [
    'P8',
    'a list is not counted while everything of it is being read',
    ['src/engine/deletions/count-check.ts', '(isBeingRead(row) && row.hold !== null)', 'isBeingRead(row)'],
    unit('engine/freshness', 'arrives within a minute while the list is read whole'),
  ],
  [
    'P8',
    'a search ends the reading that it interrupted',
    ['src/engine/deletions/reconciliation.ts', '(reconciliation.interrupted ?? null)', 'null'],
    unit('engine/reconciliation', 'goes first, and the reading goes on where it was'),
  ],
  [
    'P8',
    'what a 404 has explained is still counted as missing',
    [
      'src/engine/deletions/confirm-step.ts',
      'row.missing - Math.min(deletions, Math.max(0, row.missing))',
      'row.missing',
    ],
    unit('engine/reconciliation', 'a second deletion that is counted'),
  ],
  [
    'P1',
    'first readings leave nothing to what follows from a change',
    ['src/engine/pace/allotment.ts', 'atLeastOne(rest * (1 - PROMPT_SHARE))', 'rest'],
    unit('engine/polling', 'leaves a twelfth of the rest'),
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
    unit('harvest/refusals', 'two 403 of Harvest in mid-scan'),
  ],
  [
    'P9',
    'the page of a proxy refuses the token',
    ['src/harvest/failures.ts', 'status === 404) && parsedObject(body) === null', 'status === 404) && false'],
    unit('harvest/refusals', 'a 401 that a proxy answers with its page'),
  ],
  [
    'P1',
    'bytes that are no UTF-8 are published at once',
    ['src/harvest/caller.ts', 'if (progress.garbled < TRIES) throw garbled(place);', ''],
    unit('harvest/refusals', 'are asked for again'),
  ],
  [
    'P9',
    'a token that is refused later ends the account',
    ['src/engine/account.ts', 'waitsForToken: () => !once && (', 'waitsForToken: () => false && ('],
    unit('engine/refused-token', 'a token that is refused later leaves the account up'),
  ],
  [
    'P9',
    'a replaced token file is not read',
    ['src/harvest/auth.ts', 'if (present === null ||', 'if (present !== null ||'],
    unit('engine/refused-token', 'a token that is replaced in its file'),
  ],
  [
    'P9',
    'an account is made before its token is tried',
    ['src/engine/introduction.ts', 'await source.introduce(signal);', ''],
    unit('first-request', 'a token that is refused ends with 77'),
  ],
  [
    'P6',
    'short lives before this one are not counted',
    ['src/harvest/budget.ts', 'const SHORT_LIVES = 20;', 'const SHORT_LIVES = 1;'],
    unit('harvest/budget', 'a row of short lives'),
  ],
  [
    'P6',
    'a pause of years is kept by every successor',
    ['src/harvest/pause.ts', 'if (ms > LONG_PAUSE_MS)', 'if (ms > Number.POSITIVE_INFINITY)'],
    unit('engine/long-pauses', 'the next process asks once'),
  ],
  [
    'P6',
    'all ask at once whether a long pause holds',
    ['src/harvest/pause.ts', 'if (asks) this.#isAsking = true;', ''],
    unit('harvest/pause', 'of many requests one starts, and the others when'),
  ],
  [
    'P9',
    'run --once waits for ever under 429',
    ['src/engine/retry.ts', 'each.throttledMs() > LONG_PAUSE_MS', 'false'],
    unit('engine/long-pauses', 'run --once under 429 each quarter of a minute'),
  ],
  [
    'P6',
    'links behind a gateway leave it',
    ['src/harvest/links.ts', 'const address = below(base, path);', 'const address = below(publicBase, path);'],
    unit('harvest/gateway', "lists of several pages whose links name Harvest's own address"),
  ],
  [
    'P7',
    'a body that is no JSON becomes some',
    ['src/harvest/one-byte.ts', 'if (bytes[at - 1] === BACKSLASH) return null;', ''],
    unit('harvest/one-byte', 'is not made of what is none'),
  ],
  [
    'P10',
    'behind a proxy anybody passes for Harvest',
    ['src/base/http-agent.ts', 'requestTls: connect,', 'requestTls: { rejectUnauthorized: false },'],
    unit('proxies', 'behind the proxy the certificate of Harvest itself is looked at'),
  ],
  [
    'P9',
    'a token endpoint that is away is told as a doubt about commits',
    ['src/kafka/failures.ts', 'if (own !== null) return own;', ''],
    unit('kafka/bearer-tokens', 'an endpoint that answers 503'),
  ],
  [
    'P9',
    'run --once calls a blocked stream read',
    ['src/cli/once.ts', "each.state === 'BLOCKED' ||", "each.state === 'BLOCKED' && false ||"],
    unit('cli/once', 'with 75 for a stream that is blocked'),
  ],
  [
    'P5',
    'a fenced instance opens again',
    ['src/base/errors.ts', "'kafka.fenced': row('account'", "'kafka.fenced': row('reopen'"],
  ],
  [
    'P1',
    'derived streams that are switched on later get nothing of what was there before',
    ['src/engine/schedule.ts', "if (derivedReading(runtime) !== 'due') return null;", 'if (runtime) return null;'],
    unit('engine/derived', 'switched on later'),
  ],
  [
    'P1',
    'derived streams miss what happened while they were switched off',
    ['src/engine/state/stream-runtimes.ts', ' ?? interruption(runtime, stored)', ''],
    unit('engine/derived', 'switched off for a while'),
  ],
  [
    'P1',
    'an item that left its parent stays',
    [
      'src/engine/steps/derived.ts',
      'if (!there.has(id)) diff.remove(id);',
      'if (changes.get(id) === null) diff.remove(id);',
    ],
    unit('engine/derived', 'an item that left'),
  ],
  [
    'P8',
    'a record that does not say what it holds loses its items',
    ['src/streams/definition.ts', 'if (!Array.isArray(items)) return null;', 'if (!Array.isArray(items)) return [];'],
    unit('engine/derived', 'does not say what it holds'),
  ],
  [
    'P10',
    'an excluded field stays in the schema',
    ['src/codec/mask.ts', "if (treatment === 'exclude') return [];", "if (treatment === 'exclude') return [field];"],
    unit('codec/mask', 'under any mask a record has the fields'),
  ],
  [
    'P10',
    'an excluded field goes to _extra',
    ['src/codec/mask.ts', "if (treatment === 'exclude') continue;", ''],
    unit('privacy', 'an excluded value is in no record'),
  ],
  [
    'P10',
    'a hashed field is published as it is',
    ['src/codec/mask.ts', 'kept.push([name, hashed(value)])', 'kept.push([name, value])'],
    unit('privacy', 'an excluded value is in no record'),
  ],
  [
    'P10',
    'a dead letter shows what an excluded field was part of',
    ['src/codec/mask.ts', 'return WITHHELD;', 'return value;'],
    unit('codec/mask', 'shows nothing of a member that was to lose a part'),
  ],
  [
    'P10',
    'a record asked for by its id keeps its excluded fields',
    ['src/harvest/client.ts', 'return this.#mask(stream, body);', 'return body;'],
    unit('privacy', 'an excluded value is in no record'),
  ],
  [
    'P10',
    'what was published before a field was excluded stays',
    ['src/codec/codec.ts', '...(isWider && { hash: UNREADABLE.hash })', ''],
    unit('privacy', 'rows that lie on a topic with a field'),
  ],
  [
    'P10',
    'a decimal becomes text where the registry lets it',
    ['src/codec/registry.ts', 'refusal ?? (await otherTypes(client, subject))', 'refusal'],
    unit('codec/registry', 'a type that changes is refused'),
  ],
  [
    'P10',
    'a password in the command line goes into the connector',
    ['src/cli/sink.ts', 'if (PLACEHOLDER.test(value)) return value;', 'return value;'],
    unit('cli/program', 'a secret in the command line is refused and not repeated'),
  ],
  [
    'P8',
    'the connector of the tables leaves deleted rows there',
    ['src/sink/connector.ts', "'delete.enabled': 'true'", "'delete.enabled': 'false'"],
    unit('sink/connector', 'it reads only what is committed, deletes, quotes'),
  ],
  [
    'P4',
    'the connector of the tables reads what may be aborted',
    ['src/sink/connector.ts', "'read_committed'", "'read_uncommitted'"],
    unit('sink/connector', 'it reads only what is committed, deletes, quotes'),
  ],
  [
    'P7',
    'a table leaves nested records out without a word',
    ['src/sink/tables.ts', "if (typeof held === 'object' && held.type === 'record') {", 'if (false) {'],
    unit('sink/ddl', 'has a column for every member of its schema'),
  ],
  [
    'P10',
    'the page answers to any name that leads here',
    ['src/observe/hosts.ts', "!hostname.includes('.')", 'true'],
    unit('observe/http', 'foreign.example.com'),
  ],
  [
    'P9',
    'a page that hears nothing goes on looking well',
    ['src/observe/page-assets.ts', '++silent > SILENT_FRAMES', 'false'],
    unit('observe/browser', 'nothing comes any more'),
  ],
  [
    'P9',
    'events wait in memory for a page that does not read',
    ['src/observe/viewers.ts', 'if (!response.writableNeedDrain) response.write', 'response.write'],
    unit('observe/events', 'one event waits in memory'),
  ],
  [
    'P5',
    'among members of a group the order of the log decides alone',
    ['src/kafka/rank.ts', '(a.term ?? 0) - (b.term ?? 0) || (a.generation ?? 0) - (b.generation ?? 0)', '0'],
    unit('kafka/state-topic', 'a member that signs after us under an older term'),
  ],
  [
    'P5',
    'a rank is that of the first assignment for ever',
    ['src/kafka/state-topic.ts', 'this.#rank = rank;', 'const first = { ...rank() };\n    this.#rank = () => first;'],
    unit('kafka/state-topic', 'an assignment that names the account again'),
  ],
  [
    'P5',
    'the release of the owner before is not awaited',
    ['src/kafka/publisher.ts', 'await this.#ownership.awaitRelease(reader, signal);', ''],
    ['real', 'test/kafka/ownership.test.ts', 'the last commit releases the account'],
  ],
  [
    'P11',
    'the last commit releases nothing',
    ['src/engine/committer.ts', "isLast: budgets === 'exact',", ''],
    unit('engine/committer', 'the last batch of a session that ends'),
  ],
  [
    'P12',
    'the first claim wins, whatever its term',
    ['src/cluster/assign.ts', 'claims.filter(({ term }) => term === greatest)', 'claims'],
    unit('cluster/assign', 'leaves an account with whoever claims it under the greatest term'),
  ],
  [
    'P12',
    'claims are not heard: all is shared out anew in every round',
    ['src/cluster/assign.ts', 'if (claimant === undefined) return false;', 'return false;'],
    unit('cluster/assign', 'of a round in which a member left'),
  ],
  [
    'P12',
    'balance does not wait for calm',
    ['src/cluster/leader.ts', 'now >= calmAt ?', 'true ?'],
    unit('cluster/leader', 'a member that joins gets accounts only after a time of calm'),
  ],
  [
    'P12',
    'a coordinator that does not answer has evicted the member',
    ['src/cluster/coordinator.ts', "?? 'away'", "?? 'evicted'"],
    unit('cluster/member', 'a coordinator that is away for longer than the session'),
  ],
  [
    'P11',
    'a new member does not know its id until its first round is over',
    ['src/cluster/member.ts', '(memberId) => {\n      this.#memberId = memberId;\n    }', '() => {}'],
    unit('cluster/member', 'goes while it joins for the first time'),
  ],
  [
    'P5',
    'terms do not grow past what members have heard',
    ['src/cluster/term.ts', '1 + Math.max(0, ...known)', 'Math.max(1, ...known)'],
    unit('cluster/leader', 'each round has a greater term'),
  ],
  [
    'P9',
    'a stream that is not read owes in the name of its account',
    ['src/observe/stream-gauges.ts', "status.state === 'RUNNING' || status.state === 'HELD'", 'true'],
    unit('observe/metrics', 'of an account as a whole show what is worst in it'),
  ],
  [
    'P9',
    'a subject of another account that holds a schema stands for all of them',
    ['src/codec/look-ups.ts', 'id !== null && (await this.#holdersOf(id)).has(subject)', 'id !== null'],
    unit('codec/look-ups', 'finds that a subject of one account holds another schema'),
  ],
  [
    'P9',
    'a broker that never answers a request is waited for without end',
    ['src/kafka/silent-queues.ts', 'clock.now() - request.sentAt > request.requestTimeout', 'false'],
    unit('kafka/idle-connections', 'a request that nobody answers is given up after its time'),
  ],
  [
    'P9',
    'signals are read only while the log is known',
    ['src/kafka/signals.ts', 'stable === known) return;', 'stable <= known) return;'],
    ['real', 'test/kafka/signals.test.ts', 'a state topic made anew while the sink runs'],
  ],
  [
    'P5',
    'in the fleet, the log takes what an older instance commits',
    ['test/support/memory-log.ts', 'if (epoch !== log.epoch) throw', 'if (epoch === -1) throw'],
    FLEET,
  ],
  [
    'P5',
    'a greater term in the log is not looked at',
    ['src/kafka/state-topic.ts', 'if (compareRanks(this.#greatest, rank) > 0) return this.#greatest;', ''],
    ['src/kafka/state-topic.ts', 'findLast((owner) => compareRanks(owner, rank) >= 0)', 'at(-1)'],
    FLEET,
  ],
  [
    'P11',
    'a second tenure of an account has the id of the first',
    ['src/holding.ts', 'world.tenure({ ...premises, emit }', "world.tenure({ ...premises, emit, uuid: () => 'pub' }"],
    FLEET,
  ],
  [
    'P11',
    'tenures survive an eviction',
    [
      'src/fleet.ts',
      'this.#drop(`the group went on without this instance: ${event.why}`, null);',
      'this.#trouble = null;',
    ],
    FLEET,
  ],
  [
    'P11',
    'in the fleet, the last commit releases nothing',
    ['src/engine/committer.ts', "isLast: budgets === 'exact',", ''],
    ['test/support/sim/fleet/signed-sink.ts', 'log.releaseAtLast(writer);', ''],
    FLEET,
  ],
  [
    'P12',
    'in the fleet, the release of the owner before is not awaited',
    ['src/kafka/ownership.ts', 'if (this.#signed !== null || !membership?.isHandedOver()) return;', 'return;'],
    FLEET,
  ],
  [
    'P11',
    'the release of an owner that is gone is waited for',
    ['src/holding.ts', 'isHandedOver: () => this.#from !== null,', 'isHandedOver: () => true,'],
    FLEET,
  ],
  [
    'P12',
    'everything stops in a rebalance',
    ['src/fleet.ts', 'if (assigned.has(id)) holding.renew(this.#rank(), members);', 'if (assigned.size < 0) return;'],
    FLEET,
  ],
  [
    'P12',
    'in the fleet, claims are not heard',
    ['src/cluster/assign.ts', 'if (claimant === undefined) return false;', 'return false;'],
    FLEET,
  ],
  ['P11', 'a main loop that stands still keeps its accounts', ['src/cluster/loop-watch.ts', 'onStall();', ''], FLEET],
  [
    'P11',
    'an account that was lost is not asked for again',
    ['src/holding.ts', 'group.lost(this.account.id);', ''],
    FLEET,
  ],
  [
    'P6',
    'in the fleet, no budget after a hand-over',
    ['src/harvest/budget.ts', 'if (row !== null && !isOurs)', 'if (row !== null && !isOurs && false)'],
    FLEET,
  ],
  [
    'P9',
    'all accounts of a process by itself open at once',
    ['src/daemon.ts', 'await turn.take(either);', ''],
    unit('opening-turn', 'of six accounts of a process by itself'),
  ],
  [
    'P11',
    'a member that leaves keeps its accounts',
    ['src/cluster/assign.ts', 'return !this.#members.get(id)!.leaving &&', 'return'],
    unit('cluster/assign', 'gives each account that a staying member has'),
  ],
];

export const MUTANTS = TABLE.map(([promise, name, ...rest]) => {
  const shelf = rest.find(([first]) => SHELVES.includes(first)) ?? null;
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
