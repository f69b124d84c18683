/** One call of the API: tries, waits between them, and what came of it. */

import { CircuitBreaker, isFailure } from './breaker.js';
import type { Config, FetchAnswer } from './config.js';
import {
  CircuitOpenError,
  NetworkError,
  RequestTimeoutError,
  RocketError,
  apiError,
  isObject,
} from './errors.js';
import { retryDelay } from './retry.js';
import type { Hooks } from './telling.js';
import type { Moment } from './types.js';
import { VERSION } from './version.js';

/** What a caller may say about one call. */
export interface CallOptions {
  /** Milliseconds for one try. */
  readonly timeout?: number | undefined;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** What stands behind the question mark; undefined isn't sent. */
export type Query = Readonly<Record<string, Moment | boolean | undefined>>;

/** A call to be made. */
export interface Call extends CallOptions {
  readonly method: 'GET' | 'POST';
  /** Already percent-encoded. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly idempotencyKey?: string | undefined;
}

/** Sends calls, and tries them again where that may help. */
export class Transport {
  readonly breaker: CircuitBreaker | null;
  readonly #config: Config;
  readonly #tell: Required<Hooks>;

  constructor(config: Config, tell: Required<Hooks>) {
    this.#config = config;
    this.#tell = tell;
    const { enabled, threshold, timeout } = config.circuitBreaker;
    const options = { onChange: tell.onBreaker, now: config.world.now };
    this.breaker = enabled ? new CircuitBreaker(threshold, timeout, options) : null;
  }

  /** The answer, decoded. Every try has the same body and the same key, so that the call counts once. */
  async send<T>(call: Call): Promise<T> {
    const { retry, world } = this.#config;
    const url = this.#config.baseURL + call.path;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    for (let retries = 0; ; retries++) {
      if (this.breaker?.allow() === false) throw new CircuitOpenError(this.breaker.waitMs);
      try {
        return (await this.#try(call, url, body, retries + 1)) as T;
      } catch (error) {
        // A breaker that opens ends the call with the error that opened it, which says more than its own.
        const opened = this.breaker?.state === 'OPEN';
        const delayMs = opened ? null : retryDelay(retry, error, retries, world.random());
        if (!(error instanceof RocketError) || delayMs === null) throw error;
        this.#tell.onRetry({ method: call.method, url, attempt: retries + 2, delayMs, error });
        await world.sleep(delayMs, call.signal);
      }
    }
  }

  async #try(call: Call, url: string, body: string | undefined, attempt: number): Promise<unknown> {
    const startedAt = performance.now();
    const tell = (status: number | null, requestId: string | null, error: RocketError | null): void => {
      const durationMs = performance.now() - startedAt;
      this.#tell.onTry({ method: call.method, url, attempt, durationMs, status, requestId, error });
    };
    let answer: FetchAnswer;
    let text: string;
    try {
      [answer, text] = await this.#exchange(call, url, body);
    } catch (error) {
      if (!(error instanceof RocketError)) {
        this.breaker?.onCancel();
        throw error; // the caller gave up
      }
      this.breaker?.onFailure();
      tell(null, null, error);
      throw error;
    }
    const header = (name: string): string | null => answer.headers.get(name);
    const value = answer.status >= 200 && answer.status < 300 ? decode(text) : undefined;
    const error = value === undefined ? apiError(answer.status, text, header) : null;
    if (error !== null && isFailure(error)) this.breaker?.onFailure();
    else this.breaker?.onSuccess();
    tell(answer.status, error?.requestId ?? header('x-request-id'), error);
    if (error !== null) throw error;
    return value;
  }

  /** One request and its whole answer. Raises TransportError, or the reason of the caller's own signal. */
  async #exchange(call: Call, url: string, body: string | undefined): Promise<[FetchAnswer, string]> {
    const { signal, timeout = this.#config.timeout } = call;
    signal?.throwIfAborted();
    const aborter = new AbortController();
    const timer = setTimeout(() => {
      aborter.abort(new RequestTimeoutError(timeout));
    }, timeout);
    const giveUp = (): void => {
      aborter.abort(signal?.reason);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      const answer = await this.#config.world.fetch(withQuery(url, call.query), {
        method: call.method,
        headers: this.#headers(call, body),
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
        signal: aborter.signal,
      });
      return [answer, await answer.text()];
    } catch (error) {
      throw aborter.signal.aborted ? (aborter.signal.reason as Error) : networkError(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    }
  }

  #headers(call: Call, body: string | undefined): Record<string, string> {
    const agent = `rocket-learning-sdk-node/${VERSION} node/${process.versions.node}`;
    return {
      'Authorization': `Bearer ${this.#config.apiKey}`,
      'Accept': 'application/json',
      'User-Agent': this.#config.userAgent ? `${agent} ${this.#config.userAgent}` : agent,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(call.idempotencyKey === undefined ? {} : { 'Idempotency-Key': call.idempotencyKey }),
    };
  }
}

/** Percent-encodes one part of a path: all but letters, digits and `-._~`. */
export function encodePathPart(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function withQuery(url: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      parameters.set(name, value instanceof Date ? value.toISOString() : String(value));
    }
  }
  const text = parameters.toString();
  return text ? `${url}?${text}` : url;
}

function decode(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

// What undici, Node's fetch, says in words of its own.
const NODE_CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_BODY_TIMEOUT: 'ETIMEDOUT',
};

/** fetch says "fetch failed" and hides the reason in a chain of causes. */
function networkError(error: unknown): NetworkError {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const { code, message } = inner as { code?: unknown; message?: unknown };
  const given = typeof code === 'string' ? code : 'ECONNRESET';
  return new NetworkError(`no answer: ${String(message) || given}`, NODE_CODES[given] ?? given, {
    cause: error,
  });
}
