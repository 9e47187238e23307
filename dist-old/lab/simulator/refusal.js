// A request that Harvest turns down, as it would say it (harvest-api section 8). Thrown anywhere below the handler.
export class Refusal extends Error {
    status;
    body;
    headers;
    constructor(status, body, headers = {}) {
        super(`${status} ${JSON.stringify(body)}`);
        this.status = status;
        this.body = body;
        this.headers = headers;
    }
}
/** 422 with comma-separated sentences. */
export const invalid = (...sentences) => new Refusal(422, { message: sentences.join(', ') });
/** 422 for a record that others still need; Harvest repeats the sentence in `Hint`. */
export const notRemovable = (message) => new Refusal(422, { message }, { hint: message });
export const badRequest = (message) => new Refusal(400, { message });
export const notFound = () => new Refusal(404, { status: 404, error: 'Not Found' });
export const notAuthorized = () => new Refusal(403, { message: 'Not authorized!' }, { hint: 'Not authorized!' });
