// JSON in and out: no digit is lost, no depth too much, and what is ordinary is what JSON.parse and JSON.stringify say.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactNumber, jsonText, parseJson } from '../../../src/base/json.ts';

test('any JSON is read and written as JSON.parse and JSON.stringify do [P7]', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      expect(parseJson(text)).toEqual(JSON.parse(text));
      expect(jsonText(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test.each([
  '12345678901234567890',
  '-9007199254740993',
  '0.12345678901234567890',
  '1234567890123456789e-5',
  '1e400000000000000000',
])('the number %s keeps its digits [P7]', (literal) => {
  const text = `{"a":[1,"${literal}",${literal}],"exact:":"exact:"}`;
  const parsed = parseJson(text) as { readonly a: readonly unknown[] };
  expect(parsed.a[2]).toBeInstanceOf(ExactNumber);
  expect(parsed.a[1]).toBe(literal);
  expect(jsonText(parsed)).toBe(text);
});

/** White space and what else may stand around a number. */
const AROUND = fc.constantFrom('', ' ', '\t', '\n', '\r');
const ID = fc.stringMatching(/^[0-9a-f.:, ]{0,40}$/);

test('a number of many digits keeps them wherever it stands, among ids and texts of many digits [P7]', () => {
  fc.assert(
    fc.property(AROUND, AROUND, ID, ID, fc.nat({ max: 40 }), (before, behind, first, second, shift) => {
      const number = `${before}12345678901234567890${behind}`;
      const [padding, name] = ['x'.repeat(shift), `n${second}`];
      const text = `{"${padding}":"${first}","list":[${number}, ${number}],"${name}":${number}}`;
      const parsed = parseJson(text) as { readonly list: readonly unknown[]; readonly [name: string]: unknown };
      expect(parsed[padding]).toBe(first);
      for (const value of [...parsed.list, parsed[name]]) expect(jsonText(value)).toBe('12345678901234567890');
    }),
  );
  expect(jsonText(parseJson('12345678901234567890'))).toBe('12345678901234567890');
});

test('a text of a million digits is read in no more time than any other', () => {
  const digits = `x${'7'.repeat(1_000_000)}x`;
  expect(parseJson(JSON.stringify({ digits }))).toEqual({ digits });
});

test.each([
  '9007199254740992',
  '100000000000000000000',
  '1.0000000000000000000',
  '0.30000000000000004',
  '-0.00000000000000000',
])('the number %s is a double like any other', (literal) =>
  expect(parseJson(`[${literal}]`)).toEqual([Number(literal)]),
);

test.each(['[01234567890123456789]', '[1.2.34567890123456789]', '[12345678901234567890', '["12345678901234567890]'])(
  'what is no JSON is none with many digits either: %s',
  (text) => expect(() => parseJson(text)).toThrow(SyntaxError),
);

test('twenty thousand levels are read and written, many digits or not [P7]', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  expect(jsonText(parseJson(deep))).toBe(deep);
  expect(jsonText(parseJson(`[12345678901234567890,${deep}]`))).toContain(deep);
});
