/** Where events go that can't be sent: never silently away. */

import { appendFileSync } from 'node:fs';

import { type Logger, quietly } from './telling.js';
import type { StampedEvent } from './types.js';

/**
 * Why an event wasn't sent: its batch was `refused`, it was `rejected` alone, there was no room for it
 * (`overflow`), or the buffer was `closed` while the server couldn't be reached.
 */
export type DeadLetterReason = 'refused' | 'rejected' | 'overflow' | 'closed';

/** Is handed an event that wasn't sent. It may be asynchronous, but at the process's exit nobody waits for it. */
export type DeadLetterCallback = (
  event: StampedEvent,
  reason: DeadLetterReason,
  error: Error | null,
) => unknown;

/** Where dead letters go: a callback, or a file with one JSON object a line. Without either, the log. */
export interface DeadLetterOptions {
  readonly onDeadLetter?: DeadLetterCallback | undefined;
  readonly deadLetterFile?: string | undefined;
  /** `console` by default. */
  readonly logger?: Logger | undefined;
}

/** Hands an event over, at once: at the process's exit there is no later. What fails on the way is logged whole. */
export function bury(
  event: StampedEvent,
  reason: DeadLetterReason,
  error: Error | null,
  { onDeadLetter, deadLetterFile, logger = console }: DeadLetterOptions,
): void {
  const log = (trouble: unknown): void => {
    quietly(() => {
      logger.error(`rocket: an event was not sent (${String(trouble)}): ${letter}`);
    });
  };
  const letter = JSON.stringify({
    at: new Date().toISOString(),
    reason,
    error: error?.message ?? null,
    event,
  });
  try {
    if (onDeadLetter) {
      const pending = onDeadLetter(event, reason, error);
      if (pending instanceof Promise) pending.catch(log);
    } else if (deadLetterFile) appendFileSync(deadLetterFile, `${letter}\n`, { mode: 0o600 });
    else log('there is no onDeadLetter and no deadLetterFile');
  } catch (trouble) {
    log(trouble);
  }
}
