// The shapes of JSON values. Shapes go to logs and notifications; values do not, because they are customers' data.
import { ExactNumber } from '../base/json.ts';
import type { Shape } from '../engine/ports.ts';
import { epochDay, epochMillis } from './calendar.ts';

/** Deeper than this a value is told by its JSON type alone. */
const DEPTH_MAX = 4;
/** An object with more members than this is a map, whose member names are data. */
const MEMBERS_MAX = 100;

/** Text is told apart by its form, numbers by whether they are whole. */
export function shapeOf(value: unknown, depth = 0): Shape {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return textShape(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'decimal';
  if (value instanceof ExactNumber) return 'decimal';
  if (typeof value === 'boolean') return 'boolean';
  if (depth === DEPTH_MAX) return Array.isArray(value) ? 'array' : 'object';
  if (Array.isArray(value)) return arrayShape(value.map((item) => shapeOf(item, depth + 1)));
  const members = Object.entries(value);
  if (members.length > MEMBERS_MAX) return 'object';
  return Object.fromEntries(members.map(([name, member]) => [name, shapeOf(member, depth + 1)]));
}

/** The shape that fits both: null fits everything, text takes what else is plain; `mixed` where nothing fits. */
export function fitting(one: Shape, other: Shape): Shape {
  if (one === 'null') return other;
  if (other === 'null') return one;
  if (isItems(one) && isItems(other)) return arrayShape([...one, ...other]);
  if (isMembers(one) && isMembers(other)) {
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    if (names.length > MEMBERS_MAX) return 'object';
    return Object.fromEntries(names.map((name) => [name, fitting(memberOf(one, name), memberOf(other, name))]));
  }
  if (typeof one !== 'string' || typeof other !== 'string') return 'mixed';
  if (one === other) return one;
  const both = [one, other];
  if (both.every((shape) => NUMBERS.includes(shape))) return 'decimal';
  return both.every((shape) => TEXTS.includes(shape) || NUMBERS.includes(shape)) ? 'string' : 'mixed';
}

/** Whether something was seen in it: null, an empty array and an empty object say nothing about the type. */
export function isTelling(shape: Shape): boolean {
  if (typeof shape === 'string') return shape !== 'null';
  return Object.values(shape).some(isTelling);
}

export function isItems(shape: Shape): shape is readonly Shape[] {
  return Array.isArray(shape);
}

export function isMembers(shape: Shape): shape is { readonly [member: string]: Shape } {
  return typeof shape === 'object' && !isItems(shape);
}

function memberOf(shape: { readonly [member: string]: Shape }, name: string): Shape {
  return Object.hasOwn(shape, name) ? shape[name]! : 'null';
}

const NUMBERS: readonly Shape[] = ['integer', 'decimal'];
const TEXTS: readonly Shape[] = ['string', 'date', 'datetime'];

/** An array by the shape that fits all its items. Avro's arrays of ours hold no null, so one among others is mixed. */
function arrayShape(items: readonly Shape[]): readonly Shape[] {
  if (items.length === 0) return [];
  const hasNull = items.includes('null') && items.some((item) => item !== 'null');
  return [hasNull ? 'mixed' : items.reduce(fitting)];
}

function textShape(text: string): Shape {
  if (!Number.isNaN(epochDay(text))) return 'date';
  return Number.isNaN(epochMillis(text)) ? 'string' : 'datetime';
}
