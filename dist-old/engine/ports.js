/** Smaller is more urgent. A waiting request rises by one for each budget window that it has waited. */
export const PRIORITY = { probe: 0, changes: 1, dirty: 2, first: 3, children: 4, slack: 6 };
/** The most that Harvest gives in one page; more is refused with 422 (harvest-api section 3). */
export const PER_PAGE = 2000;
/** Thrown by Codec.encode: this record cannot be a value of its schema. `field` is the path that failed. */
export class ConversionError extends Error {
    field;
    /** Null when it is not the type that keeps the record out. */
    mismatch;
    constructor(field, message, mismatch = null) {
        super(message);
        this.name = 'ConversionError';
        this.field = field;
        this.mismatch = mismatch;
    }
}
