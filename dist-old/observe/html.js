// A template tag that escapes everything that is put in, unless it is markup made by the tag itself.
/** `` html`<td>${text}</td>` ``; null becomes nothing. */
export function html(literals, ...pieces) {
    return { markup: literals.reduce((before, literal, index) => before + markupOf(pieces[index - 1]) + literal) };
}
/** Text that is markup already: constants of the program only. */
export function trusted(markup) {
    return { markup };
}
function markupOf(piece) {
    if (piece === null)
        return '';
    if (typeof piece === 'string' || typeof piece === 'number')
        return escapeHtml(String(piece));
    return Array.isArray(piece) ? piece.map(({ markup }) => markup).join('') : piece.markup;
}
function escapeHtml(text) {
    return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
