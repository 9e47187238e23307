// What the account holds, one compact row per record, in Harvest's own names. Names of other records are never
// copied here: they are joined when read, as Harvest does (harvest-api section 6). Datetimes are whole seconds.
export {};
