// Makes a connection fail when its broker never says a word. kafkajs goes on to the next bootstrap broker after a refused
// connection only: with one that is taken and then closed or left in silence, as by a proxy, a tunnel or a load balancer
// whose broker is dead, it asks the same broker again until it gives up, whatever the other brokers could tell it.
import type { Socket } from 'node:net';

/** The same socket; it ends in an error when it is closed, or silent for `withinMs`, before the first byte has come. */
export function failsWithoutAnswer<S extends Socket>(socket: S, withinMs: number): S {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...details: unknown[]) => boolean;
  let answered = false;
  socket.setTimeout(withinMs, () => socket.destroy(new Error('no answer to the first request')));

  socket.emit = ((event: string | symbol, ...details: unknown[]) => {
    if (event === 'data' && !answered) {
      answered = true;
      socket.setTimeout(0);
    }
    // Not what follows our own closeWithin.
    if (event !== 'end' || answered || socket.writableEnded) return emit(event, ...details);
    socket.destroy(new Error('closed before the first answer'));
    return true;
  }) as S['emit'];
  return socket;
}
