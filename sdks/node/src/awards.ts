/** Points and badges as they are asked for: spelled as on the wire and looked through. Pure. */

import * as checks from './checks.js';
import { type FieldError, ValidationError, isObject } from './errors.js';
import { fieldsOf } from './wire.js';

const MAX_POINTS = 1_000_000;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const points: checks.Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_POINTS
    ? null
    : `must be a whole number from 1 to ${MAX_POINTS}`;
const metadata: checks.Check = (value) =>
  value === undefined || isObject(value) ? null : 'must be an object';

const POINTS = { user_id: checks.userId, points, reason: checks.text(1000), metadata };
const REVERSAL = { entry_id: checks.text(100), reason: checks.text(1000) };
const BADGE = { user_id: checks.userId, badge_id: checks.text(100), metadata };

/** The body of an award or a deduction. Raises ValidationError, also for a key that can't be a header. */
export function preparePoints(given: unknown, key: string | undefined): Record<string, unknown> {
  return prepare(given, POINTS, { userId: 'user_id' }, key);
}

/** The body of a reversal. */
export function prepareReversal(given: unknown, key: string | undefined): Record<string, unknown> {
  return prepare(given, REVERSAL, { entryId: 'entry_id' }, key);
}

/** The body of a badge's award. */
export function prepareBadge(given: unknown, key: string | undefined): Record<string, unknown> {
  return prepare(given, BADGE, { userId: 'user_id', badgeId: 'badge_id' }, key);
}

function prepare(
  given: unknown,
  rules: Readonly<Record<string, checks.Check>>,
  aliases: Readonly<Record<string, string>>,
  key: string | undefined,
): Record<string, unknown> {
  const errors: FieldError[] = [];
  const fields = fieldsOf(given, aliases, errors) ?? {};
  for (const [path, rule] of Object.entries(rules)) {
    const message = rule(fields[path]);
    if (message !== null) errors.push({ path, message });
  }
  for (const path of Object.keys(fields)) {
    if (!Object.hasOwn(rules, path)) {
      errors.push({ path, message: `is unknown; there are ${Object.keys(rules).join(', ')}` });
    }
  }
  if (key && !IDEMPOTENCY_KEY.test(key)) {
    errors.push({
      path: 'idempotency_key',
      message: 'must be 1 to 255 printable ASCII characters without blanks',
    });
  }
  if (errors.length > 0) throw new ValidationError(errors);
  return fields;
}
