/** events.json, awards.json, schema.json and generator.json: what becomes of what the caller gives. */

import assert from 'node:assert/strict';

import RocketSDK, {
  ConfigurationError,
  type EventSchema,
  type LearningEvent,
  type PointsRequest,
  type BadgeRequest,
  ValidationError,
  generateTestEvents,
} from '@rocket-learning/sdk';

import { type Json, readCases, runCases } from '../support/cases.mjs';
import { isolated } from '../support/world.mjs';

const { clock, ids } = readCases('events') as { clock: string; ids: string[] };

const NOTHING: LearningEvent = { event: '', user_id: '' };

/** The paths that a call's ValidationError names; none where it went out. */
async function pathsOf(call: Promise<unknown>): Promise<string[]> {
  try {
    await call;
    return [];
  } catch (error) {
    assert.ok(error instanceof ValidationError, String(error));
    return error.errors.map(({ path }) => path).sort();
  }
}

runCases<{ given: LearningEvent; wire: Json }>('events', 'normalise', async ({ given, wire }) => {
  const { client, sent } = isolated({ clock, ids });
  const before = structuredClone(given);
  await client.events.track(given);
  assert.deepEqual(sent[0]?.body, wire);
  assert.deepEqual(given, before, 'what the caller gave was changed');
});

runCases<{ event: LearningEvent; errors: string[] }>('events', 'validate', async ({ event, errors }) => {
  const { client, sent } = isolated({ clock, ids });
  assert.deepEqual(await pathsOf(client.events.track(event)), [...errors].sort());
  assert.equal(sent.length, errors.length === 0 ? 1 : 0);
});

runCases<{ events?: LearningEvent[]; event?: LearningEvent; times?: number; errors: string[] }>(
  'events',
  'batch',
  async ({ event, times = 0, events = Array<LearningEvent>(times).fill(event ?? NOTHING), errors }) => {
    const { client, sent } = isolated();
    assert.deepEqual(await pathsOf(client.events.trackBatch(events)), [...errors].sort());
    assert.equal(sent.length, errors.length === 0 ? 1 : 0);
  },
);

interface AwardCase {
  readonly given: PointsRequest & BadgeRequest;
  readonly key?: string;
  readonly wire?: Json;
  readonly idempotency_key?: string;
  readonly errors?: string[];
}

runCases<AwardCase>(
  'awards',
  'points',
  async ({ given, key, wire, idempotency_key: expected, errors = [] }) => {
    for (const move of ['award', 'deduct'] as const) {
      const { client, sent } = isolated({ ids: ['id-1', 'id-2'] });
      const call = client.points[move](given, key === undefined ? {} : { idempotencyKey: key });
      assert.deepEqual(await pathsOf(call), [...errors].sort());
      assert.deepEqual(sent[0]?.body, wire);
      assert.equal(sent[0]?.headers['Idempotency-Key'], expected);
    }
  },
);

runCases<AwardCase>(
  'awards',
  'badges',
  async ({ given, key, wire, idempotency_key: expected, errors = [] }) => {
    const { client, sent } = isolated({ ids: ['id-1', 'id-2'] });
    const call = client.badges.award(given, key === undefined ? {} : { idempotencyKey: key });
    assert.deepEqual(await pathsOf(call), [...errors].sort());
    assert.deepEqual(sent[0]?.body, wire);
    assert.equal(sent[0]?.headers['Idempotency-Key'], expected);
  },
);

runCases<{ schema: EventSchema; event: LearningEvent; errors: string[] }>(
  'schema',
  'cases',
  async ({ schema, event, errors }) => {
    const { client } = isolated({ clock, ids });
    client.setEventSchema(schema);
    assert.deepEqual(await pathsOf(client.events.track(event)), [...errors].sort());
  },
);

runCases<{ schema: EventSchema; path: string }>('schema', 'refused', ({ schema, path }) => {
  const client = new RocketSDK({ apiKey: 'k' });
  assert.throws(
    () => {
      client.setEventSchema(schema);
    },
    (error) => error instanceof ConfigurationError && error.message.includes(path),
  );
});

runCases<{ user_id: string; count: number; events: Json[] }>(
  'generator',
  'cases',
  ({ user_id, count, events }) => {
    const made = generateTestEvents(user_id, count).map(
      ({ timestamp, properties: { progress_pct, ...others }, ...event }) => {
        assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
        assert.ok(Number.isInteger(progress_pct) && progress_pct >= 0 && progress_pct <= 99);
        return { ...event, properties: others };
      },
    );
    assert.deepEqual(made, events);
  },
);
