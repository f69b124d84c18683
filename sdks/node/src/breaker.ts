/** Leaves a server alone that fails: a circuit breaker. */

import { ApiError, CircuitOpenError, ConfigurationError, ServerError, ValidationError } from './errors.js';

export type BreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

export interface CircuitBreakerOptions {
  /** Which errors speak against the other side; by default all that it didn't answer itself, and 5xx. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** Told of each change. */
  readonly onChange?: ((state: BreakerState) => void) | undefined;
  /** Unix milliseconds; the system's clock by default. */
  readonly now?: (() => number) | undefined;
}

/**
 * CLOSED lets calls through. `threshold` failures in a row make it OPEN, which refuses them for `timeout`
 * milliseconds. Then it is HALF_OPEN: one call is let through, and decides which of the two comes next.
 */
export class CircuitBreaker {
  failures = 0;
  nextAttempt: number;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #onChange: ((state: BreakerState) => void) | undefined;
  readonly #now: () => number;
  #state: BreakerState = 'CLOSED';

  constructor(
    readonly threshold = 5,
    readonly timeout = 60_000,
    options: CircuitBreakerOptions = {},
  ) {
    if (!Number.isInteger(threshold) || threshold < 1) {
      throw new ConfigurationError('threshold must be 1 or more');
    }
    if (!(timeout >= 0)) throw new ConfigurationError('timeout must be 0 or more milliseconds');
    this.#isFailure = options.isFailure ?? isFailure;
    this.#onChange = options.onChange;
    this.#now = options.now ?? Date.now;
    this.nextAttempt = this.#now();
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** How long calls are still refused, in milliseconds. */
  get waitMs(): number {
    return this.#state === 'CLOSED' ? 0 : Math.max(0, this.nextAttempt - this.#now());
  }

  /** The operation's own outcome, or CircuitOpenError without having called it. */
  async execute<T>(operation: () => Promise<T> | T): Promise<T> {
    if (!this.allow()) throw new CircuitOpenError(this.waitMs);
    try {
      const result = await operation();
      this.onSuccess();
      return result;
    } catch (error) {
      if (isAbort(error)) this.onCancel();
      else if (this.#isFailure(error)) this.onFailure();
      else this.onSuccess();
      throw error;
    }
  }

  /** Whether a call may be made now. Whoever is allowed to has to tell how it ended. */
  allow(): boolean {
    if (this.#state === 'CLOSED') return true;
    if (this.#state === 'HALF_OPEN' || this.#now() < this.nextAttempt) return false;
    this.#become('HALF_OPEN');
    return true;
  }

  onSuccess(): void {
    if (this.#state === 'OPEN') return; // a call from before it opened: too late to count
    this.failures = 0;
    this.#become('CLOSED');
  }

  onFailure(): void {
    if (this.#state === 'OPEN') return;
    this.failures++;
    if (this.#state === 'HALF_OPEN' || this.failures >= this.threshold) {
      this.nextAttempt = this.#now() + this.timeout;
      this.#become('OPEN');
    }
  }

  /** The call was given up and says nothing; if it was the one of HALF_OPEN, the next one may try. */
  onCancel(): void {
    if (this.#state === 'HALF_OPEN') this.#become('OPEN');
  }

  #become(state: BreakerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onChange?.(state);
  }
}

/** An answer below 500 shows that the server is there, and what never left this machine says nothing of it. */
export function isFailure(error: unknown): boolean {
  if (error instanceof ApiError) return error instanceof ServerError;
  return !(error instanceof ValidationError || error instanceof ConfigurationError);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
