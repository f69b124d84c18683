/** What a client tells of its work: hooks and a logger. Never bodies, queries or keys. */

import type { BreakerState } from './breaker.js';
import type { RocketError } from './errors.js';

/** One try of a call, and what became of it. */
export interface TryRecord {
  readonly method: string;
  /** Without its query. */
  readonly url: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly durationMs: number;
  /** The HTTP status; null where no whole answer came. */
  readonly status: number | null;
  readonly requestId: string | null;
  readonly error: RocketError | null;
}

/** A try that will be made. */
export interface RetryRecord {
  readonly method: string;
  readonly url: string;
  /** The number of the try that comes. */
  readonly attempt: number;
  readonly delayMs: number;
  /** Why the last one failed. */
  readonly error: RocketError;
}

/** Called as things happen; what a hook throws is swallowed, and never changes a call. */
export interface Hooks {
  readonly onTry?: (record: TryRecord) => void;
  readonly onRetry?: (record: RetryRecord) => void;
  readonly onBreaker?: (state: BreakerState) => void;
}

/** `console` is one, and so are those of pino, winston and their like. */
export interface Logger {
  debug(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Hooks that call the caller's own, and write to a logger. */
export function telling(hooks: Hooks = {}, logger?: Logger): Required<Hooks> {
  return {
    onTry: (record) => {
      quietly(() => hooks.onTry?.(record));
      quietly(() => {
        const { method, url, attempt, durationMs, status, error } = record;
        const outcome = status ?? error?.code ?? 'failed';
        logger?.debug(`rocket: ${method} ${url} try ${attempt}: ${outcome} in ${Math.round(durationMs)} ms`);
      });
    },
    onRetry: (record) => {
      quietly(() => hooks.onRetry?.(record));
      quietly(() => {
        const { method, url, attempt, delayMs, error } = record;
        logger?.warn(
          `rocket: ${method} ${url} try ${attempt} in ${Math.round(delayMs)} ms, after: ${error.message}`,
        );
      });
    },
    onBreaker: (state) => {
      quietly(() => hooks.onBreaker?.(state));
      quietly(() => logger?.warn(`rocket: the circuit breaker is ${state}`));
    },
  };
}

/** Runs somebody else's code, whose failure is not ours. */
export function quietly(call: () => unknown): void {
  try {
    const pending = call();
    if (pending instanceof Promise) pending.catch(() => undefined);
  } catch {
    // It has been told; what it made of it is its own affair.
  }
}
