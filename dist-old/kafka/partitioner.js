// Which partition a key belongs to: the rule of the Java client, so that consumers and stream processors that partition
// by key agree with us. Knows bytes and counts only.
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
/** The partition of `key` among `partitions`: Java's `toPositive(murmur2(key)) % partitions`. */
export function partitionOf(key, partitions) {
    return (murmur2(key) & 0x7fffffff) % partitions;
}
/** MurmurHash2 as Kafka's Java client computes it: a signed 32-bit integer. */
export function murmur2(data) {
    const length = data.length;
    let h = SEED ^ length;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
        // Math.imul multiplies modulo 2^32 as Java's int does; the ordinary product would lose low bits beyond 2^53.
        let k = Math.imul(data[i] | (data[i + 1] << 8) | (data[i + 2] << 16) | (data[i + 3] << 24), M);
        k ^= k >>> 24;
        h = Math.imul(h, M) ^ Math.imul(k, M);
    }
    const left = length - i;
    if (left === 3)
        h ^= data[i + 2] << 16;
    if (left >= 2)
        h ^= data[i + 1] << 8;
    if (left >= 1)
        h = Math.imul(h ^ data[i], M);
    h ^= h >>> 13;
    h = Math.imul(h, M);
    return h ^ (h >>> 15);
}
