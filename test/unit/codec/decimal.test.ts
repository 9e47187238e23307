import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../lab/simulator/index.ts';
import { ByteWriter } from '../../../src/base/byte-writer.ts';
import { fromBytes, parseDecimal, toBytes, toDouble, toText } from '../../../src/codec/decimal.ts';
import { runs } from '../../support/runs.ts';

/** Millionths of a literal, rounded half-even, by integer arithmetic alone. */
function reference(literal: string): { unscaled: bigint; rounded: boolean } {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(literal)!;
  const digits = BigInt(whole + fraction.padEnd(6, '0'));
  const surplus = 10n ** BigInt(Math.max(fraction.length - 6, 0));
  const floor = digits / surplus;
  const twice = 2n * (digits % surplus);
  const nearest = twice > surplus || (twice === surplus && floor % 2n === 1n) ? floor + 1n : floor;
  return { unscaled: sign ? -nearest : nearest, rounded: digits % surplus !== 0n };
}

const anyLiteral = fc
  .tuple(fc.boolean(), fc.bigInt(0n, 10n ** 18n - 1n), fc.option(fc.stringMatching(/^\d{1,12}$/)))
  .map(([negative, whole, fraction]) => `${negative ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`);

test('a text of digits becomes exactly the millionths it says, ties to even', () => {
  fc.assert(
    fc.property(anyLiteral, (literal) => {
      const decimal = parseDecimal(literal);
      const { unscaled, rounded } = reference(literal);
      if (unscaled >= 10n ** 24n || unscaled <= -(10n ** 24n)) return expect(decimal).toBeUndefined();
      expect(BigInt(decimal!.unscaled)).toBe(unscaled);
      expect(decimal!.rounded).toBe(rounded);
    }),
    runs(3_000),
  );
});

test('a million JSON numbers of every size are the millionths that exact arithmetic gives, and so are their bytes', () => {
  const random = seededRandom(20_261_124);
  const wrong: string[] = [];
  for (let count = 0; count < 1_000_000; count++) {
    // Up to 15 digits, up to 9 of them behind the point: what survives a double digit by digit.
    const digits = Math.floor(random() * 10 ** (1 + Math.floor(random() * 15))) || 1;
    const places = Math.floor(random() * 10);
    const text = String(digits).padStart(places + 1, '0');
    const sign = random() < 0.5 ? '-' : '';
    const literal = `${sign}${text.slice(0, text.length - places)}${places > 0 ? `.${text.slice(-places)}` : ''}`;
    const { unscaled, rounded } = reference(literal);
    const decimal = parseDecimal(Number(literal))!;
    const isExact = BigInt(decimal.unscaled) === unscaled && decimal.rounded === rounded;
    if (!isExact || fromBytes(toBytes(decimal.unscaled)) !== unscaled) wrong.push(literal);
  }
  expect(wrong).toEqual([]);
});

test('a JSON number of up to 15 digits is exact', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(10 ** 15) + 1, max: 10 ** 15 - 1 }),
      fc.integer({ min: 0, max: 6 }),
      (digits, places) => {
        const literal = `${digits}e-${places}`;
        const decimal = parseDecimal(JSON.parse(literal));
        expect(BigInt(decimal!.unscaled)).toBe(BigInt(digits) * 10n ** BigInt(6 - places));
        expect(decimal!.rounded).toBe(false);
      },
    ),
    runs(5_000),
  );
});

test('amounts beyond what millionths can be counted in doubles are exact too', () => {
  expect(parseDecimal(12_345_678_901.25)).toEqual({ unscaled: 12_345_678_901_250_000n, rounded: false });
  expect(parseDecimal(987_654_321_012_345)).toEqual({ unscaled: 987_654_321_012_345_000_000n, rounded: false });
  expect(parseDecimal(-123_456_789_012_345_680)).toEqual({
    unscaled: -123_456_789_012_345_680_000_000n,
    rounded: false,
  });
});

test.each([
  [0.1 + 0.2, 300_000],
  [1.1 * 3, 3_300_000],
  [4.35 * 100, 435_000_000],
  [-(0.7 + 0.1), -800_000],
])('the noise of binary arithmetic in %d falls away', (value, unscaled) => {
  expect(parseDecimal(value)).toEqual({ unscaled, rounded: false });
});

