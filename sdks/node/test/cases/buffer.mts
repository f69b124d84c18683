/** buffer.json: the event buffer on a scripted clock and with a scripted server. */

import assert from 'node:assert/strict';

import * as sdk from '@rocket-learning/sdk';
import {
  type BatchResult,
  EventBuffer,
  NetworkError,
  RocketError,
  type StampedEvent,
} from '@rocket-learning/sdk';

import { readCases, runCases } from '../support/cases.mjs';

interface Options {
  readonly max_size: number;
  readonly flush_interval_s: number;
  readonly capacity: number;
  readonly overflow: 'dead_letter' | 'raise';
}

type Answer = 'ok' | 'outage' | 'refused' | 'too_large' | { readonly failed: readonly number[] };

interface Step {
  readonly at_s: number;
  readonly do: 'add' | 'tick' | 'flush' | 'close';
  readonly events?: number;
  readonly error?: string;
  readonly sent: string[][];
  readonly dead: [string, string][];
  readonly waiting: number;
}

const { defaults } = readCases('buffer') as { defaults: Options };

const TOO_LARGE = new sdk.InvalidRequestError({
  status: 413,
  code: null,
  message: 'no',
  requestId: null,
  details: {},
  retryAfterMs: null,
});

/** A buffer whose batches are answered by a script. */
class ScriptedBuffer extends EventBuffer {
  nowS = 0;
  sent: string[][] = [];
  dead: [string, string][] = [];
  #answers: readonly Answer[] = [];

  static of(options: Options, answers: readonly Answer[]): ScriptedBuffer {
    const buffer: ScriptedBuffer = new ScriptedBuffer(options.max_size, options.flush_interval_s * 1000, {
      capacity: options.capacity,
      overflow: options.overflow,
      now: () => buffer.nowS * 1000,
      onDeadLetter: ({ event_id }, reason) => buffer.dead.push([event_id, reason]),
    });
    buffer.#answers = answers;
    return buffer;
  }

  override sendBatch(events: readonly StampedEvent[]): Promise<Partial<BatchResult>> {
    this.sent.push(events.map(({ event_id }) => event_id));
    const [answer, ...others] = this.#answers;
    this.#answers = others;
    if (answer === 'outage') return Promise.reject(new NetworkError('reset', 'ECONNRESET'));
    if (answer === 'refused') return Promise.reject(new RocketError('no'));
    if (answer === 'too_large') return Promise.reject(TOO_LARGE);
    assert.ok(answer, 'the script has no further answer');
    const failed = answer === 'ok' ? [] : answer.failed;
    return Promise.resolve({
      results: failed.map((index) => ({ index, status: 'failed', event_id: null, error: 'wrong' })),
    });
  }
}

runCases<{ options: Partial<Options>; answers: Answer[]; steps: Step[] }>(
  'buffer',
  'cases',
  async ({ options, answers, steps }) => {
    const buffer = ScriptedBuffer.of({ ...defaults, ...options }, answers);
    let added = 0;
    for (const step of steps) {
      buffer.nowS = step.at_s;
      buffer.sent = [];
      buffer.dead = [];
      const add = (): void => {
        for (let i = 0; i < (step.events ?? 0); i++) {
          buffer.add({ event: 'lesson.completed', user_id: 'u', event_id: `e${++added}` });
        }
      };
      if (step.error !== undefined) assert.throws(add, { name: step.error });
      else if (step.do === 'add') add();
      else await buffer[step.do]();
      await settled();
      assert.deepEqual(buffer.sent, step.sent);
      assert.deepEqual(buffer.dead, step.dead);
      assert.equal(buffer.size, step.waiting);
    }
    await buffer.close();
  },
);

runCases<{ outage: boolean }>('buffer', 'outages', async ({ name, outage }) => {
  const buffer = new EventBuffer(1, 1000, {
    client: new sdk.RocketSDK({ apiKey: 'k' }),
    onDeadLetter: () => undefined,
  });
  const kind = sdk[name as 'NetworkError'];
  buffer.sendBatch = () => Promise.reject(Object.create(kind.prototype as object) as Error);
  buffer.add({ event: 'lesson.completed', user_id: 'u' });
  await settled();
  assert.equal(buffer.size, outage ? 1 : 0);
  await buffer.close();
});

/** Until nothing that was begun is still on its way. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
