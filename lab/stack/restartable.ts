// What the lab's servers have in common that can be started again after their end, on the same port and data directory.
import { Server, type ServerOptions } from './process.ts';

/** One server, running or not. */
export abstract class Restartable {
  /** The present run, or the last. */
  protected server: Server | undefined;

  /** Rejects with PublisherError `lab.failed` when the present run ends although nobody told it to. */
  get died(): Promise<never> {
    return this.server?.died ?? new Promise(() => {});
  }

  /** Starts it; resolves when `answers` does with true, and rejects as `Server.ready`. */
  protected async launch(
    options: ServerOptions,
    answers: (server: Server, signal: AbortSignal) => Promise<boolean>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const server = await Server.start(options);
    this.server = server;
    await server.ready((patience) => answers(server, patience), signal);
  }

  /** Ends it as it likes to be ended; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.server?.stop();
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.server?.kill();
  }

  /** The last `lines` lines of the log of the present or last run. */
  logTail(lines: number): string[] {
    return this.server?.logTail(lines) ?? [];
  }
}
