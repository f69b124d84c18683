/** The patterns of the developers' page, beyond what its snippets show. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import RocketSDK, {
  CircuitBreaker,
  CircuitOpenError,
  InvalidRequestError,
  NetworkError,
  RetryableRequest,
  RocketEventTester,
  ServerError,
  ValidationError,
} from '@rocket-learning/sdk';

import { answer, serve } from './support/server.mjs';
import { isolated } from './support/world.mjs';

const REFUSAL = { code: null, message: 'm', requestId: null, details: {}, retryAfterMs: null };

/** A RetryableRequest that notes its waits instead of waiting. */
class Patient extends RetryableRequest {
  readonly waited: number[] = [];

  override sleep(ms: number): Promise<void> {
    this.waited.push(ms);
    return Promise.resolve();
  }
}

/** Fails with each of these errors, then succeeds. */
function failing(...errors: readonly Error[]): () => Promise<string> {
  const left = [...errors];
  return () => (left.length > 0 ? Promise.reject(left.shift() ?? new Error()) : Promise.resolve('done'));
}

test('RetryableRequest has the defaults of the page', () => {
  const { maxRetries, baseDelay } = new RetryableRequest();
  assert.deepEqual([maxRetries, baseDelay], [3, 1000]);
});

test('RetryableRequest doubles its waits, and gives up after as many retries as it was told', async () => {
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  const request = new Patient(3, 100);
  assert.equal(await request.execute(failing(reset, reset, reset)), 'done');
  assert.deepEqual(request.waited, [100, 200, 400]);
  await assert.rejects(new Patient(3, 100).execute(failing(reset, reset, reset, reset)), reset);
});

test('RetryableRequest knows errors of this package and of other HTTP clients', () => {
  const request = new RetryableRequest();
  const retried = [
    new NetworkError('m', 'ECONNREFUSED'),
    new ServerError({ ...REFUSAL, status: 503 }),
    { code: 'ETIMEDOUT' },
    { response: { status: 500 } },
    { response: { status: 429 } },
  ];
  const final = [
    new InvalidRequestError({ ...REFUSAL, status: 400 }),
    { response: { status: 404 } },
    new Error('m'),
    null,
    'x',
  ];
  assert.deepEqual(
    retried.map((error) => request.shouldRetry(error)),
    retried.map(() => true),
  );
  assert.deepEqual(
    final.map((error) => request.shouldRetry(error)),
    final.map(() => false),
  );
});

test('RetryableRequest waits as long as the server asks', async () => {
  const request = new Patient(1, 100);
  await request.execute(failing(new ServerError({ ...REFUSAL, status: 503, retryAfterMs: 5000 })));
  assert.deepEqual(request.waited, [5000]);
});

test('RetryableRequest keeps the ids of the calls in it, so that they count once', async () => {
  const failure = answer(503, {});
  const server = await serve(failure, answer(200, {}), answer(200, {}), failure, answer(200, {}));
  const client = new RocketSDK({ apiKey: 'k', baseURL: server.baseURL, retry: { enabled: false } });
  const event = { event: 'quiz.completed', user_id: 'u' };
  const work = async (): Promise<void> => {
    await client.events.track(event);
    await client.events.track(event);
    await client.points.award({ user_id: 'u', points: 5, reason: 'r' });
  };
  await new Patient().execute(work);
  await server.close();

  // The first attempt ends with its first call, the second with its third, and the last one goes through.
  const tried = server.requests.map(({ body, headers }) => `${String(headers['idempotency-key'])} ${body}`);
  const [first, , second, award] = tried;
  assert.deepEqual(tried, [first, first, second, award, first, second, award]);
  assert.equal(new Set(tried).size, 3);
});

test('two pieces of work have ids of their own', async () => {
  const { client, sent } = isolated();
  const work = (): Promise<unknown> => client.events.track({ event: 'quiz.completed', user_id: 'u' });
  await Promise.all([new Patient().execute(work), new Patient().execute(work)]);
  assert.equal(new Set(sent.map(({ body }) => body['event_id'])).size, 2);
});

test('CircuitBreaker has the defaults of the page, and lets one call try after its time', async () => {
  const { threshold, timeout, state } = new CircuitBreaker();
  assert.deepEqual([threshold, timeout, state], [5, 60_000, 'CLOSED']);

  let now = 0;
  const breaker = new CircuitBreaker(1, 1000, { now: () => now });
  await assert.rejects(breaker.execute(failing(new Error('down'))), /down/);
  await assert.rejects(
    breaker.execute(failing()),
    (error) => error instanceof CircuitOpenError && error.retryAfterMs === 1000,
  );
  now = 1000;
  const [first, second] = await Promise.allSettled([breaker.execute(failing()), breaker.execute(failing())]);
  assert.deepEqual([first.status, second.status, breaker.state], ['fulfilled', 'rejected', 'CLOSED']);
});

test('an answer that the other side gave on purpose does not open a CircuitBreaker', async () => {
  const breaker = new CircuitBreaker(1);
  for (const error of [new InvalidRequestError({ ...REFUSAL, status: 400 }), new ValidationError([])]) {
    await assert.rejects(breaker.execute(failing(error)), error);
    assert.equal(breaker.state, 'CLOSED');
  }
});

test('RocketEventTester says what the server finds wrong, and stores nothing then', async () => {
  const found = [{ path: 'event', message: 'must be domain.action' }];
  const server = await serve(answer(200, { valid: false, errors: found }));
  const tester = new RocketEventTester('key', server.baseURL);
  await assert.rejects(tester.sendTestEvent({ event: 'bad', user_id: 'u' }), {
    message: `Invalid event: ${JSON.stringify(found)}`,
  });
  await server.close();
  assert.deepEqual(
    server.requests.map(({ url }) => url),
    ['/v1/events/validate'],
  );
});
