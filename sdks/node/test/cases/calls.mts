/** retry.json, errors.json and urls.json: how calls are made, and what comes of them. */

import assert from 'node:assert/strict';

import * as sdk from '@rocket-learning/sdk';
import RocketSDK, { ApiError, type Environment, ValidationError } from '@rocket-learning/sdk';

import { type Json, readCases, runCases } from '../support/cases.mjs';
import { type Outcome, isolated } from '../support/world.mjs';

interface Policy {
  readonly enabled: boolean;
  readonly max_retries: number;
  readonly base_delay_ms: number;
  readonly multiplier: number;
  readonly max_delay_ms: number;
  readonly jitter: number;
  readonly max_retry_after_ms: number;
}

const { defaults } = readCases('retry') as { defaults: Policy };

runCases<{
  policy: Partial<Policy>;
  retry: number;
  random: number;
  outcome: Outcome;
  delay_ms: number | null;
}>('retry', 'cases', async ({ policy, retry, random, outcome, delay_ms: expected }) => {
  const all = { ...defaults, ...policy };
  const { client, waited } = isolated({
    // The tries before this one failed, too.
    outcomes: [...Array.from({ length: retry }, (): Outcome => ({ kind: 'network' })), outcome],
    random,
    options: {
      timeout: 1,
      circuitBreaker: { enabled: false },
      retry: {
        enabled: all.enabled,
        maxRetries: all.max_retries,
        baseDelay: all.base_delay_ms,
        backoffMultiplier: all.multiplier,
        maxDelay: all.max_delay_ms,
        jitter: all.jitter,
        maxRetryAfter: all.max_retry_after_ms,
      },
    },
  });
  await client.users.getBalance('u').catch(() => undefined);
  const delay = waited[retry];
  if (expected === null) assert.equal(delay, undefined);
  else assert.ok(delay !== undefined && Math.abs(delay - expected) <= 1, `${delay} is not ${expected}`);
});

interface ErrorCase {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly error: keyof typeof sdk;
  readonly code: string | null;
  readonly message: string;
  readonly request_id: string | null;
  readonly details: Json;
  readonly retry_after_s: number | null;
}

runCases<ErrorCase>('errors', 'cases', async ({ status, headers, body, error: name, ...expected }) => {
  const outcomes: Outcome[] = [{ kind: 'status', status, headers, body }];
  const { client } = isolated({ outcomes, options: { retry: { enabled: false } } });
  const error: unknown = await client.users.getBalance('u').catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.constructor, sdk[name]);
  assert.equal(error.name, name);
  assert.equal(error.status, status);
  assert.equal(error.code, expected.code);
  assert.equal(error.message, expected.message);
  assert.equal(error.requestId, expected.request_id);
  assert.deepEqual(error.details, expected.details);
  assert.equal(error.retryAfterMs, expected.retry_after_s === null ? null : expected.retry_after_s * 1000);
});

interface AddressCase {
  readonly argument: string | null;
  readonly environment: Environment | null;
  readonly env: string | null;
  readonly base_url?: string;
  readonly refused?: boolean;
}

runCases<AddressCase>('urls', 'base_url', ({ argument, environment, env, base_url: expected }) => {
  const before = process.env['ROCKET_BASE_URL'];
  delete process.env['ROCKET_BASE_URL'];
  if (env !== null) process.env['ROCKET_BASE_URL'] = env;
  try {
    const make = (): string =>
      new RocketSDK({ apiKey: 'k', baseURL: argument ?? undefined, environment: environment ?? undefined })
        .baseURL;
    if (expected === undefined) assert.throws(make, sdk.ConfigurationError);
    else assert.equal(make(), expected);
  } finally {
    if (before === undefined) delete process.env['ROCKET_BASE_URL'];
    else process.env['ROCKET_BASE_URL'] = before;
  }
});

interface RequestCase {
  readonly base_url: string;
  readonly call: string;
  readonly arguments: Json;
  readonly method?: string;
  readonly url?: string;
  readonly query?: Json;
  readonly errors?: string[];
}

runCases<RequestCase>(
  'urls',
  'requests',
  async ({ base_url: baseURL, call, arguments: given, ...expected }) => {
    const { client, sent } = isolated({ options: { baseURL } });
    try {
      await invoke(client, call, given);
    } catch (error) {
      assert.ok(error instanceof ValidationError, String(error));
      assert.deepEqual(
        error.errors.map(({ path }) => path),
        expected.errors,
      );
      assert.deepEqual(sent, []);
      return;
    }
    const [request] = sent;
    assert.ok(request && expected.errors === undefined);
    assert.equal(request.method, expected.method);
    assert.equal(request.url.href.split('?')[0], expected.url);
    assert.deepEqual(Object.fromEntries(request.url.searchParams), expected.query);
    assert.equal(request.headers['Authorization'], 'Bearer rk_test_key');
    assert.equal(request.headers['Accept'], 'application/json');
    assert.match(request.headers['User-Agent'] ?? '', /^rocket-learning-sdk-node\/1\.0\.0 /);
  },
);

// Arguments that Node takes by their place.
const BY_PLACE = ['events', 'event_id', 'badge_id', 'rule_id', 'user_id'];
const WHOLE = new Set([
  'events.track',
  'events.validate',
  'points.award',
  'points.deduct',
  'badges.award',
  'events.list',
]);

/** Calls a method by its canonical name with its named arguments. */
async function invoke(client: RocketSDK, call: string, given: Json): Promise<void> {
  const [first = '', second] = call.split('.');
  const [target, name] = second === undefined ? [client, first] : [client[first as 'events'], second];
  const method = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const place = WHOLE.has(call) ? undefined : BY_PLACE.find((key) => key in given);
  const { [place ?? '']: one, ...others } = given;
  const parameters = place === undefined ? [given] : [one, others];
  await (target as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]?.(
    ...parameters,
  );
}
