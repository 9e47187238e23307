// A stream as the running process knows it: its last committed row, its index, and what is only in memory.
/** Whether the stream can be asked at all; a refused one only when its probe is due. */
export function isReadable(live) {
    return live.row.state === 'RUNNING' && (live.parent === null || live.parent.row.state === 'RUNNING');
}
