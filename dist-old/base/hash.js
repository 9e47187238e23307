import { createHash } from 'node:crypto';
/**
 * 53 bits of SHA-1, as a safe integer. It tells two versions of one row apart, never two rows: a change is missed with a
 * chance of 2^-53, and nobody gains by forging one.
 */
export function hash53(content) {
    const digest = createHash('sha1').update(content).digest();
    return (digest.readUInt32BE(0) & 0x1f_ffff) * 0x1_0000_0000 + digest.readUInt32BE(4);
}
