/** Whether a failed try is made again, and when. */

import { ApiError, RateLimitError, ServerError, TransportError } from './errors.js';
import { repeatable } from './repeat.js';

/** How often and how patiently a failed call is tried again. Durations are in milliseconds. */
export interface RetryOptions {
  /** False: one try, and no more. */
  readonly enabled?: boolean | undefined;
  /** Tries after the first one; 3 by default. */
  readonly maxRetries?: number | undefined;
  /** Wait before the first retry; 1,000 by default. */
  readonly baseDelay?: number | undefined;
  /** How many times as long each further wait is; 2 by default. */
  readonly backoffMultiplier?: number | undefined;
  /** No wait is longer, before `Retry-After` has its say; 30,000 by default. */
  readonly maxDelay?: number | undefined;
  /** The share of a wait that chance may take away, 0 to 1, so that clients don't come back all at once; 0.5 by default. */
  readonly jitter?: number | undefined;
  /** `Retry-After` isn't heeded beyond this; 60,000 by default. */
  readonly maxRetryAfter?: number | undefined;
}

/** The same with nothing left open. */
export type RetryPolicy = Complete<RetryOptions>;

/** Options of which each is there. */
export type Complete<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

export const RETRY_DEFAULTS: RetryPolicy = {
  enabled: true,
  maxRetries: 3,
  baseDelay: 1_000,
  backoffMultiplier: 2,
  maxDelay: 30_000,
  jitter: 0.5,
  maxRetryAfter: 60_000,
};

/**
 * Milliseconds to wait before the next try, or null where there is none.
 *
 * `retries` is how many were made already, `random` a number from 0 to 1.
 */
export function retryDelay(
  policy: RetryPolicy,
  error: unknown,
  retries: number,
  random: number,
): number | null {
  if (!policy.enabled || retries >= policy.maxRetries || !isTransient(error)) return null;
  const grown = Math.min(policy.baseDelay * policy.backoffMultiplier ** retries, policy.maxDelay);
  const delay = grown * (1 - policy.jitter * random);
  return Math.max(delay, askedToWait(error, policy.maxRetryAfter));
}

/** `Retry-After` in milliseconds, as far as it is heeded; 0 where there is none. */
function askedToWait(error: unknown, longest: number): number {
  return error instanceof ApiError ? Math.min(error.retryAfterMs ?? 0, longest) : 0;
}

/** Whether the same call may succeed a little later: no whole answer came, or it was 429 or 5xx. */
export function isTransient(error: unknown): boolean {
  return error instanceof TransportError || error instanceof RateLimitError || error instanceof ServerError;
}

// What a timer of Node.js can wait; it fires at once for anything longer.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves after so many milliseconds; rejects with the signal's reason as soon as it is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      },
      Math.min(ms, LONGEST_TIMER_MS),
    );
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Runs any request again after network errors and 5xx, with waits that double. */
export class RetryableRequest {
  constructor(
    readonly maxRetries = RETRY_DEFAULTS.maxRetries,
    readonly baseDelay = RETRY_DEFAULTS.baseDelay,
  ) {}

  /**
   * What `requestFn` answers, at the latest on its last try; its last error otherwise. Calls of this package in it
   * keep their ids and times, so that they count once.
   */
  async execute<T>(requestFn: () => Promise<T> | T, retryCount = 0): Promise<T> {
    const attempt = repeatable(requestFn);
    for (let retries = retryCount; ; retries++) {
      try {
        return await attempt();
      } catch (error) {
        if (retries >= this.maxRetries || !this.shouldRetry(error)) throw error;
        await this.sleep(
          Math.max(this.calculateDelay(retries), askedToWait(error, RETRY_DEFAULTS.maxRetryAfter)),
        );
      }
    }
  }

  /** Errors of this package, and those that look like an HTTP client's: `code`, `response.status`. */
  shouldRetry(error: unknown): boolean {
    if (isTransient(error)) return true;
    if (typeof error !== 'object' || error === null) return false;
    const { code, response } = error as { code?: unknown; response?: { status?: unknown } | null };
    const status = Number(response?.status);
    return code === 'ECONNRESET' || code === 'ETIMEDOUT' || status === 429 || status >= 500;
  }

  /** Milliseconds before retry number `retryCount`, counted from 0. */
  calculateDelay(retryCount: number): number {
    return this.baseDelay * 2 ** retryCount;
  }

  sleep(ms: number): Promise<void> {
    return sleep(ms);
  }
}
