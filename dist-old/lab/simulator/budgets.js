export const HARVEST_BUDGETS = {
    general: { requests: 100, seconds: 15 },
    reports: { requests: 100, seconds: 15 * 60 },
};
export class MovingWindow {
    #budget;
    #admitted = [];
    /** Null lets everything through. */
    constructor(budget) {
        this.#budget = budget;
    }
    /** Null when the request may pass, else the seconds to wait. A refused request costs nothing. */
    admit(now) {
        if (!this.#budget)
            return null;
        const { requests, seconds } = this.#budget;
        this.#admitted = this.#admitted.filter((at) => at > now - seconds * 1000);
        const oldest = this.#admitted[0];
        if (this.#admitted.length < requests || oldest === undefined) {
            this.#admitted.push(now);
            return null;
        }
        return Math.max(1, Math.ceil((oldest + seconds * 1000 - now) / 1000));
    }
}
export class RequestLog {
    #requests = [];
    add(request) {
        this.#requests.push(request);
    }
    all() {
        return this.#requests;
    }
    clear() {
        this.#requests = [];
    }
    /** How often each status was answered. */
    statuses() {
        return tally(this.#requests.map(({ status }) => status));
    }
    /** How often each path was asked for, query left out. */
    byPath() {
        return tally(this.#requests.map(({ target }) => target.split('?')[0]));
    }
    /** How many answers had that status. */
    count(status) {
        return this.#requests.filter((request) => request.status === status).length;
    }
    /** The most requests that arrived within any window of the budget's length; without refused ones when asked so. */
    maxInAnyWindow(budget, options = {}) {
        const windowMs = (options.seconds ?? HARVEST_BUDGETS[budget].seconds) * 1000;
        const times = this.#requests
            .filter((request) => request.budget === budget && !(options.admittedOnly && request.status === 429))
            .map(({ at }) => at)
            .sort((a, b) => a - b);
        let most = 0;
        let oldest = 0;
        times.forEach((at, newest) => {
            while (at - times[oldest] >= windowMs)
                oldest += 1;
            most = Math.max(most, newest - oldest + 1);
        });
        return most;
    }
}
function tally(values) {
    const counts = {};
    for (const value of values)
        counts[value] = (counts[value] ?? 0) + 1;
    return counts;
}
