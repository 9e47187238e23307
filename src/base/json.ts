// JSON text of any record: however deep it nests. JSON.parse has no limit of depth, JSON.stringify has.

/** The JSON text of `value`, which is JSON data; what JSON.stringify writes, and of any depth. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return deepText(value);
  }
}

/** A part that is still to be written: a value, or text as it is. */
type Part = { readonly value: unknown } | { readonly text: string };

/** The same without recursion: what is to be written waits on a stack, the next part on top. */
function deepText(value: unknown): string {
  const text: string[] = [];
  const waiting: Part[] = [{ value }];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if ('text' in part) text.push(part.text);
    else if (typeof part.value !== 'object' || part.value === null) text.push(JSON.stringify(part.value));
    else waiting.push(...partsOf(part.value).reverse());
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
