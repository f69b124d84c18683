/** What a client does over a real socket, and what it keeps to itself. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import RocketSDK, {
  CircuitOpenError,
  type ClientOptions,
  NetworkError,
  RequestTimeoutError,
  ServerError,
  ValidationError,
} from '@rocket-learning/sdk';

import { type Handler, type ScriptedServer, answer, reset, serve, silence } from './support/server.mjs';
import { isolated } from './support/world.mjs';

const KEY = 'rk_live_0123456789abcdef';
const FAILS = answer(503, { error: 'unavailable', message: 'away', details: {}, request_id: 'r' });
const BALANCE = answer(200, { user_id: 'u', points: 5 });

/** Runs `work` with a client of a server that answers by `handlers`. */
async function against(
  handlers: readonly Handler[],
  options: ClientOptions,
  work: (client: RocketSDK, server: ScriptedServer) => Promise<void>,
): Promise<void> {
  const server = await serve(...handlers);
  try {
    const retry = { baseDelay: 1, ...options.retry };
    await work(
      new RocketSDK({ apiKey: KEY, baseURL: server.baseURL, timeout: 5_000, ...options, retry }),
      server,
    );
  } finally {
    await server.close();
  }
}

test('a batch that is tried again has the same ids and times', async () => {
  const handlers = [
    reset,
    FAILS,
    answer(200, { processed: 0, duplicates: 2, failed: 0, points_awarded: 0, results: [] }),
  ];
  await against(handlers, {}, async (client, { requests }) => {
    const events = ['a', 'b'].map((userId) => ({ event: 'quiz.completed', userId }));
    assert.equal((await client.events.trackBatch(events)).duplicates, 2);
    assert.equal(requests.length, 3);
    assert.equal(new Set(requests.map(({ body }) => body)).size, 1);
  });
});

test('a badge has an idempotency key too, since a repeatable one would be given again', async () => {
  await against([reset, answer(200, { status: 'awarded' })], {}, async (client, { requests }) => {
    await client.badges.award({ userId: 'u', badgeId: 'helper' });
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys.length, 2);
    assert.ok(keys[0] && keys[0] === keys[1]);
  });
});

test('two calls have two keys', async () => {
  await against([answer(200, { balance: 5 })], {}, async (client, { requests }) => {
    await client.points.award({ userId: 'u', points: 5, reason: 'r' });
    await client.points.award({ userId: 'u', points: 5, reason: 'r' });
    assert.equal(new Set(requests.map(({ headers }) => headers['idempotency-key'])).size, 2);
  });
});

test('what the caller changes while a call is tried again is not sent', async () => {
  const properties = { lesson_id: 'one' };
  await against(
    [FAILS, answer(200, { status: 'processed' })],
    { retry: { baseDelay: 20 } },
    async (client, { requests }) => {
      const tracked = client.events.track({ event: 'lesson.completed', userId: 'u', properties });
      properties.lesson_id = 'two';
      await tracked;
      assert.deepEqual(
        requests.map(({ body }) => body.includes('"one"')),
        [true, true],
      );
    },
  );
});

test('a server that does not answer is a RequestTimeoutError, one that is not there a NetworkError', async () => {
  await against([silence], { timeout: 50, retry: { enabled: false } }, async (client, server) => {
    await assert.rejects(client.users.getBalance('u'), RequestTimeoutError);
    await server.close();
    await assert.rejects(
      client.users.getBalance('u'),
      (error) => error instanceof NetworkError && error.code === 'ECONNREFUSED',
    );
  });
});

test('an answer that stops in the middle is a time-out as well', async () => {
  const half: Handler = (_, res) => {
    res.writeHead(200, { 'Content-Length': '1000' });
    res.write('{"points":');
  };
  await against([half], { timeout: 50, retry: { enabled: false } }, async (client) => {
    await assert.rejects(client.users.getBalance('u'), RequestTimeoutError);
  });
});

test('a call can be given up while it waits for an answer, and while it waits for its next try', async () => {
  const reason = new Error('the user left');
  for (const [handler, baseDelay] of [
    [silence, 1],
    [FAILS, 60_000],
  ] as const) {
    await against([handler], { retry: { baseDelay } }, async (client) => {
      const aborter = new AbortController();
      const call = client.users.getBalance('u', { signal: aborter.signal });
      setTimeout(() => {
        aborter.abort(reason);
      }, 30);
      await assert.rejects(call, reason);
      assert.equal(client.breakerState, 'CLOSED');
    });
  }
});

test('a breaker that opens in the middle of a call ends it with the error of its last try', async () => {
  await against([FAILS], { circuitBreaker: { threshold: 2 } }, async (client, { requests }) => {
    await assert.rejects(client.users.getBalance('u'), ServerError);
    assert.equal(requests.length, 2);
    await assert.rejects(client.users.getBalance('u'), CircuitOpenError);
    assert.equal(requests.length, 2);
  });
});

