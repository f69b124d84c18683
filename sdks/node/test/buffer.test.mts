/** What becomes of buffered events at the end, and of those that can't be sent. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import RocketSDK, {
  ConfigurationError,
  EventBuffer,
  RequestTimeoutError,
  ValidationError,
} from '@rocket-learning/sdk';

import { type Handler, type ScriptedServer, answer, serve, silence } from './support/server.mjs';

const TAKEN = answer(200, { processed: 0, duplicates: 0, failed: 0, points_awarded: 0, results: [] });
const EVENT = { event: 'lesson.completed', user_id: 'u' };

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
  /** The lesson ids that the server got. */
  readonly sent: string[];
  readonly deadLetters: {
    readonly reason: string;
    readonly error: string | null;
    readonly event: { event_id: string };
  }[];
}

/** Runs a program that adds three events to a buffer and then does `then`; `signal` is sent when it says ready. */
async function program(handler: Handler, then: string, signal?: NodeJS.Signals): Promise<Ended> {
  const server = await serve(handler);
  const folder = mkdtempSync(path.join(tmpdir(), 'rocket-buffer-'));
  const file = path.join(folder, 'dead.jsonl');
  const code = `
    import { EventBuffer } from '@rocket-learning/sdk';
    const buffer = new EventBuffer(100, 60_000, { deadLetterFile: ${JSON.stringify(file)} });
    for (const id of ['1', '2', '3']) {
      buffer.add({ event: 'lesson.completed', user_id: 'u', properties: { lesson_id: id } });
    }
    const wait = () => setInterval(() => {}, 1000);
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: new URL('../../', import.meta.url),
    env: { ...process.env, ROCKET_API_KEY: 'k', ROCKET_BASE_URL: server.baseURL },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (signal && output.includes('ready')) child.kill(signal);
  });
  const [exitCode, endedBy] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (code, by) => {
      resolve([code, by]);
    });
  });
  await server.close();
  const lines = read(file).split('\n').filter(Boolean);
  rmSync(folder, { recursive: true });
  return {
    code: exitCode,
    signal: endedBy,
    output,
    sent: lessonsOf(server),
    deadLetters: lines.map((line) => JSON.parse(line) as Ended['deadLetters'][number]),
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function lessonsOf({ requests }: ScriptedServer): string[] {
  const bodies = requests.map(
    ({ body }) => JSON.parse(body) as { events: { properties: { lesson_id: string } }[] },
  );
  return bodies.flatMap(({ events }) => events.map(({ properties }) => properties.lesson_id));
}

test('a program that has nothing left to do sends what is buffered, and ends', async () => {
  const { code, sent, deadLetters } = await program(TAKEN, '');
  assert.deepEqual([code, sent, deadLetters], [0, ['1', '2', '3'], []]);
});

test('process.exit leaves no time to send: the events are dead letters', async () => {
  const { code, sent, deadLetters } = await program(TAKEN, 'process.exit(3);');
  assert.deepEqual([code, sent], [3, []]);
  assert.deepEqual(
    deadLetters.map(({ reason }) => reason),
    ['closed', 'closed', 'closed'],
  );
});

test('so it is with an error that nobody catches', async () => {
  const { code, deadLetters } = await program(TAKEN, "throw new Error('a bug');");
  assert.deepEqual([code, deadLetters.length], [1, 3]);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`on ${signal} the buffer is sent, and the process ends by the signal`, async () => {
    const ended = await program(TAKEN, "wait(); console.log('ready');", signal);
    assert.deepEqual([ended.signal, ended.sent, ended.deadLetters], [signal, ['1', '2', '3'], []]);
  });
}

test('a program that listens for the signal itself decides when it ends', async () => {
  const then = `
    const timer = wait();
    process.on('SIGTERM', () => setTimeout(() => { clearInterval(timer); console.log('in its own time'); }, 50));
    console.log('ready');`;
  const ended = await program(TAKEN, then, 'SIGTERM');
  assert.deepEqual([ended.code, ended.signal, ended.sent], [0, null, ['1', '2', '3']]);
  assert.match(ended.output, /in its own time/);
});

test('on SIGTERM a server that does not answer is not waited for longer than a supervisor would', async () => {
  const ended = await program(silence, "wait(); console.log('ready');", 'SIGTERM');
  assert.deepEqual(
    [ended.signal, ended.deadLetters.map(({ reason }) => reason)],
    ['SIGTERM', ['closed', 'closed', 'closed']],
  );
});

test('an event that is added again by hand from a dead letter counts once, since it has its id', async () => {
  const { deadLetters } = await program(TAKEN, 'process.exit();');
  const ids = deadLetters.map(({ event }) => event.event_id);
  assert.equal(new Set(ids).size, 3);
});

test('the buffer does not keep a program from ending', async () => {
  const { code } = await program(TAKEN, 'await buffer.flush();');
  assert.equal(code, 0);
});

test('without a callback and a file, a lost event goes to the log, whole', async () => {
  const lines: string[] = [];
  const logger = { debug: () => undefined, warn: () => undefined, error: (line: string) => lines.push(line) };
  const buffer = new EventBuffer(10, 1000, { client: new RocketSDK({ apiKey: 'k' }), logger, capacity: 1 });
  buffer.sendBatch = () => Promise.resolve({});
  buffer.add(EVENT);
  buffer.add({ ...EVENT, event_id: 'lost', properties: { note: 'every word' } });
  await buffer.close();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /"reason":"overflow".*"note":"every word"/);
});

test('a callback that fails later is logged too', async () => {
  const lines: string[] = [];
  const logger = { debug: () => undefined, warn: () => undefined, error: (line: string) => lines.push(line) };
  const onDeadLetter = (): Promise<never> => Promise.reject(new Error('no room'));
  const buffer = new EventBuffer(1, 1000, { client: new RocketSDK({ apiKey: 'k' }), logger, onDeadLetter });
  buffer.sendBatch = () => Promise.reject(new Error('no'));
  buffer.add({ ...EVENT, event_id: 'lost' });
  await buffer.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(lines[0] ?? '', /no room.*"event_id":"lost"/);
});

test('a callback that throws does not stop the buffer, and the event goes to the log', async () => {
  const lines: string[] = [];
  const logger = { debug: () => undefined, warn: () => undefined, error: (line: string) => lines.push(line) };
  const buffer = new EventBuffer(1, 1000, {
    client: new RocketSDK({ apiKey: 'k' }),
    logger,
    onDeadLetter: () => {
      throw new Error('a bug of the caller');
    },
  });
  let batches = 0;
  buffer.sendBatch = () => (batches++ === 0 ? Promise.reject(new Error('no')) : Promise.resolve({}));
  buffer.add({ ...EVENT, event_id: 'lost' });
  buffer.add(EVENT);
  await buffer.close();
  assert.equal(batches, 2);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /a bug of the caller.*"event_id":"lost"/);
});

test('full batches and the rest are sent without anybody asking', async () => {
  const server = await serve(TAKEN);
  const client = new RocketSDK({ apiKey: 'k', baseURL: server.baseURL });
  const buffer = new EventBuffer(2, 20, { client });
  for (const id of ['1', '2', '3']) buffer.add({ ...EVENT, properties: { lesson_id: id } });
  // Its timer doesn't keep a program from ending, so something else has to.
  const alive = setInterval(() => undefined, 5);
  while (buffer.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(alive);
  await buffer.close();
  await server.close();
  assert.deepEqual(lessonsOf(server), ['1', '2', '3']);
  assert.equal(server.requests.length, 2);
});

test('a subclass may send elsewhere, and needs neither client nor key', async () => {
  const batches: string[][] = [];
  class Elsewhere extends EventBuffer {
    override sendBatch(events: readonly { event_id: string }[]): Promise<undefined> {
      batches.push(events.map(({ event_id }) => event_id));
      return Promise.resolve(undefined);
    }
  }
  const buffer = new Elsewhere(2);
  buffer.add({ ...EVENT, event_id: '1' });
  buffer.add({ ...EVENT, event_id: '2' });
  assert.throws(() => {
    buffer.add({ event: 'wrong', user_id: 'u' });
  }, ValidationError);
  await buffer.close();
  assert.deepEqual(batches, [['1', '2']]);
});

test('a buffer without a key says so when it is made, not when it sends', () => {
  const key = process.env['ROCKET_API_KEY'];
  delete process.env['ROCKET_API_KEY'];
  assert.throws(() => new EventBuffer(), ConfigurationError);
  if (key !== undefined) process.env['ROCKET_API_KEY'] = key;
});

test('adding to a full buffer in an outage costs no more than adding to an empty one', async () => {
  const buffer = new EventBuffer(1, 60_000, {
    client: new RocketSDK({ apiKey: 'k' }),
    onDeadLetter: () => 0,
  });
  let batches = 0;
  buffer.sendBatch = () => {
    batches++;
    return Promise.reject(new RequestTimeoutError(1));
  };
  for (let i = 0; i < 1000; i++) {
    buffer.add(EVENT);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(batches, 1);
  await buffer.close();
  assert.equal(batches, 2);
});

test('a timer that fires too early is set again', async () => {
  let now = 0;
  let batches = 0;
  const buffer = new EventBuffer(1, 5, { client: new RocketSDK({ apiKey: 'k' }), now: () => now });
  buffer.sendBatch = () =>
    batches++ === 0 ? Promise.reject(new RequestTimeoutError(1)) : Promise.resolve({});
  buffer.add(EVENT);
  await new Promise((resolve) => setTimeout(resolve, 30)); // fires, while the buffer's clock stands still
  now = 5;
  while (buffer.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(batches, 2);
  await buffer.close();
});

test('a batch that is too large for the server is sent in halves', async () => {
  const sent: string[][] = [];
  const dead: string[] = [];
  const tooLarge = answer(413, { error: 'payload_too_large', message: 'm', details: {}, request_id: 'r' });
  const server = await serve((req, res, body) => {
    const ids = (JSON.parse(body) as { events: { event_id: string }[] }).events.map(
      ({ event_id }) => event_id,
    );
    const fits = ids.length <= 2 && !ids.includes('huge');
    if (fits) sent.push(ids);
    (fits ? TAKEN : tooLarge)(req, res, body);
  });
  const client = new RocketSDK({ apiKey: 'k', baseURL: server.baseURL });
  const buffer = new EventBuffer(5, 1000, { client, onDeadLetter: ({ event_id }) => dead.push(event_id) });
  for (const id of ['1', '2', 'huge', '4', '5']) buffer.add({ ...EVENT, event_id: id });
  await buffer.close();
  await server.close();
  assert.deepEqual([sent.flat(), dead], [['1', '2', '4', '5'], ['huge']]);
});

test('an outage that ends is survived by every event, in order', async () => {
  const sent: string[] = [];
  let outages = 3;
  let dead = 0;
  const buffer = new EventBuffer(2, 5, {
    client: new RocketSDK({ apiKey: 'k' }),
    onDeadLetter: () => dead++,
  });
  buffer.sendBatch = (events) => {
    if (outages-- > 0) return Promise.reject(new RequestTimeoutError(1));
    sent.push(...events.map(({ event_id }) => event_id));
    return Promise.resolve({});
  };
  const ids = Array.from({ length: 21 }, (_, i) => String(i));
  for (const id of ids) buffer.add({ ...EVENT, event_id: id });
  while (buffer.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await buffer.close();
  assert.deepEqual([sent, dead], [ids, 0]);
});
