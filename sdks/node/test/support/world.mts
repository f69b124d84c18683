/** A client without an outside world: what it sends is kept, and what it gets is written down before. */

import type { ClientOptions, FetchRequest } from '@rocket-learning/sdk';
import RocketSDK from '@rocket-learning/sdk';

/** What happens to a try. */
export type Outcome =
  | { readonly kind: 'network' }
  | { readonly kind: 'timeout' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retry_after_s?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

export interface Sent extends Omit<FetchRequest, 'body'> {
  readonly url: URL;
  readonly body: Record<string, unknown>;
}

/** What a client did. */
export interface Deeds {
  readonly sent: Sent[];
  readonly waited: number[];
}

export interface Setting {
  readonly options?: ClientOptions;
  /** In turn; those after the last succeed. */
  readonly outcomes?: readonly Outcome[];
  /** In turn. */
  readonly ids?: readonly string[];
  readonly clock?: string;
  readonly random?: number;
}

/** A client in a world of its own. */
export function isolated({ options, outcomes = [], ids, clock, random = 0 }: Setting = {}): Deeds & {
  readonly client: RocketSDK;
} {
  const deeds: Deeds = { sent: [], waited: [] };
  const left = [...outcomes];
  const newIds = ids?.[Symbol.iterator]();
  const client = new RocketSDK({
    apiKey: 'rk_test_key',
    baseURL: 'http://127.0.0.1:8000',
    ...options,
    world: {
      fetch: (url, request) => {
        const body = JSON.parse(request.body ?? '{}') as Record<string, unknown>;
        deeds.sent.push({ ...request, url: new URL(url), body });
        return answer(
          left.shift() ?? { kind: 'status', status: 200, body: '{"events": [], "next_cursor": null}' },
          request,
        );
      },
      sleep: (ms) => {
        deeds.waited.push(ms);
        return Promise.resolve();
      },
      random: () => random,
      ...(newIds ? { newId: () => String(newIds.next().value) } : {}),
      ...(clock ? { now: () => Date.parse(clock) } : {}),
    },
  });
  return { ...deeds, client };
}

async function answer(outcome: Outcome, { signal }: FetchRequest): Promise<Response> {
  switch (outcome.kind) {
    case 'network':
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
      });
    case 'timeout':
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    case 'status': {
      const { status, retry_after_s: retryAfter, headers = {}, body = status < 300 ? '{}' : '' } = outcome;
      const all = retryAfter === undefined ? headers : { ...headers, 'Retry-After': String(retryAfter) };
      return new Response(body === '' ? null : body, { status, headers: all });
    }
  }
}