test('once the server is back, one call tries, and then all go', async () => {
  await against(
    [FAILS, BALANCE],
    { circuitBreaker: { threshold: 1, timeout: 20 } },
    async (client, { requests }) => {
      await assert.rejects(client.users.getBalance('u'), ServerError);
      await new Promise((resolve) => setTimeout(resolve, 30));
      const calls = await Promise.allSettled([client.users.getBalance('u'), client.users.getBalance('u')]);
      assert.deepEqual(
        calls.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      assert.equal(client.breakerState, 'CLOSED');
      assert.equal(requests.length, 2);
    },
  );
});

test('a redirect is not followed, so the key goes nowhere else', async () => {
  const elsewhere = await serve(BALANCE);
  const redirect: Handler = (_, res) => {
    res.writeHead(307, { Location: elsewhere.baseURL });
    res.end();
  };
  await against([redirect], {}, async (client) => {
    await assert.rejects(client.users.getBalance('u'), { status: 307 });
  });
  assert.equal(elsewhere.requests.length, 0);
  await elsewhere.close();
});

test('hooks and logger are told of tries, retries and the breaker; neither sees a body, a query or the key', async () => {
  const told: string[] = [];
  const lines: string[] = [];
  const log = (line: string): number => lines.push(line);
  const options: ClientOptions = {
    circuitBreaker: { threshold: 2, timeout: 60_000 },
    logger: { debug: log, warn: log, error: log },
    hooks: {
      onTry: (record) => told.push(`try ${record.attempt}: ${record.status} ${inspect(record)}`),
      onRetry: (record) => told.push(`retry ${record.attempt} ${inspect(record)}`),
      onBreaker: (state) => told.push(state),
    },
  };
  await against([FAILS], options, async (client) => {
    await assert.rejects(client.events.list({ user_id: 'someone-secret' }));
    await assert.rejects(client.points.award({ userId: 'someone-secret', points: 1, reason: 'secret' }));
  });
  assert.deepEqual(
    told.map((line) => line.split(' {')[0]),
    ['try 1: 503', 'retry 2', 'OPEN', 'try 2: 503'],
  );
  const everything = [...told, ...lines].join('\n');
  assert.match(everything, /\/v1\/events try 1: 503/);
  assert.ok(!everything.includes('secret') && !everything.includes(KEY), everything);
});

test('a hook that throws changes nothing', async () => {
  const fail = (): never => {
    throw new Error('a bug of the caller');
  };
  const hooks = { onTry: fail, onRetry: fail, onBreaker: fail };
  await against(
    [FAILS, BALANCE],
    { hooks, logger: { debug: fail, warn: fail, error: fail } },
    async (client) => {
      assert.equal((await client.users.getBalance('u')).points, 5);
    },
  );
});

test('a printed client does not show its key', () => {
  const client = new RocketSDK({ apiKey: KEY, baseURL: 'http://127.0.0.1:1' });
  const shown = inspect(client, { depth: Infinity, showHidden: true }) + JSON.stringify(client);
  assert.ok(!shown.includes(KEY));
});

test('an error does not show the key either', async () => {
  const client = new RocketSDK({ apiKey: KEY, baseURL: 'http://127.0.0.1:9', retry: { enabled: false } });
  const error: unknown = await client.users.getBalance('u').catch((thrown: unknown) => thrown);
  assert.ok(error instanceof NetworkError);
  assert.ok(!inspect(error, { depth: Infinity, showHidden: true }).includes(KEY));
});

test('options that cannot work are refused when the client is made', () => {
  const wrong: ClientOptions[] = [
    { apiKey: 'two words' },
    { timeout: 0 },
    { timeout: Number.NaN },
    { retry: { maxRetries: -1 } },
    { retry: { jitter: 2 } },
    { retry: { backoffMultiplier: 0 } },
    { circuitBreaker: { threshold: 0 } },
    { userAgent: 'a\nb' },
  ];
  for (const options of wrong) {
    assert.throws(
      () => new RocketSDK({ apiKey: 'k', ...options }),
      { name: 'ConfigurationError' },
      inspect(options),
    );
  }
});

test('a list is one page when it is awaited, and all rows when it is gone through', async () => {
  const page = (ids: string[], next: string | null): object => ({
    events: ids.map((event_id) => ({ event_id })),
    next_cursor: next,
  });
  const { client, sent } = isolated({
    outcomes: [page(['1', '2'], 'c1'), page(['3'], 'c2'), page([], null), page(['4'], 'c9')].map((body) => ({
      kind: 'status',
      status: 200,
      body: JSON.stringify(body),
    })),
  });
  const ids: string[] = [];
  for await (const { event_id } of client.events.list({ event: 'a.b', limit: 2 })) ids.push(event_id);
  assert.deepEqual(ids, ['1', '2', '3']);
  assert.deepEqual(
    sent.map(({ url }) => url.search),
    ['?event=a.b&limit=2', '?event=a.b&limit=2&cursor=c1', '?event=a.b&limit=2&cursor=c2'],
  );
  const { events, next_cursor } = await client.events.list();
  assert.deepEqual([events.length, next_cursor, sent.length], [1, 'c9', 4]);
});

test('what JSON does not have is refused with its path instead of being lost', async () => {
  const { client, sent } = isolated();
  const itself: Record<string, unknown> = {};
  itself['self'] = itself;
  const wrong = {
    score: Number.NaN,
    big: 1n,
    call: () => undefined,
    at: new Date('no date'),
    list: [{ deep: Infinity }],
    itself,
  };
  await assert.rejects(client.events.track({ event: 'a.b', userId: 'u', properties: wrong }), (error) => {
    assert.ok(error instanceof ValidationError);
    const paths = ['score', 'big', 'call', 'at', 'list[0].deep', 'itself.self'].map(
      (name) => `properties.${name}`,
    );
    assert.deepEqual(
      error.errors.map(({ path }) => path),
      paths,
    );
    return true;
  });
  assert.deepEqual(sent, []);
});

test('a property may have any name, and objects with toJSON say what they are', async () => {
  const { client, sent } = isolated();
  const properties = JSON.parse('{"__proto__": 1, "toString": 2}') as Record<string, unknown>;
  properties['price'] = { toJSON: () => ({ amount: 5 }) };
  await client.events.track({ event: 'a.b', userId: 'u', properties });
  const sentProperties = JSON.stringify(sent[0]?.body['properties']);
  assert.equal(sentProperties, '{"__proto__":1,"toString":2,"price":{"amount":5}}');
});
