/** A caller's own schema of events, in the form that `setEventSchema` takes. Pure. */

import { characters } from './checks.js';
import { ConfigurationError, type FieldError, isObject } from './errors.js';
import { isAbsent } from './wire.js';

export type SchemaType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array';

/** What one field must be. `min` and `max` are about a number's value, a text's characters, a list's length. */
export interface SchemaRule {
  readonly type: SchemaType;
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
}

/** Rules by name; groups of them, such as `properties`, may stand inside one another. */
export interface EventSchema {
  readonly [name: string]: SchemaRule | EventSchema;
}

const TYPES: Readonly<Record<SchemaType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  object: isObject,
  array: Array.isArray,
};
const MEASURED = new Set<SchemaType>(['string', 'number', 'integer', 'array']);
const ALIASES: Readonly<Record<string, string>> = { userId: 'user_id', eventId: 'event_id' };

/** The schema with names as on the wire. Raises ConfigurationError, naming the path, for what is none. */
export function readSchema(given: unknown): EventSchema {
  if (!isObject(given)) throw new ConfigurationError('an event schema must be an object');
  const named = Object.entries(given).map(([name, rule]) => [ALIASES[name] ?? name, rule]);
  return readGroup(Object.fromEntries(named) as Record<string, unknown>, '');
}

function readGroup(group: Record<string, unknown>, path: string): EventSchema {
  const read: Record<string, SchemaRule | EventSchema> = {};
  for (const [name, rule] of Object.entries(group)) {
    const where = path ? `${path}.${name}` : name;
    if (!isObject(rule)) throw new ConfigurationError(`${where} must be a rule, such as { type: 'string' }`);
    // A group may have a member of the name `type`, which is a rule itself.
    read[name] = typeof rule['type'] === 'string' ? readRule(rule, where) : readGroup(rule, where);
  }
  return read;
}

function readRule(
  { type, required, min, max, ...others }: Record<string, unknown>,
  path: string,
): SchemaRule {
  const refuse = (key: string, expected: string): never => {
    throw new ConfigurationError(`${path}.${key} ${expected}`);
  };
  if (!Object.hasOwn(TYPES, String(type))) refuse('type', `must be one of ${Object.keys(TYPES).join(', ')}`);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) refuse(unknown, 'is unknown; a rule has type, required, min and max');
  if (required !== undefined && typeof required !== 'boolean') refuse('required', 'must be true or false');
  for (const [key, bound] of Object.entries({ min, max })) {
    if (bound === undefined) continue;
    if (typeof bound !== 'number') refuse(key, 'must be a number');
    if (!MEASURED.has(type as SchemaType)) refuse(key, `says nothing about a value of type ${String(type)}`);
  }
  if (Number(min) > Number(max)) refuse('min', 'must not be greater than max');
  return { type, required: required ?? false, min, max } as SchemaRule;
}

/** Notes what an event lacks of a schema; a path that has an error already gets no second one. */
export function checkSchema(event: Record<string, unknown>, schema: EventSchema, errors: FieldError[]): void {
  const known = new Set(errors.map(({ path }) => path));
  checkGroup(event, schema, '', (path, message) => {
    if (!known.has(path)) errors.push({ path, message });
    known.add(path);
  });
}

type Complain = (path: string, message: string) => void;

function checkGroup(
  value: Record<string, unknown>,
  group: EventSchema,
  path: string,
  complain: Complain,
): void {
  for (const [name, rule] of Object.entries(group)) {
    const where = path ? `${path}.${name}` : name;
    const member = value[name];
    if (isRule(rule)) checkRule(member, rule, where, complain);
    else if (isAbsent(member)) checkGroup({}, rule, where, complain);
    else if (isObject(member)) checkGroup(member, rule, where, complain);
    else complain(where, 'must be an object');
  }
}

function checkRule(
  value: unknown,
  { type, required, min, max }: SchemaRule,
  path: string,
  complain: Complain,
): void {
  if (isAbsent(value)) {
    if (required) complain(path, 'is required');
    return;
  }
  if (!TYPES[type](value)) {
    complain(path, `must be ${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`);
    return;
  }
  const measure = measureOf(value);
  const unit = type === 'string' ? ' characters' : type === 'array' ? ' items' : '';
  if (min !== undefined && measure < min) complain(path, `must be at least ${min}${unit}`);
  if (max !== undefined && measure > max) complain(path, `must be at most ${max}${unit}`);
}

function measureOf(value: unknown): number {
  if (typeof value === 'string') return characters(value);
  return Array.isArray(value) ? value.length : Number(value);
}

function isRule(rule: SchemaRule | EventSchema): rule is SchemaRule {
  return typeof rule.type === 'string';
}
