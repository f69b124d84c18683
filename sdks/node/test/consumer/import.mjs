// Uses the installed package as an ES module does, and prints what it found.
import RocketSDK, { EventBuffer, NotFoundError } from '@rocket-learning/sdk';

const client = new RocketSDK({ apiKey: 'rk_test_key', baseURL: 'http://127.0.0.1:1' });
console.log(typeof RocketSDK, typeof client.events.track, typeof EventBuffer, typeof NotFoundError);
