// The state knobs: how this account and this API behave where Harvest is unknown or differs between accounts.
// Changed at any time, in process or through the control door; one-off misbehaviour is a fault instead (faults.ts).
export const defaultSettings = () => ({
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
    dropRetryAfter: false,
    htmlErrors: false,
    dateOffsetSeconds: 0,
    touches: { renamed: false, archived: false, rate: false, assignment: false, childDeleted: false },
});
