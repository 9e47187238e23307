import { differs } from '../verify/finding.js';
import { indented } from './context.js';
import { printable, table } from './output.js';
export function renderFindings(accounts, options) {
    const many = accounts.length > 1;
    return accounts
        .map(({ account_id, streams }) => `${many ? `account ${account_id}\n` : ''}${renderAccount(streams, options)}`)
        .join('\n');
}
function renderAccount(streams, options) {
    const rows = streams.map((finding) => ({
        stream: finding.stream,
        compared: finding.compared,
        missing: finding.missing.length,
        extra: finding.extra.length,
        stale: finding.stale.length,
        moving: finding.moving,
        refused: finding.refused.length,
        note: noteOf(finding),
    }));
    const shown = table(rows, ['stream', 'compared', 'missing', 'extra', 'stale', 'moving', 'refused', 'note']);
    return [shown, ...reasons(streams), ...differences(streams, options.ids), verdict(streams, options)].join('\n');
}
function noteOf({ state, compared, daemon, tally, refused_parents }) {
    const notes = [];
    if (state !== 'compared')
        notes.push(`${state}, ${compared > 0 ? 'looked at once' : 'not compared'}`);
    if (daemon && daemon.state !== state && daemon.state !== 'RUNNING')
        notes.push(`the daemon says ${daemon.state}`);
    if (daemon?.state === 'RUNNING' && !daemon.complete)
        notes.push('first sweep not finished');
    if (refused_parents.length > 0)
        notes.push(`${refused_parents.length} parents refused`);
    if (tally)
        notes.push(`${tally.harvest} in Harvest, ${tally.topic} on the topic`);
    return notes.join('; ');
}
/** Why streams were not compared, each reason once. */
function reasons(streams) {
    const byReason = new Map();
    for (const { stream, state, reason, remedy, daemon } of streams) {
        const told = reason === null ? daemon : { reason, remedy };
        if (!told?.reason)
            continue;
        const text = [told.reason, told.remedy].filter(Boolean).join('\n');
        byReason.set(text, [...(byReason.get(text) ?? []), `${stream}: ${reason === null ? daemon.state : state}`]);
    }
    return [...byReason].map(([text, names]) => `${names.join('\n')}\n${indented(text)}\n`);
}
function differences(streams, most) {
    const lines = [];
    for (const { stream, missing, extra, stale, tally } of streams) {
        lines.push(...idLines(`${stream}: missing on the topic`, missing, most, String));
        lines.push(...idLines(`${stream}: extra on the topic`, extra, most, String));
        lines.push(...idLines(`${stream}: stale on the topic`, stale, most, staleText));
        if (tally && tally.harvest !== tally.topic) {
            lines.push(`${stream}: Harvest counts ${tally.harvest} rows, the topic ${tally.topic}`);
        }
    }
    return lines.length > 0 ? [...lines, ''] : [];
}
function idLines(what, rows, most, text) {
    if (rows.length === 0)
        return [];
    const more = rows.length > most ? [`  and ${rows.length - most} more (--ids, --json)`] : [];
    return [what, ...rows.slice(0, most).map((row) => `  ${printable(text(row))}`), ...more];
}
function staleText({ id, fields, values }) {
    if (values) {
        const pairs = Object.entries(values).map(([name, { harvest, topic }]) => `${name}: Harvest ${JSON.stringify(harvest)}, topic ${JSON.stringify(topic)}`);
        return `${id} ${pairs.join('; ')}`;
    }
    return fields && fields.length > 0 ? `${id} (${fields.join(', ')})` : String(id);
}
function verdict(streams, { sample }) {
    const compared = streams.filter(({ state }) => state === 'compared');
    const unequal = compared.filter(differs).length;
    const scope = sample === undefined ? '' : ` This was a sample of at most ${sample} rows a stream, not all of them.`;
    if (streams.some(({ state }) => state === 'unfinished')) {
        return `Stopped: ${compared.length} of ${streams.length} streams were compared, ${unequal} of them differ.${scope}`;
    }
    if (unequal > 0)
        return `${unequal} of ${compared.length} streams differ.${scope}`;
    return compared.length === 0 ? 'Nothing was compared.' : `${compared.length} streams: no difference.${scope}`;
}
