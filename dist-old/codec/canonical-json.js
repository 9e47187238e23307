// JSON text that depends on the value alone: members sorted by name at every depth, because Harvest does not keep their
// order (harvest-api section 6) and an equal record must have equal bytes.
/** `value` is JSON data. Lone surrogates come out escaped, so the text is always well-formed. */
export function canonicalJson(value) {
    if (typeof value !== 'object' || value === null)
        return JSON.stringify(value);
    if (Array.isArray(value))
        return `[${value.map(canonicalJson).join(',')}]`;
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}