test.each([
  [1.0000005, 1_000_000],
  [1.0000015, 1_000_002],
  [-1.0000025, -1_000_002],
  [2 / 3, 666_667],
  [1e-7, 0],
  [5e-324, 0],
])('%d has more digits than the scale and is rounded half-even', (value, unscaled) => {
  expect(parseDecimal(value)).toEqual({ unscaled, rounded: true });
});

test('zero has one form', () => {
  for (const zero of [0, -0, '0', '-0', '0.000000', '0e10']) {
    expect(parseDecimal(zero)).toEqual({ unscaled: 0, rounded: false });
    expect(Object.is(parseDecimal(zero)!.unscaled, 0)).toBe(true);
  }
});

test('the largest decimal fits, and what follows it does not', () => {
  expect(parseDecimal('999999999999999999.999999')?.unscaled).toBe(10n ** 24n - 1n);
  expect(parseDecimal('999999999999999999.9999995')).toBeUndefined();
  expect(parseDecimal('1000000000000000000')).toBeUndefined();
  expect(parseDecimal(1e18)).toBeUndefined();
});

test.each([
  Number.NaN,
  Infinity,
  -Infinity,
  '',
  ' ',
  'NaN',
  '1,5',
  '0x10',
  '.5',
  '5.',
  '1_000',
  '--1',
  '-+1',
  '1e',
  '12 ',
])('%j is no decimal', (value) => {
  expect(parseDecimal(value)).toBeUndefined();
});

test('exponents are understood', () => {
  expect(parseDecimal('1.5e3')?.unscaled).toBe(1_500_000_000);
  expect(parseDecimal('1500e-3')?.unscaled).toBe(1_500_000);
  expect(parseDecimal('+2.5')?.unscaled).toBe(2_500_000);
});

test.each([
  [0, '00'],
  [1, '01'],
  [127, '7f'],
  [128, '0080'],
  [-1, 'ff'],
  [-128, '80'],
  [-129, 'ff7f'],
  [255, '00ff'],
  [256, '0100'],
  [2 ** 47 - 1, '7fffffffffff'],
  [2 ** 47, '00800000000000'],
  [-(2 ** 47), '800000000000'],
  [2n ** 63n, '008000000000000000'],
  [-(2n ** 63n), '8000000000000000'],
])('%s has the bytes of BigInteger.toByteArray', (value, hex) => {
  expect(toBytes(value).toString('hex')).toBe(hex);
});

test('bytes are minimal and lead back to the number', () => {
  const anyUnscaled = fc.oneof(fc.maxSafeInteger(), fc.bigInt(-(10n ** 24n), 10n ** 24n));
  fc.assert(
    fc.property(anyUnscaled, (unscaled) => {
      const bytes = toBytes(unscaled);
      expect(fromBytes(bytes)).toBe(BigInt(unscaled));
      if (bytes.length > 1) expect(fromBytes(bytes.subarray(1))).not.toBe(BigInt(unscaled));
    }),
    runs(5_000),
  );
});

test('a number is written in place as those bytes', () => {
  const out = new ByteWriter();
  const written = (value: number) => {
    out.restart();
    out.integer(value);
    return out.end();
  };
  const expected = (value: number) => {
    out.restart();
    out.bytes(toBytes(value));
    return out.end();
  };
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -70_000, max: 70_000 })), (value) => {
      expect(written(value)).toEqual(expected(value));
    }),
    runs(5_000),
  );
});

test('text and double say the same as the millionths', () => {
  expect([0, 1, -1, 12_500_000, -100_000_000, 10n ** 23n].map(toText)).toEqual([
    '0',
    '0.000001',
    '-0.000001',
    '12.5',
    '-100',
    '100000000000000000',
  ]);
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 24n), 10n ** 24n), (unscaled) => {
      expect(BigInt(parseDecimal(toText(unscaled))?.unscaled ?? unscaled)).toBe(unscaled);
      expect(toDouble(unscaled)).toBe(Number(toText(unscaled)));
    }),
  );
});
