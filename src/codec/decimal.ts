// Amounts, rates, hours and quantities as decimal(24,6): the number of millionths. Knows exactness, rounding and the
// bytes of java.math.BigInteger; leaves to encoding.ts what becomes of a literal that had to be rounded.

const SCALE = 6;
const PRECISION = 24;
const MILLION = 1_000_000;
const LIMIT = 10n ** BigInt(PRECISION);
// Integers of up to 15 digits survive as doubles one by one, so below this the test of `exact` cannot mistake one for
// its neighbour.
const FIFTEEN_DIGITS = 1e15;
const LITERAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A count of millionths; a bigint only where a number cannot hold it. */
export type Unscaled = number | bigint;

export interface Decimal {
  readonly unscaled: Unscaled;
  /** The value had more than six fraction digits: `unscaled` is the nearest, ties to even. */
  readonly rounded: boolean;
}

/**
 * The decimal that a JSON number (or a text of digits) stands for; undefined when it is none or has more than 18 digits
 * before the point. The shortest literal of a number counts as what Harvest wrote; digits beyond the 15th that do not
 * fit the scale are the noise of binary arithmetic (0.1 + 0.2) and fall away before anything is rounded.
 */
export function parseDecimal(value: number | string): Decimal | undefined {
  if (typeof value === 'string') return scaled(value);
  const millionths = Math.round(value * MILLION);
  const exact = millionths / MILLION === value && Math.abs(millionths) < FIFTEEN_DIGITS;
  if (exact) return { unscaled: millionths + 0, rounded: false };
  const literal = scaled(String(value));
  return literal?.rounded ? scaled(value.toPrecision(15)) : literal;
}

function scaled(literal: string): Decimal | undefined {
  const match = LITERAL.exec(literal);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const magnitude = BigInt(whole + fraction);
  const shift = SCALE + Number(exponent) - fraction.length;
  const divisor = 10n ** BigInt(Math.max(-shift, 0));
  const multiple = magnitude * 10n ** BigInt(Math.max(shift, 0));
  const quotient = multiple / divisor;
  const remainder = multiple % divisor;
  const up = 2n * remainder > divisor || (2n * remainder === divisor && quotient % 2n === 1n);
  const unsigned = up ? quotient + 1n : quotient;
  if (unsigned >= LIMIT) return undefined;
  return { unscaled: narrow(sign === '-' ? -unsigned : unsigned), rounded: remainder !== 0n };
}

function narrow(value: bigint): Unscaled {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Minimal big-endian two's complement, as Java's BigInteger.toByteArray: 0 is 00, 128 is 0080, -129 is ff7f. */
export function toBytes(unscaled: Unscaled): Buffer {
  const value = BigInt(unscaled);
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  const hex = BigInt.asUintN(8 * length, value).toString(16);
  return Buffer.from(hex.padStart(2 * length, '0'), 'hex');
}

/** The reverse of toBytes. */
export function fromBytes(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex || '0'}`));
}

/** Plain notation without trailing zeros: `12.5`, `-0.000001`, `100`. */
export function toText(unscaled: Unscaled): string {
  const value = BigInt(unscaled);
  const digits = String(value < 0n ? -value : value).padStart(SCALE + 1, '0');
  const fraction = digits.slice(-SCALE).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -SCALE)}${fraction && '.'}${fraction}`;
}

/** The nearest double. */
export function toDouble(unscaled: Unscaled): number {
  return typeof unscaled === 'number' ? unscaled / MILLION : Number(toText(unscaled));
}
