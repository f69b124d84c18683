/** What the server asks of single values. Nothing here is stricter than the server: what it takes passes. */

import { isAbsent } from './wire.js';

/** What is wrong with a value, as the end of a sentence that begins with the field's name; null for nothing. */
export type Check = (value: unknown) => string | null;

const EVENT = /^[a-z]+\.[a-z_]+$/;
const MAX_EVENT = 100;
const MAX_ID = 255;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/;
// What a program writes where it had no value: all learners without an id would become one.
const NOBODY = new Set(['undefined', 'null', 'none', 'nan', '[object object]', 'true', 'false']);

const DIGITS = /^\d{1,20}$/;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,30})?(?:[Zz]|[+-]\d\d:\d\d)?$/;
const YEAR_2000_S = 946_684_800;
const MILLISECONDS_FROM = 1e11; // as seconds that would be the year 5138

export const eventName: Check = (value) => {
  if (isAbsent(value)) return 'is required';
  if (typeof value !== 'string' || !EVENT.test(value)) {
    return 'must be domain.action in lower-case letters, such as "course.completed"';
  }
  return value.length > MAX_EVENT ? `must have at most ${MAX_EVENT} characters` : null;
};

export const userId: Check = (value) => {
  if (isAbsent(value)) return 'is required';
  if (typeof value !== 'string') return 'must be a string';
  if (characters(value) > MAX_ID) return `must have at most ${MAX_ID} characters`;
  if (value.includes('/')) return 'must not contain a slash';
  if (UNPRINTABLE.test(value)) return 'must not contain control characters';
  if (value !== value.trim()) return 'must not begin or end with a blank';
  return NOBODY.has(value.toLowerCase()) ? `is "${value}", which is nobody` : null;
};

/** A part of a URL's path; `.` and `..` would lead to another address. */
export const pathPart: Check = (value) => {
  if (typeof value !== 'string' || value === '') return 'must be a text that is not empty';
  if (value.includes('/')) return 'must not contain a slash';
  if (/\p{Surrogate}/u.test(value)) return 'must not contain halves of surrogate pairs';
  return value === '.' || value === '..' ? `must not be "${value}"` : null;
};

export const identifier: Check = (value) => {
  if (Number.isInteger(value)) return null;
  if (typeof value !== 'string') return 'must be a string or a whole number';
  return characters(value) > MAX_ID ? `must have at most ${MAX_ID} characters` : null;
};

export const moment: Check = (value) => {
  if (typeof value === 'string' && !DIGITS.test(value)) {
    return RFC3339.test(value) ? null : 'must be RFC 3339, such as "2026-01-31T10:15:00Z", or Unix seconds';
  }
  if (typeof value !== 'string' && typeof value !== 'number') return 'must be a text, Unix seconds or a Date';
  const seconds = Number(value);
  if (seconds >= MILLISECONDS_FROM) return 'looks like milliseconds; send Unix seconds';
  return seconds < YEAR_2000_S ? 'is before the year 2000' : null;
};

export const percentage: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= 100 ? null : 'must be a number from 0 to 100';

export const seconds: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? null
    : 'must be a whole number of seconds, 0 or more';

/** Text of 1 to `longest` characters. */
export function text(longest: number): Check {
  return (value) => {
    if (isAbsent(value)) return 'is required';
    return typeof value === 'string' && characters(value) <= longest
      ? null
      : `must be text of 1 to ${longest} characters`;
  };
}

/** Characters as people count them, not UTF-16's halves. */
export function characters(value: string): number {
  return value.length - (value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}
