// The complaints of the schema in our words: each a sentence that begins with the key.
import type { z } from 'zod';
import { type Declared, declaredAt, inWords } from './declared.ts';
import type { Reading } from './document.ts';
import { nearest } from './nearest.ts';
import { isPrefix, type Path } from './problems.ts';

/** Adds the issue to the problems of the reading, unless the value could not be read anyway; `issue` must report its input. */
export function complain(issue: z.core.$ZodIssue, reading: Reading): void {
  const { path, input } = issue;
  if (reading.isFailed(path)) return;
  if (issue.code === 'invalid_union') {
    // The alternative that got further than its own outermost type is the one that was meant.
    const meant = issue.errors.find((issues) => issues.every((inner) => inner.path.length > 0));
    if (meant) {
      for (const inner of meant) complain({ ...inner, path: [...path, ...inner.path] }, reading);
      return;
    }
  }
  const isMissing = input === undefined && issue.code !== 'custom';
  const message = isMissing ? 'is required' : complaint(issue, declaredAt(path));
  reading.complain(path, `${message}${becauseEmpty(path, input, reading)}`);
}

/** `; ${TOKEN} is empty`: compose files turn a variable that is not set into an empty one. */
function becauseEmpty(path: Path, input: unknown, { emptied }: Reading): string {
  const marks = [...emptied].filter(([other]) => isPrefix(path, other)).map(([, mark]) => mark);
  const isMissing = input === undefined || typeof input === 'object';
  return isMissing && marks.length > 0 ? `; ${marks.join(', ')} is empty` : '';
}

function complaint(issue: z.core.$ZodIssue, option: Declared | undefined): string {
  const shown = show(issue.input, option);
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union':
      return `must be ${issue.code === 'invalid_type' ? TYPE_WORDS[issue.expected] : inWords(option!)}${shown}`;
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const meant = nearest(String(issue.input), choices);
      return `must be one of ${choices.join(', ')}${shown}${meant ? `; did you mean ${meant}?` : ''}`;
    }
    case 'too_small':
      if (issue.origin === 'array') return 'needs at least one entry';
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}${shown}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}${shown}`;
    default:
      return `${issue.message}${shown}`;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a whole number',
  boolean: 'true or false',
};

/** `, found 12`; silent about secrets and about anything that is not one short value. */
function show(found: unknown, option: Declared | undefined): string {
  if (typeof found === 'object' || found === undefined || option === undefined || option.secret) return '';
  // Credentials inside an address are refused everywhere, and are secrets all the same.
  return `, found ${JSON.stringify(found)
    .replace(/\/\/.*@/, '//…@')
    .slice(0, 80)}`;
}
