/** Everything that this package offers, by name. */

export { CircuitBreaker } from './breaker.js';
export type { BreakerState, CircuitBreakerOptions } from './breaker.js';
export { EventBuffer } from './buffer.js';
export type { EventBufferOptions } from './buffer.js';
export { RocketSDK } from './client.js';
export type {
  BreakerOptions,
  ClientOptions,
  Environment,
  Fetch,
  FetchAnswer,
  FetchRequest,
  World,
} from './config.js';
export type { DeadLetterCallback, DeadLetterOptions, DeadLetterReason } from './dead-letters.js';
export {
  ApiError,
  AuthenticationError,
  BufferClosedError,
  BufferFullError,
  CircuitOpenError,
  ConfigurationError,
  ConflictError,
  ForbiddenError,
  InsufficientPointsError,
  InvalidRequestError,
  MalformedSignatureError,
  MissingSignatureError,
  NetworkError,
  NotFoundError,
  RateLimitError,
  RequestTimeoutError,
  RocketError,
  ServerError,
  SignatureMismatchError,
  TimestampTooNewError,
  TimestampTooOldError,
  TransportError,
  ValidationError,
  WebhookVerificationError,
} from './errors.js';
export type { FieldError, WebhookRefusal } from './errors.js';
export { webhookMiddleware } from './express.js';
export type {
  WebhookAnswer,
  WebhookMiddleware,
  WebhookMiddlewareOptions,
  WebhookRequest,
} from './express.js';
export { Paged } from './paging.js';
export type { WriteOptions } from './resources/resource.js';
export { RetryableRequest } from './retry.js';
export type { RetryOptions } from './retry.js';
export type { EventSchema, SchemaRule, SchemaType } from './schema.js';
export type { Hooks, Logger, RetryRecord, TryRecord } from './telling.js';
export { RocketEventTester, generateTestEvents } from './tester.js';
export type { GeneratedEvent } from './tester.js';
export type { CallOptions } from './transport.js';
export type * from './types.js';
export { VERSION } from './version.js';
export { signWebhook, verifySignature, verifyWebhook } from './webhooks.js';
export type { RawBody, StandardOptions, WebhookHeaders, WebhookSecrets } from './webhooks.js';
