const LENGTH_BYTES = 4;
/** The same socket; its `data` events end where a frame ends, and a frame that never ends is never seen. */
export function wholeFrames(socket) {
    const emit = socket.emit.bind(socket);
    let held = [];
    let heldBytes = 0;
    /** Bytes to hold before there can be another whole frame. */
    let needed = LENGTH_BYTES;
    const collect = (chunk) => {
        held.push(chunk);
        heldBytes += chunk.length;
        if (heldBytes < needed)
            return true;
        const bytes = held.length === 1 ? chunk : Buffer.concat(held, heldBytes);
        const end = endOfFrames(bytes);
        const rest = bytes.subarray(end);
        held = rest.length > 0 ? [rest] : [];
        heldBytes = rest.length;
        needed = LENGTH_BYTES + (rest.length < LENGTH_BYTES ? 0 : rest.readInt32BE(0));
        return end > 0 ? emit('data', bytes.subarray(0, end)) : true;
    };
    // Every listener, early or late, sees the same: streams hand their data over through `emit`.
    socket.emit = ((event, ...details) => event === 'data' ? collect(details[0]) : emit(event, ...details));
    return socket;
}
function endOfFrames(bytes) {
    let end = 0;
    while (end + LENGTH_BYTES <= bytes.length) {
        const next = end + LENGTH_BYTES + bytes.readInt32BE(end);
        if (next > bytes.length)
            break;
        end = next;
    }
    return end;
}
