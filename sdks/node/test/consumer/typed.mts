// Is compiled, not run: the types as an ES module sees them.
import RocketSDK, { type Balance, EventBuffer, NotFoundError, type TrackResult } from '@rocket-learning/sdk';

const client: RocketSDK = new RocketSDK({ retry: { enabled: true, maxRetries: 3, backoffMultiplier: 2 } });
const buffer: EventBuffer = new EventBuffer(50, 3000, { client });
buffer.add({ event: 'lesson.completed', user_id: 'user-123' });

const result: TrackResult = await client.events.track({ event: 'course.completed', userId: 'user-123' });
const balance: Balance = await client.users.getBalance('user-123');
for await (const entry of client.users.getLedger('user-123'))
  console.log(entry.points, result.status, balance.rank);

// @ts-expect-error -- an event has a learner
await client.events.track({ event: 'course.completed' });
// @ts-expect-error -- points are a number
await client.points.award({ userId: 'u', points: '50', reason: 'r' });

export function isUnknown(error: unknown): error is NotFoundError {
  return error instanceof NotFoundError;
}
