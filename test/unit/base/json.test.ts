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
