// Counts what is said for an account to the brokers, failed attempts included: the words on connections of its own, the questions and
// answers on the one that all share. It tells brokers that do not answer, whom we go on asking, from work that no longer asks.
import type { Socket } from 'node:net';

export class Traffic {
  #moves = 0;
  readonly #sockets = new Set<Socket>();

  /** Another number whenever something was asked or answered, and a socket was opened, closed, written to or read from. */
  get moves(): number {
    let moves = this.#moves;
    for (const { bytesRead, bytesWritten } of this.#sockets) moves += bytesRead + bytesWritten;
    return moves;
  }

  moved(): void {
    this.#moves += 1;
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

/** The account for which something is asked. */
export interface Asker {
  /** Ends the waiting; what was asked goes on by itself. */
  readonly signal?: AbortSignal | undefined;
  /** Counts what is asked and answered. */
  readonly traffic?: Traffic | undefined;
}
