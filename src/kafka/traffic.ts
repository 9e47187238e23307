// Counts what is said on our connections to the brokers, failed attempts included. It tells brokers that do not answer, whom we go on
// asking, from work that no longer asks.
import type { Socket } from 'node:net';

export class Traffic {
  #moves = 0;
  readonly #sockets = new Set<Socket>();

  /** Another number whenever a socket was opened, closed, written to or read from. */
  get moves(): number {
    let moves = this.#moves;
    for (const { bytesRead, bytesWritten } of this.#sockets) moves += bytesRead + bytesWritten;
    return moves;
  }

  opened(socket: Socket): void {
    this.#moves += 1;
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#moves += 1 + socket.bytesRead + socket.bytesWritten;
      this.#sockets.delete(socket);
    });
  }
}
