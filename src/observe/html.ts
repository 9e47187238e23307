// A template tag that escapes everything that is put in, unless it is markup made by the tag itself.

export interface Html {
  readonly markup: string;
}

type Piece = string | number | null | Html | readonly Html[];

/** `` html`<td>${text}</td>` ``; null becomes nothing. */
export function html(literals: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { markup: literals.reduce((before, literal, index) => before + markupOf(pieces[index - 1]!) + literal) };
}

/** Text that is markup already: constants of the program only. */
export function trusted(markup: string): Html {
  return { markup };
}

function markupOf(piece: Piece): string {
  if (piece === null) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece));
  return Array.isArray(piece) ? piece.map(({ markup }) => markup).join('') : (piece as Html).markup;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
