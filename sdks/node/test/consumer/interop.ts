// Is compiled, not run: CommonJS written as ES modules, as most TypeScript programs are.
import RocketSDK, { type EventSchema, NotFoundError } from '@rocket-learning/sdk';

const schema: EventSchema = { properties: { course_id: { type: 'string', required: true } } };
const client: RocketSDK = new RocketSDK();
client.setEventSchema(schema);

export const isUnknown = (error: unknown): boolean => error instanceof NotFoundError;
