/** `numeric` rows live in typed arrays (20 to 32 bytes a slot), report rows, far fewer, in a Map. */
export function createRowIndex(numeric) {
    return numeric ? new IdIndex() : new TextIndex();
}
const SMALLEST = 64;
const FULLEST = 0.7;
const NONE = Number.NaN;
const NO_DAY = -(2 ** 31);
/** Open addressing with linear probing; deletion shifts back, so there are no graves to sweep. */
class IdIndex {
    #ids = new Float64Array(SMALLEST).fill(NONE);
    #hashes = new Float64Array(SMALLEST);
    #seconds = new Uint32Array(SMALLEST);
    // Many streams have no groups or no days: the arrays are made when the first one arrives.
    #groups = null;
    #days = null;
    #size = 0;
    #extent = null;
    get size() {
        return this.#size;
    }
    get(id) {
        const slot = this.#find(id);
        if (Number.isNaN(this.#ids[slot]))
            return undefined;
        const seconds = this.#seconds[slot];
        const group = this.#groups?.[slot] ?? NONE;
        const day = this.#days?.[slot] ?? NO_DAY;
        return {
            hash: this.#hashes[slot],
            updatedAt: seconds === 0 ? null : seconds * 1000,
            group: Number.isNaN(group) ? null : group,
            day: day === NO_DAY ? null : day,
        };
    }
    set(id, row) {
        if (this.#size >= this.#ids.length * FULLEST)
            this.#resize(this.#ids.length * 2);
        const slot = this.#find(id);
        if (Number.isNaN(this.#ids[slot]))
            this.#size++;
        this.#write(slot, id, row);
        if (row.day !== null)
            this.#extent = widen(this.#extent, row.day);
    }
    delete(id) {
        let hole = this.#find(id);
        if (Number.isNaN(this.#ids[hole]))
            return;
        this.#size--;
        const mask = this.#ids.length - 1;
        for (let slot = (hole + 1) & mask; !Number.isNaN(this.#ids[slot]); slot = (slot + 1) & mask) {
            const home = this.#home(this.#ids[slot]);
            // The entry may move into the hole only if that does not put it before its home slot.
            if (((slot - home) & mask) < ((slot - hole) & mask))
                continue;
            this.#ids[hole] = this.#ids[slot];
            this.#hashes[hole] = this.#hashes[slot];
            this.#seconds[hole] = this.#seconds[slot];
            if (this.#groups)
                this.#groups[hole] = this.#groups[slot];
            if (this.#days)
                this.#days[hole] = this.#days[slot];
            hole = slot;
        }
        this.#ids[hole] = NONE;
    }
    clear() {
        this.#allocate(SMALLEST);
        this.#groups = null;
        this.#days = null;
        this.#size = 0;
        this.#extent = null;
    }
    *ids() {
        for (const id of this.#ids)
            if (!Number.isNaN(id))
                yield id;
    }
    idsIn(group) {
        const groups = this.#groups;
        return groups === null ? [] : this.#slots((slot) => groups[slot] === group);
    }
    idsDated(from, to) {
        const days = this.#days;
        return days === null
            ? []
            : this.#slots((slot) => days[slot] >= from && days[slot] <= to && days[slot] !== NO_DAY);
    }
    dayCounts() {
        const counts = new Map();
        for (let slot = 0; slot < this.#ids.length; slot++) {
            if (Number.isNaN(this.#ids[slot]))
                continue;
            const day = this.#days?.[slot] ?? NO_DAY;
            const key = day === NO_DAY ? null : day;
            counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        return counts;
    }
    extent() {
        return this.#extent;
    }
    #slots(test) {
        const found = [];
        for (let slot = 0; slot < this.#ids.length; slot++) {
            if (!Number.isNaN(this.#ids[slot]) && test(slot))
                found.push(this.#ids[slot]);
        }
        return found;
    }
    #home(id) {
        // Ids come in runs: the multiplication spreads them, the high bits of large ids are folded in first.
        const folded = (id % 0x1_0000_0000) ^ (id / 0x1_0000_0000);
        return (Math.imul(folded, 0x9e3779b1) >>> 7) & (this.#ids.length - 1);
    }
    #find(id) {
        const mask = this.#ids.length - 1;
        let slot = this.#home(id);
        while (!Number.isNaN(this.#ids[slot]) && this.#ids[slot] !== id)
            slot = (slot + 1) & mask;
        return slot;
    }
    #write(slot, id, row) {
        this.#ids[slot] = id;
        this.#hashes[slot] = row.hash;
        this.#seconds[slot] = row.updatedAt === null ? 0 : Math.floor(row.updatedAt / 1000);
        if (row.group !== null)
            this.#groups ??= new Float64Array(this.#ids.length).fill(NONE);
        if (this.#groups)
            this.#groups[slot] = row.group ?? NONE;
        if (row.day !== null)
            this.#days ??= new Int32Array(this.#ids.length).fill(NO_DAY);
        if (this.#days)
            this.#days[slot] = row.day ?? NO_DAY;
    }
    #resize(length) {
        const [ids, hashes, seconds] = [this.#ids, this.#hashes, this.#seconds];
        const [groups, days] = [this.#groups, this.#days];
        this.#allocate(length);
        if (groups)
            this.#groups = new Float64Array(length).fill(NONE);
        if (days)
            this.#days = new Int32Array(length).fill(NO_DAY);
        for (let old = 0; old < ids.length; old++) {
            if (Number.isNaN(ids[old]))
                continue;
            const slot = this.#find(ids[old]);
            this.#ids[slot] = ids[old];
            this.#hashes[slot] = hashes[old];
            this.#seconds[slot] = seconds[old];
            if (groups)
                this.#groups[slot] = groups[old];
            if (days)
                this.#days[slot] = days[old];
        }
    }
    #allocate(length) {
        this.#ids = new Float64Array(length).fill(NONE);
        this.#hashes = new Float64Array(length);
        this.#seconds = new Uint32Array(length);
    }
}
class TextIndex {
    #rows = new Map();
    get size() {
        return this.#rows.size;
    }
    get(id) {
        return this.#rows.get(id);
    }
    set(id, row) {
        this.#rows.set(id, row);
    }
    delete(id) {
        this.#rows.delete(id);
    }
    clear() {
        this.#rows.clear();
    }
    ids() {
        return this.#rows.keys();
    }
    // Report rows have neither parent nor day: their window is in their id.
    idsIn() {
        return [];
    }
    idsDated() {
        return [];
    }
    dayCounts() {
        return new Map([[null, this.#rows.size]]);
    }
    extent() {
        return null;
    }
}
function widen(extent, day) {
    if (extent === null)
        return { min: day, max: day };
    if (day >= extent.min && day <= extent.max)
        return extent;
    return { min: Math.min(extent.min, day), max: Math.max(extent.max, day) };
}
