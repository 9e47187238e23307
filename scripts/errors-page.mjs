// The page on every code for the person on call. What to do stands with the code, in src/base/errors.ts; here is what happened.

const HAPPENED = {
  'harvest.network':
    "No answer: name, connection, TLS or time-out. Or a 401, 403 or 404 that is not in Harvest's own JSON: a proxy or gateway answered in its place.",
  'harvest.server': 'Harvest or a proxy answered 5xx or 408.',
  'harvest.throttled':
    'The token service answered 429, or `run --once` was answered nothing else for an hour. (429 to an ordinary request only pauses its budget.)',
  'harvest.unparsable':
    'An answer that is no JSON, no UTF-8, no list, was cut off, or whose next links go in a circle.',
  'harvest.unauthorised': '401 in its own JSON, also after the token was refreshed or read anew.',
  'harvest.forbidden': '403 for a stream, three times within seconds.',
  'harvest.not_found': '404 for a list, three times within seconds.',
  'harvest.nothing_readable':
    '`run --once` could read none of the streams, or a new account answers 403 or 404 to `/users/me`.',
  'harvest.partly_readable': '`run --once` has read everything but streams that are FORBIDDEN.',
  'harvest.incomplete': '`run --once` could not read a stream to its end, or one is BLOCKED.',
  'harvest.refused': 'Harvest answered 400, 422 or another status that repeating does not mend.',
  'harvest.foreign_link': '`links.next` led neither to `harvest.base_url` nor to `harvest.public_url`.',
  'registry.unavailable': 'The registry does not answer, or answers 5xx.',
  'registry.throttled': 'The registry answers 429, or 503 with Retry-After, and wants to be left alone for long.',
  'registry.unauthorised': 'The registry answered 401 or 403.',
  'registry.incompatible': 'A subject holds a schema that ours cannot follow.',
  'registry.invalid': 'The registry answered 422 to a schema of ours.',
  'registry.not_registered': 'Schemas are missing and may not be registered.',
  'registry.refused': 'The registry answered something else than the Confluent API does.',
  'registry.replaced':
    'Topics were written to and the registry lacks their subjects, or gives the schema ids of their values to others.',
  'registry.key_schema_changed': 'A key on the topic has another schema id than the registry gives.',
  'kafka.unavailable': 'No broker answers.',
  'kafka.unauthorised': 'The log-in failed, or a right is missing; the message names it.',
  'kafka.doubt': 'An answer is missing or does not fit, so nobody knows whether the commit happened.',
  'kafka.fenced': 'A newer instance with the same prefix and account has started.',
  'kafka.clock_ahead': 'The broker refuses records that are dated too far ahead of its own clock.',
  'kafka.hanging_transaction': 'A transaction on one of our topics has not ended within 10 s.',
  'cluster.refused': 'The group of `cluster.group_id` does not take this instance as a member.',
  'cluster.owned':
    'An instance by itself was to take an account whose last owner is a member of a group, and instances of that group that live could run it.',
  'kafka.topic_contract':
    'A topic is not compacted, recompresses, got partitions after it was written, or cannot be made as configured.',
  'kafka.record_too_large':
    'The broker does not take a message of this size, and it is no record: those become dead letters. A state row has outgrown its topic, or a limit was lowered meanwhile. The account stops.',
  'kafka.unreadable': 'A record on our topic is not one that we write.',
  'connect.unavailable': 'Kafka Connect does not answer, or is sharing out its tasks.',
  'connect.unauthorised': 'Kafka Connect wants a log-in.',
  'connect.refused': 'Kafka Connect does not take the connector.',
  'connect.failed': 'The connector of the sink, or a task of it, has ended with an error.',
  'connect.not_running': 'The connector of the sink does not run after as long as it was given.',
  'state.unreadable': 'A state row is not of version 2, or no JSON.',
  'config.invalid': 'The configuration has problems; all of them are listed.',
  usage: 'The command line is not understood.',
  'http.listen': 'The address of the HTTP server cannot be taken.',
  'lab.missing': 'Java or Maven is missing for the demo or the stack.',
  'lab.failed': 'The local broker or registry did not start.',
  bug: 'A relation that must always hold does not.',
};

const NEXT = {
  transient: 'Repeated by itself with growing pauses, from the same cursor. `run --once` gives up after six tries.',
  blocked: 'The stream stands still with reason and remedy and is asked again every few minutes; the others go on.',
  reopen: 'The producer is discarded; the account is opened anew and goes on from what the topics say.',
  account: 'The account stops; the process exits when it was the last one.',
  fatal: 'The process exits, or does not start.',
  bug: 'The account stops; a restart goes on from what the topics say.',
};

const EXITS = {
  clean:
    'Done. `run --once` also ends so while streams are FORBIDDEN, BLOCKED or switched off: they are logged and in the state.',
  usage: 'The command line is wrong.',
  dataContract: 'Schemas, topics or requests are refused. `schemas diff`: something is missing or incompatible.',
  unavailable: 'A broker, registry, port or local program is not there.',
  bug: 'A defect; please report it.',
  temporary: 'Harvest or a commit kept failing. Start it again.',
  notAuthorised: 'A token, log-in or right is refused. `check`: also when one stream is.',
  configuration: 'The configuration is wrong.',
  fenced: 'A newer instance took over. Do not restart this one by itself: the two would take turns.',
};

/** docs/generated/ERRORS.md, of the tables of src/base/errors.ts: exit codes, what each kind of failure leads to, and every code. */
export function renderErrorsPage({ CODES, EXIT }) {
  const kinds = Object.entries(NEXT).map(([kind, next]) => row([`\`${kind}\``, next]));
  const exits = Object.entries(EXITS).map(([name, meaning]) => row([String(EXIT[name]), meaning]));
  const codes = Object.entries(CODES).map(([code, { kind, exit, remedy }]) =>
    row([`\`${code}\``, kind, String(exit), HAPPENED[code], remedy]),
  );
  return `# Failures

Generated from \`src/base/errors.ts\` and \`scripts/errors-page.mjs\`; do not edit.

## Exit codes

| code | meaning |
|---|---|
${exits.join('\n')}
| 130, 143 | Stopped by Ctrl-C or SIGTERM, cleanly. A second signal ends the process at once, which is safe. |

## Kinds

| kind | what happens next |
|---|---|
${kinds.join('\n')}

## Codes

They stand in the field \`code\` of log lines, in metrics and in \`--json\` output. A message may carry a more exact remedy than this table.

| code | kind | exit | what happened | what to do |
|---|---|---|---|---|
${codes.join('\n')}
`;
}

function row(cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
}
