// A look at an account's topics before it is opened, taken when something is first asked.
import type { TopicLog } from './topic-log.ts';

export class TopicLook {
  readonly #open: () => Promise<TopicLog>;
  #log: Promise<TopicLog> | null = null;

  constructor(open: () => Promise<TopicLog>) {
    this.#open = open;
  }

  /** Of these streams, those that have a topic. Throws PublisherError `kafka.*`, as `written` does. */
  async present(streams: readonly string[]): Promise<ReadonlySet<string>> {
    const { has } = await this.#topics();
    return new Set(streams.filter(has));
  }

  /** Of these streams, those whose topic holds anything, or held it. */
  async written(streams: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    return (await this.#topics()).written(streams, signal);
  }

  /** What is asked later is looked at anew. */
  forget(): void {
    this.#log = null;
  }

  #topics(): Promise<TopicLog> {
    this.#log ??= this.#open().catch((error) => {
      this.forget();
      throw error;
    });
    return this.#log;
  }
}
