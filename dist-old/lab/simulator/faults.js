export class Faults {
    #armed = [];
    /** Adds a fault; the returned function takes it away again. */
    add(fault) {
        const { path, stream } = fault.match ?? {};
        const armed = {
            fault,
            ...(path !== undefined && { path: typeof path === 'string' ? new RegExp(path) : path }),
            ...(stream !== undefined && { stream: typeof stream === 'string' ? new RegExp(`^(?:${stream})$`) : stream }),
            seen: 0,
        };
        this.#armed.push(armed);
        return () => {
            this.#armed = this.#armed.filter((other) => other !== armed);
        };
    }
    clear() {
        this.#armed = [];
    }
    /** The actions that meet this request, in the order they were added. */
    take(call, streamName) {
        const actions = [];
        for (const armed of this.#armed) {
            const { method, after = 0, times = Number.POSITIVE_INFINITY } = armed.fault.match ?? {};
            if (armed.path && !armed.path.test(call.target))
                continue;
            if (armed.stream && !armed.stream.test(streamName ?? ''))
                continue;
            if (method !== undefined && method !== call.method)
                continue;
            armed.seen += 1;
            if (armed.seen > after && armed.seen <= after + times)
                actions.push(armed.fault.do);
        }
        return actions;
    }
}
/** The answer after the faults that spoil one on its way out. */
export function spoil(answer, actions) {
    let spoilt = answer;
    for (const action of actions)
        spoilt = spoilOnce(spoilt, action);
    return spoilt;
}
function spoilOnce(answer, action) {
    switch (action.kind) {
        case 'cut':
            return { ...answer, outcome: 'cut', body: firstHalf(answer.body) };
        case 'delay':
            return { ...answer, delayMs: answer.delayMs + action.ms };
        case 'drip':
            return { ...answer, pauseMs: action.ms };
        case 'bad-gzip': {
            const body = Buffer.concat([Buffer.from([0x1f, 0x8b, 0x08, 0x00]), Buffer.from('this is not deflate')]);
            const headers = { ...answer.headers, 'content-encoding': 'gzip', 'content-length': String(body.length) };
            return { ...answer, headers, body };
        }
        case 'drop-header': {
            const { [action.header.toLowerCase()]: _dropped, ...headers } = answer.headers;
            return { ...answer, headers };
        }
        default:
            return answer;
    }
}
const firstHalf = (body) => body.subarray(0, Math.floor(body.length / 2));
