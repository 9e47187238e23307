// The state knobs: how this account and this API behave where Harvest is unknown or differs between accounts.
// Changed at any time, in process or through the control API; one-off misbehaviour is a fault instead (faults.ts).

export interface Settings {
  /** Role of the token's owner: anything but administrator is refused or silently narrowed (HARVEST-API, Permissions). */
  role: 'administrator' | 'manager' | 'member';
  /** Ids of the people assigned to the owner as teammates, while they are a manager. */
  teammates: readonly number[];
  /** The answer to reading a record that exists, but is hidden from the owner by their role. */
  hiddenRecord: 'notFound' | 'forbidden';
  /** The form of money members for someone who may not see them. */
  hiddenRates: 'omitted' | 'null';
  /** The answer of the endpoints of a switched-off module. */
  moduleOff: 'forbidden' | 'empty';
  /** Account preference behind `rounded_hours` and the time reports. */
  rounding: { minutes: number; direction: 'up' | 'nearest' | 'down' } | null;
  /** Whole decimals printed as `100` or as `100.0`; Harvest prints both. */
  wholeDecimals: 'integer' | 'float';
  /** Members that no documentation knows, added to every record. */
  unknownMembers: Record<string, unknown> | null;
  /** Members of before March 2022 on users, and the legacy company flag. */
  legacyMembers: boolean;
  /** `total_pages` and `total_entries` on the middle pages of a cursor list. */
  totalsOnMiddlePages: boolean;
  /** `total_entries` and `total_pages` of lists: the documentation says only that an answer may have them. */
  totals: 'given' | 'null' | 'absent';
  /** 429 without `Retry-After`. */
  dropRetryAfter: boolean;
  /** Error bodies as HTML pages instead of JSON. */
  htmlErrors: boolean;
  /** Seconds added to the `Date` header: a server clock that is off. */
  dateOffsetSeconds: number;
  /** Which events move updated_at of the neighbours, where nobody knows (HARVEST-API, What moves updated_at). */
  touches: {
    /** A rename moves time entries, expenses, projects … that show the name. */
    renamed: boolean;
    /** Archiving a project or user moves their time entries. */
    archived: boolean;
    /** A new rate moves its user. */
    rate: boolean;
    /** An assignment moves its project and user. */
    assignment: boolean;
    /** A deleted message or payment moves its invoice or estimate. */
    childDeleted: boolean;
  };
}

export const defaultSettings = (): Settings => ({
  role: 'administrator',
  teammates: [],
  hiddenRecord: 'notFound',
  hiddenRates: 'omitted',
  moduleOff: 'forbidden',
  rounding: null,
  wholeDecimals: 'integer',
  unknownMembers: null,
  legacyMembers: false,
  totalsOnMiddlePages: true,
  totals: 'given',
  dropRetryAfter: false,
  htmlErrors: false,
  dateOffsetSeconds: 0,
  touches: { renamed: false, archived: false, rate: false, assignment: false, childDeleted: false },
});
