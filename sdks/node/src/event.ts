/** A caller's event as it is sent: spelled as on the wire, stamped, and looked through. Pure. */

import type { Check } from './checks.js';
import * as checks from './checks.js';
import { type FieldError, ValidationError, isObject } from './errors.js';
import { stampFor } from './repeat.js';
import type { EventSchema } from './schema.js';
import { checkSchema } from './schema.js';
import type { StampedEvent } from './types.js';
import { fieldsOf, isAbsent } from './wire.js';

/** What an event is stamped with. */
export interface Stamps {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
}

/** How far an event is looked through before it is sent. */
export interface Validation {
  readonly enabled: boolean;
  /** The caller's own, beside the event schema. */
  readonly schema: EventSchema | null;
}

const ALIASES = { userId: 'user_id', eventId: 'event_id' };

const PROPERTIES: Readonly<Record<string, Check>> = {
  course_id: checks.identifier,
  section_id: checks.identifier,
  lesson_id: checks.identifier,
  quiz_id: checks.identifier,
  attempt_id: checks.identifier,
  object_id: checks.identifier,
  progress_pct: checks.percentage,
  time_on_task_sec: checks.seconds,
};

const METADATA: Readonly<Record<string, Check>> = {
  event_id: checks.identifier,
  lms_event_id: checks.identifier,
};

/** The event as it is sent, with an id and a time that stay through every try. Raises ValidationError. */
export function prepareEvent(given: unknown, stamps: Stamps, validation: Validation): StampedEvent {
  const errors: FieldError[] = [];
  const event = prepare(given, stamps, validation, errors);
  if (event === null || errors.length > 0) throw new ValidationError(errors);
  return event;
}

/** The same for a batch: one wrong event, and nothing is sent. Paths carry the index: `events[3].user_id`. */
export function prepareBatch(
  given: unknown,
  stamps: Stamps,
  validation: Validation,
): readonly StampedEvent[] {
  if (!Array.isArray(given) || given.length < 1 || given.length > MAX_BATCH_EVENTS) {
    throw new ValidationError([
      { path: 'events', message: `must be a list of 1 to ${MAX_BATCH_EVENTS} events` },
    ]);
  }
  const found: FieldError[] = [];
  const events: StampedEvent[] = [];
  given.forEach((item: unknown, index) => {
    const errors: FieldError[] = [];
    const event = prepare(item, stamps, validation, errors);
    if (event !== null) events.push(event);
    for (const { path, message } of errors) {
      found.push({ path: `events[${index}]${path && `.${path}`}`, message });
    }
  });
  if (found.length > 0) throw new ValidationError(found.slice(0, MAX_ERRORS));
  return events;
}

/** What the server takes in one batch. */
export const MAX_BATCH_EVENTS = 10_000;
const MAX_ERRORS = 100;

function prepare(
  given: unknown,
  stamps: Stamps,
  { enabled, schema }: Validation,
  errors: FieldError[],
): StampedEvent | null {
  const event = fieldsOf(given, ALIASES, errors);
  if (event === null) return null;
  stamp(event, stamps);
  if (enabled) {
    checkEvent(event, errors);
    if (schema !== null) checkSchema(event, schema, errors);
  }
  return event as unknown as StampedEvent;
}

function stamp(event: Record<string, unknown>, { now, newId }: Stamps): void {
  const ids = [
    event['event_id'],
    event['id'],
    inside(event, 'metadata')['event_id'],
    inside(event, 'trace')['lms_event_id'],
  ];
  const needsTime = event['timestamp'] === undefined && event['occurred_at'] === undefined;
  const needsId = ids.every(isAbsent);
  if (!needsTime && !needsId) return;
  const { id, time } = stampFor(
    () => JSON.stringify(event),
    () => ({ id: newId(), time: new Date(now()).toISOString() }),
  );
  if (needsTime) event['timestamp'] = time;
  if (needsId) event['event_id'] = id;
}

function checkEvent(event: Record<string, unknown>, errors: FieldError[]): void {
  const check = (path: string, value: unknown, rule: Check): void => {
    const message = rule(value);
    if (message !== null) errors.push({ path, message });
  };
  const canonical = event['user'] !== undefined && event['user_id'] === undefined;
  check('event', event['event'], checks.eventName);
  if (canonical) check('user.id', inside(event, 'user')['id'], checks.userId);
  else check('user_id', event['user_id'], checks.userId);
  for (const name of ['timestamp', 'occurred_at']) {
    if (event[name] !== undefined) check(name, event[name], checks.moment);
  }
  for (const name of ['event_id', 'id']) {
    if (event[name] !== undefined) check(name, event[name], checks.identifier);
  }
  for (const [name, rules] of Object.entries({ properties: PROPERTIES, metadata: METADATA })) {
    const document = event[name];
    // The server takes an empty list for an empty object, since PHP writes it so.
    if (
      document !== undefined &&
      !isObject(document) &&
      !(Array.isArray(document) && document.length === 0)
    ) {
      errors.push({ path: name, message: 'must be an object' });
    }
    for (const [key, rule] of Object.entries(rules)) {
      const value = inside(event, name)[key];
      if (!isAbsent(value)) check(`${name}.${key}`, value, rule);
    }
  }
}

function inside(event: Record<string, unknown>, name: string): Record<string, unknown> {
  const document = event[name];
  return isObject(document) ? document : {};
}
