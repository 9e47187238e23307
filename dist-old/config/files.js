// Reads the files that a configuration is, or names: ordinary ones of a sensible size. A device may be endless and a pipe
// may never say anything; both would hold up a start that should end with a sentence.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
const LARGEST_BYTES = 4_000_000;
/** The whole file. Throws as node:fs does; `ENOTFILE` for what is no ordinary file, `EFBIG` for one beyond 4 MB. */
export function readOrdinaryFile(path) {
    // Non-blocking: opening a pipe that nobody writes to would wait for a writer.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
        const kind = fstatSync(file);
        if (kind.isDirectory())
            throw failure('EISDIR');
        if (!kind.isFile())
            throw failure('ENOTFILE');
        const pieces = [];
        // Read to its end rather than to its size: files of /proc say that they have none.
        for (let total = 0;;) {
            const piece = Buffer.allocUnsafe(65_536);
            const length = readSync(file, piece);
            if (length === 0)
                return Buffer.concat(pieces);
            pieces.push(piece.subarray(0, length));
            total += length;
            if (total > LARGEST_BYTES)
                throw failure('EFBIG');
        }
    }
    finally {
        closeSync(file);
    }
}
function failure(code) {
    return Object.assign(new Error(code), { code });
}
