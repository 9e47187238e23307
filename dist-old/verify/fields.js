/** The rows of `ids` with what differs; reads the topic once more. */
export async function staleRows(comparison, ids, codec, withValues, signal) {
    if (ids.length === 0)
        return [];
    const { topic, values } = comparison;
    const onTopic = await topic.values(new Set(values.keys()), signal);
    const decode = async (value) => (value ? codec.decode(topic.definition, value) : null);
    const rows = [];
    for (const id of ids) {
        const [ours, theirs] = [await decode(onTopic.get(id)), await decode(values.get(id))];
        if (ours === null || theirs === null) {
            rows.push({ id, fields: null });
            continue;
        }
        const fields = Object.keys(theirs).filter((name) => text(ours[name]) !== text(theirs[name]));
        rows.push({ id, fields, ...(withValues ? { values: both(fields, theirs, ours) } : {}) });
    }
    return rows;
}
function both(fields, harvest, topic) {
    return Object.fromEntries(fields.map((name) => [name, { harvest: harvest[name], topic: topic[name] }]));
}
const text = (value) => JSON.stringify(value ?? null);
