// Uses the installed package as a CommonJS program does, and prints what it found.
const RocketSDK = require('@rocket-learning/sdk');
const { EventBuffer, NotFoundError } = require('@rocket-learning/sdk');

const client = new RocketSDK({ apiKey: 'rk_test_key', baseURL: 'http://127.0.0.1:1' });
console.log(
  typeof RocketSDK,
  typeof client.events.track,
  EventBuffer === RocketSDK.EventBuffer,
  typeof NotFoundError,
);

// Both module systems have the same code, so that `instanceof` works across them.
import('@rocket-learning/sdk').then((sdk) => {
  console.log(sdk.default === RocketSDK, sdk.EventBuffer === EventBuffer);
});
