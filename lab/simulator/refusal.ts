// A request that Harvest turns down, as it would say it (HARVEST-API, Errors). Thrown anywhere below the handler.

export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** 422 with comma-separated sentences. */
export const invalid = (...sentences: readonly string[]): Refusal =>
  new Refusal(422, { message: sentences.join(', ') });

/** 422 for a record that others still need; Harvest repeats the sentence in `Hint`. */
export const notRemovable = (message: string): Refusal => new Refusal(422, { message }, { hint: message });

export const badRequest = (message: string): Refusal => new Refusal(400, { message });
export const notFound = (): Refusal => new Refusal(404, { status: 404, error: 'Not Found' });
export const notAuthorized = (): Refusal =>
  new Refusal(403, { message: 'Not authorized!' }, { hint: 'Not authorized!' });
