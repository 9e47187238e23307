// JSON as records come in and go out: numbers that a double cannot hold keep their digits, and no depth is too much. JSON.parse
// loses the digits, and JSON.stringify has a limit of depth; both are used wherever that does not matter, which is nearly always.

/** A number of more digits than a double holds. It is a number to whoever reckons with it, and its digits to whoever writes it. */
export class ExactNumber extends Number {
  readonly literal: string;

  constructor(literal: string) {
    super(literal);
    this.literal = literal;
  }

  /** JSON.stringify would lose the digits: see `jsonText`. */
  toJSON(): never {
    throw new UnwritableError();
  }
}

class UnwritableError extends Error {}

/** So many digits in a row hardly any number has: only then every number is looked at. */
const MANY_DIGITS = 16;
/** What may stand before and behind the digits of a number; those of an id in a text have quotes there, or the rest of it. */
const BEFORE_DIGITS = /[\s[:,+\-eE]/;
const BEHIND_DIGITS = /[\s\]},eE]/;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** As JSON.parse, with an ExactNumber where that would lose digits. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!mayHoldLongNumber(text)) return JSON.parse(text);
  let found = false;
  let mark = 'exact:';
  while (text.includes(mark)) mark = `_${mark}`;
  const marked = text.replace(TOKEN, (token) => {
    if (token[0] === '"' || token.length < 16 || !NUMBER.test(token) || isExact(token)) return token;
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) return JSON.parse(text);
  const unmarked = (_: string, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? new ExactNumber(value.slice(mark.length)) : value;
  try {
    return JSON.parse(marked, unmarked);
  } catch (error) {
    // A reviver goes no deeper than the stack.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/**
 * Whether so many digits and points stand in a row, where a number could have them. One of them stands at a place that is
 * looked at; the others are passed over.
 */
function mayHoldLongNumber(text: string): boolean {
  for (let at = MANY_DIGITS - 1; at < text.length; at += MANY_DIGITS) {
    if (!isDigitOrPoint(text.charCodeAt(at))) continue;
    let [first, last] = [at, at];
    while (isDigitOrPoint(text.charCodeAt(first - 1))) first--;
    while (isDigitOrPoint(text.charCodeAt(last + 1))) last++;
    const isLong = last - first + 1 >= MANY_DIGITS;
    if (isLong && BEFORE_DIGITS.test(text[first - 1] ?? ' ') && BEHIND_DIGITS.test(text[last + 1] ?? ' ')) return true;
    // No digit is looked at twice: a text may be nothing else.
    at = last + 1;
  }
  return false;
}

function isDigitOrPoint(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46;
}

/** Whether it is an object of JSON: no array, and no number that kept its digits. */
export function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** The object that a text holds as JSON; null when it is none. */
export function parsedObject(text: string): { readonly [member: string]: unknown } | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** The list that a text holds as JSON; null when it is none. */
export function parsedList(text: string): readonly unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** Whether a double says the same as the literal. */
function isExact(literal: string): boolean {
  return digitsOf(literal) === digitsOf(String(Number(literal)));
}

/** A number by its sign, its digits without zeros at either end, and its magnitude. */
function digitsOf(literal: string): string {
  const [mantissa, exponent = '0'] = literal.toLowerCase().split('e') as [string, string?];
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?];
  const digits = (whole + fraction).replace(/^0+/, '');
  const shown = digits.replace(/0+$/, '');
  if (shown === '') return '0';
  const magnitude = digits.length - fraction.length + Number(exponent);
  return `${literal.startsWith('-') ? '-' : ''}${shown}e${magnitude}`;
}

/** The JSON text of `value`, which is JSON data: what JSON.stringify writes, of any depth and with all digits. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof UnwritableError)) throw error;
    return carefulText(value);
  }
}

/** A part that is still to be written: a value, or text as it is. */
type Part = { readonly value: unknown } | { readonly text: string };

/** The same without recursion: what is to be written waits on a stack, the next part on top. */
function carefulText(value: unknown): string {
  const text: string[] = [];
  const waiting: Part[] = [{ value }];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if ('text' in part) text.push(part.text);
    else if (part.value instanceof ExactNumber) text.push(part.value.literal);
    else if (typeof part.value !== 'object' || part.value === null) text.push(JSON.stringify(part.value));
    else for (const each of partsOf(part.value).reverse()) waiting.push(each);
  }
  return text.join('');
}

function partsOf(value: object): Part[] {
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const parts: Part[] = [{ text: open! }];
  for (const [name, member] of Object.entries(value)) {
    const comma = parts.length > 1 ? ',' : '';
    parts.push({ text: Array.isArray(value) ? comma : `${comma}${JSON.stringify(name)}:` }, { value: member });
  }
  return [...parts, { text: close! }];
}
