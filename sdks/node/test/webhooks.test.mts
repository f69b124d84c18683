/** The middleware, in front of a real Express. */

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { compileFunction } from 'node:vm';

import {
  ConfigurationError,
  type WebhookMiddleware,
  signWebhook,
  webhookMiddleware,
} from '@rocket-learning/sdk';

interface App {
  use(handler: unknown): void;
  post(path: string, ...handlers: unknown[]): void;
  listen(port: number, host: string, ready: () => void): Server;
}

process.env['NODE_ENV'] = 'test'; // Express keeps quiet of errors then

const require = createRequire(import.meta.url);
const express = require('express') as (() => App) & { json(): unknown; raw(options: object): unknown };

const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const BODY = JSON.stringify({ id: '1', event: 'course.completed', user_id: 'ada' });

function signed(body: string, secret = SECRET, atMs = Date.now()): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signature = createHmac('sha256', key).update(`msg-1.${timestamp}.${body}`).digest('base64');
  return {
    'Content-Type': 'application/json',
    'webhook-id': 'msg-1',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
    'X-Signature': signWebhook(body, secret),
  };
}

/** Posts to an app; its answer's status and text. */
async function post(app: App, headers: Record<string, string>, body = BODY): Promise<[number, string]> {
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => {
      resolve(listening);
    });
  });
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', headers, body });
  const text = await response.text();
  await new Promise((resolve) => server.close(resolve));
  return [response.status, text];
}

function appWith(...handlers: unknown[]): App {
  const app = express();
  app.post('/hook', ...handlers, (req: { body: unknown }, res: { json(body: unknown): void }) => {
    res.json({ got: req.body });
  });
  return app;
}

const guard = (): WebhookMiddleware => webhookMiddleware({ secret: SECRET });

test('what is signed gets through with its body parsed', async () => {
  assert.deepEqual(await post(appWith(guard()), signed(BODY)), [200, `{"got":${BODY}}`]);
});

test('so it does behind express.raw', async () => {
  const raw = express.raw({ type: 'application/json' });
  assert.deepEqual(await post(appWith(raw, guard()), signed(BODY)), [200, `{"got":${BODY}}`]);
});

test('what is not signed, or by another secret, or changed, is answered 401 with the reason', async () => {
  const cases: [string, Record<string, string>, string?][] = [
    ['missing', { 'Content-Type': 'application/json' }],
    ['mismatch', signed(BODY, `whsec_${randomBytes(24).toString('base64')}`)],
    ['mismatch', signed(BODY), BODY.replace('ada', 'eve')],
    ['too_old', signed(BODY, SECRET, Date.now() - 600_000)],
    ['too_new', signed(BODY, SECRET, Date.now() + 600_000)],
  ];
  for (const [error, headers, body] of cases) {
    const [status, text] = await post(appWith(guard()), headers, body);
    assert.deepEqual([status, (JSON.parse(text) as { error: string }).error], [401, error]);
  }
});

test('while a secret is being replaced, either fits', async () => {
  const other = `whsec_${randomBytes(32).toString('base64')}`;
  const both = webhookMiddleware({ secret: [other, SECRET] });
  for (const secret of [SECRET, other]) {
    assert.equal((await post(appWith(both), signed(BODY, secret)))[0], 200);
  }
});

test('X-Signature is checked where it is asked for, with any text as secret', async () => {
  const plain = webhookMiddleware({ secret: 's3cret', scheme: 'x-signature' });
  assert.equal((await post(appWith(plain), { 'X-Signature': signWebhook(BODY, 's3cret') }))[0], 200);
  assert.equal((await post(appWith(plain), { 'X-Signature': signWebhook(BODY, 'other') }))[0], 401);
});

test('a body that was parsed before can not be checked, and the programmer is told', async () => {
  const app = appWith(express.json(), guard());
  const errors: unknown[] = [];
  // Express knows a handler of errors by its four parameters.
  app.use((error: unknown, _req: unknown, _res: unknown, next: (error: unknown) => void) => {
    errors.push(error);
    next(error);
  });
  assert.equal((await post(app, signed(BODY)))[0], 500);
  assert.ok(errors[0] instanceof ConfigurationError);
});

test('a body without end is refused', async () => {
  const large = JSON.stringify({ text: 'x'.repeat(2_000_000) });
  const [status] = await post(appWith(guard()), signed(large), large);
  assert.equal(status, 413);
});

test('a secret that can not be one is refused when the middleware is made', () => {
  for (const secret of ['', 'whsec_', 'whsec_!', 's3cret', []]) {
    assert.throws(() => webhookMiddleware({ secret }), ConfigurationError);
  }
  assert.throws(() => webhookMiddleware({ secret: '', scheme: 'x-signature' }), ConfigurationError);
});

test('the example of the README receives', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, example = ''] = /```js webhook\n(.*?)```/s.exec(readme) ?? [];
  const parameters = ['require', 'process', 'console'];
  const run = compileFunction(`${example}\nreturn app;`, parameters) as (...values: unknown[]) => App;
  const lines: unknown[][] = [];
  const app = run(
    require,
    { env: { WEBHOOK_SECRET: SECRET } },
    { log: (...line: unknown[]) => lines.push(line) },
  );
  const moved = express();
  moved.use((req: { url: string }, _res: unknown, next: () => void) => {
    req.url = '/webhooks/rocket';
    next();
  });
  moved.use(app);
  assert.deepEqual(await post(moved, signed(BODY)), [200, '{"received":true}']);
  assert.deepEqual(lines, [['course.completed', 'ada']]);
});
