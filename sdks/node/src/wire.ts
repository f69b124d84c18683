/** A caller's value as JSON: copied, so that later changes don't reach it, and complained of where it can't be. */

import { type FieldError, isObject } from './errors.js';

const MAX_DEPTH = 20; // what the server takes, counted from an event's properties
const HALF_OF_A_PAIR = /\p{Surrogate}/u;

/**
 * A copy that JSON can hold: dates in UTC with milliseconds, `undefined` left out.
 *
 * Numbers that JSON doesn't have, such as NaN, are noted in `errors`: JSON.stringify would send null instead,
 * and the value would be gone without a word.
 */
export function toWire(
  value: unknown,
  path: string,
  errors: FieldError[],
  around: readonly object[] = [],
): unknown {
  switch (typeof value) {
    case 'string':
      if (HALF_OF_A_PAIR.test(value)) {
        errors.push({ path, message: 'must not contain halves of surrogate pairs' });
      }
      return value;
    case 'number':
      if (!Number.isFinite(value)) {
        errors.push({ path, message: `must be a number that JSON has, not ${value}` });
      }
      return value;
    case 'bigint':
    case 'function':
    case 'symbol':
      errors.push({ path, message: `must be something that JSON has, not a ${typeof value}` });
      return undefined;
    case 'object':
      return value === null ? null : fromObject(value, path, errors, around);
    default:
      return value;
  }
}

function fromObject(value: object, path: string, errors: FieldError[], around: readonly object[]): unknown {
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return value.toISOString();
    errors.push({ path, message: 'must be a time that exists' });
    return undefined;
  }
  if (around.length > MAX_DEPTH || around.includes(value)) {
    errors.push({ path, message: `must have at most ${MAX_DEPTH} objects and lists inside one another` });
    return undefined;
  }
  const inner = [...around, value];
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return toWire((value as { toJSON(): unknown }).toJSON(), path, errors, inner);
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => toWire(item, `${path}[${index}]`, errors, inner) ?? null);
  }
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const written = toWire(item, path ? `${path}.${key}` : key, errors, inner);
    if (written !== undefined) define(copy, key, written);
  }
  return copy;
}

// `copy.__proto__ = …` would set the prototype and lose the field.
function define(copy: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
  } else copy[key] = value;
}

/** A copy of `given` with the aliases of its top level spelled as on the wire, and without what is absent there. */
export function fieldsOf(
  given: unknown,
  aliases: Readonly<Record<string, string>>,
  errors: FieldError[],
): Record<string, unknown> | null {
  const copy = toWire(given, '', errors);
  if (!isObject(copy)) {
    errors.push({ path: '', message: 'must be an object' });
    return null;
  }
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(copy)) {
    if (!isAbsent(value) && !Object.hasOwn(aliases, key)) define(fields, key, value);
  }
  for (const [alias, name] of Object.entries(aliases)) {
    const value = copy[alias];
    if (isAbsent(value)) continue;
    if (fields[name] !== undefined && fields[name] !== value) {
      errors.push({ path: alias, message: `says something else than ${name}` });
    }
    fields[name] ??= value;
  }
  return fields;
}

/** Null and the empty text say nothing, like a field that isn't there. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
