// Is compiled, not run: the types as CommonJS sees them.
import RocketSDK = require('@rocket-learning/sdk');

const client: RocketSDK = new RocketSDK({ environment: 'staging' });
const buffer: RocketSDK.EventBuffer = new RocketSDK.EventBuffer(50, 3000, { client });
buffer.add({ event: 'lesson.completed', user_id: 'user-123' });

async function track(): Promise<RocketSDK.TrackResult> {
  return client.events.track({ event: 'course.completed', userId: 'user-123' });
}

function isUnknown(error: unknown): error is RocketSDK.NotFoundError {
  return error instanceof RocketSDK.NotFoundError;
}

export = { track, isUnknown };
