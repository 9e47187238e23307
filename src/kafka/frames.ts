// Makes a socket hand over whole answers only. kafkajs keeps the first bytes of an answer when its connection breaks in the
// middle and takes the next connection's bytes for the rest: from then on it misreads everything, or throws where nobody
// can catch. Knows only that a frame is a length of four bytes and that many bytes.
import type { Socket } from 'node:net';

const LENGTH_BYTES = 4;

/** The same socket; its `data` events end where a frame ends, and a frame that never ends is never seen. */
export function wholeFrames<S extends Socket>(socket: S): S {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...details: unknown[]) => boolean;
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** Bytes to hold before there can be another whole frame. */
  let needed = LENGTH_BYTES;

  const collect = (chunk: Buffer): boolean => {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < needed) return true;
    const bytes = held.length === 1 ? chunk : Buffer.concat(held, heldBytes);
    const end = endOfFrames(bytes);
    const rest = bytes.subarray(end);
    held = rest.length > 0 ? [rest] : [];
    heldBytes = rest.length;
    needed = LENGTH_BYTES + (rest.length < LENGTH_BYTES ? 0 : rest.readInt32BE(0));
    return end > 0 ? emit('data', bytes.subarray(0, end)) : true;
  };

  // Every listener, early or late, sees the same: streams hand their data over through `emit`.
  socket.emit = ((event: string | symbol, ...details: unknown[]) =>
    event === 'data' ? collect(details[0] as Buffer) : emit(event, ...details)) as S['emit'];
  return socket;
}

function endOfFrames(bytes: Buffer): number {
  let end = 0;
  while (end + LENGTH_BYTES <= bytes.length) {
    const next = end + LENGTH_BYTES + bytes.readInt32BE(end);
    if (next > bytes.length) break;
    end = next;
  }
  return end;
}
