/** Rows grouped by one of their values; every group is ordered by id. */
export class Index {
    groups = new Map();
    keyOf;
    constructor(keyOf) {
        this.keyOf = keyOf;
    }
    of(key) {
        return this.groups.get(key) ?? [];
    }
    add(row, key) {
        const group = this.groups.get(key);
        if (group)
            insertById(group, row);
        else
            this.groups.set(key, [row]);
    }
    remove(row, key) {
        const group = this.groups.get(key);
        if (!group)
            return;
        group.splice(positionOf(group, row.id), 1);
        if (group.length === 0)
            this.groups.delete(key);
    }
}
/** Rows by date, for the lists that are sorted by one. A row without date comes last. */
export class DateIndex extends Index {
    // Remembered until a row comes, goes or moves: a walk of many pages orders a large table once.
    #datesDescending = null;
    #newestFirst = null;
    constructor(dateOf) {
        super((row) => dateOf(row) ?? '');
    }
    oldest() {
        return this.#dates().findLast((date) => date !== '');
    }
    newest() {
        return this.#dates()[0] || undefined;
    }
    /** Newest date first, then newest id; both bounds are inclusive and leave rows without date out. */
    newestFirst(from, to) {
        if (from !== undefined || to !== undefined)
            return this.#collect(from, to);
        this.#newestFirst ??= this.#collect();
        return this.#newestFirst;
    }
    add(row, date) {
        if (!this.groups.has(date))
            this.#datesDescending = null;
        this.#newestFirst = null;
        super.add(row, date);
    }
    remove(row, date) {
        this.#newestFirst = null;
        super.remove(row, date);
        if (!this.groups.has(date))
            this.#datesDescending = null;
    }
    #dates() {
        this.#datesDescending ??= [...this.groups.keys()].sort().reverse();
        return this.#datesDescending;
    }
    #collect(from, to) {
        const rows = [];
        for (const date of this.#dates()) {
            if (from !== undefined && date < from)
                break;
            if (to !== undefined && (date > to || date === ''))
                continue;
            const group = this.of(date);
            for (let at = group.length - 1; at >= 0; at--)
                rows.push(group[at]);
        }
        return rows;
    }
}
export class Table {
    #byId = new Map();
    #ascending = [];
    // biome-ignore lint/suspicious/noExplicitAny: indexes of one table have keys of different types.
    #indexes = [];
    #nextId;
    constructor(firstId) {
        this.#nextId = firstId;
    }
    get size() {
        return this.#ascending.length;
    }
    get(id) {
        return id === null ? undefined : this.#byId.get(id);
    }
    /** For ids that another row holds: such a reference is never left dangling. */
    expect(id) {
        const row = this.#byId.get(id);
        if (!row)
            throw new Error(`no row ${id}: a reference was left dangling`);
        return row;
    }
    /** Ascending by id. The live array: copy it before changing the table while walking. */
    all() {
        return this.#ascending;
    }
    newestFirst() {
        return this.#ascending.toReversed();
    }
    /** Ids grow with time, with gaps as in a shared database. */
    takeId() {
        const id = this.#nextId;
        this.#nextId += 1 + ((id * 7) % 5);
        return id;
    }
    insert(row) {
        this.#byId.set(row.id, row);
        insertById(this.#ascending, row);
        for (const index of this.#indexes)
            index.add(row, index.keyOf(row));
        return row;
    }
    /** Assigns the given members and keeps the indexes exact. Does not touch updated_at. */
    assign(row, changes) {
        const before = this.#indexes.map((index) => index.keyOf(row));
        for (const [name, value] of Object.entries(changes)) {
            if (value !== undefined)
                row[name] = value;
        }
        this.#indexes.forEach((index, at) => {
            const key = index.keyOf(row);
            if (key === before[at])
                return;
            index.remove(row, before[at]);
            index.add(row, key);
        });
    }
    drop(row) {
        if (!this.#byId.delete(row.id))
            return;
        this.#ascending.splice(positionOf(this.#ascending, row.id), 1);
        for (const index of this.#indexes)
            index.remove(row, index.keyOf(row));
    }
    index(index) {
        this.#indexes.push(index);
        return index;
    }
}
function insertById(rows, row) {
    const position = positionOf(rows, row.id);
    if (position === rows.length)
        rows.push(row);
    else
        rows.splice(position, 0, row);
}
/** Where the row with that id is, or belongs, in rows ascending by id. New rows belong at the end: looked at first. */
function positionOf(rows, id) {
    const last = rows.at(-1);
    if (!last || last.id < id)
        return rows.length;
    let low = 0;
    let high = rows.length - 1;
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
