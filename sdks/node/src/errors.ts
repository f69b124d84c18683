/** One tree of errors: everything that this package throws by itself is a `RocketError`. */

/** What is wrong with one field. `path` is dotted, with indices in brackets: `events[3].user_id`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** Base of every error. `code` is stable, where there is one; `message` is for people. */
export class RocketError extends Error {
  readonly code: string | null;

  constructor(message: string, code: string | null = null, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A client, schema, buffer or secret can't be made like this. */
export class ConfigurationError extends RocketError {
  constructor(message: string) {
    super(message, 'invalid_configuration');
  }
}

/** Refused here, before anything was sent; `errors` names every field at fault. */
export class ValidationError extends RocketError {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super(errors.map(({ path, message }) => `${path} ${message}`.trim()).join('; '), 'invalid_payload');
    this.errors = errors;
  }
}

/** What an answer says of the failure. */
export interface Refusal {
  readonly status: number;
  readonly code: string | null;
  readonly message: string;
  readonly requestId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | null;
}

/** The server refused, or answered something that can't be understood. */
export class ApiError extends RocketError {
  /** The HTTP status. */
  readonly status: number;
  /** The server's log has the request under this id. */
  readonly requestId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(refusal: Refusal) {
    super(refusal.message, refusal.code);
    this.status = refusal.status;
    this.requestId = refusal.requestId;
    this.details = refusal.details;
    this.retryAfterMs = refusal.retryAfterMs;
  }

  /** The status where other HTTP clients have it, for code that looks at `error.response.status`. */
  get response(): { readonly status: number } {
    return { status: this.status };
  }
}

/** 400, 405, 413, 415 and every 4xx without a name of its own; `details.field` names the field at fault. */
export class InvalidRequestError extends ApiError {}
/** 401: no valid API key was sent. */
export class AuthenticationError extends ApiError {}
/** 403: the key is valid but may not do this. */
export class ForbiddenError extends ApiError {}
/** 404: nothing of that name exists in this organisation. */
export class NotFoundError extends ApiError {}
/** 409: the request contradicts what is stored, such as an idempotency key used with another body. */
export class ConflictError extends ApiError {}
/** 422: the learner has fewer points than the request would spend; `details.balance` says how many. */
export class InsufficientPointsError extends ApiError {}
/** 429: too many requests; `retryAfterMs` says how long to wait. */
export class RateLimitError extends ApiError {}
/** 5xx: the server, or something in front of it, is in trouble. */
export class ServerError extends ApiError {}

/** No whole answer came; the request may or may not have been done. */
export class TransportError extends RocketError {}

/** Refused, reset, unreachable, TLS: `code` is Node's, such as `ECONNRESET`. */
export class NetworkError extends TransportError {}

/** No whole answer came within `timeout`. */
export class RequestTimeoutError extends TransportError {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`, 'ETIMEDOUT');
  }
}

/** Nothing was sent, since the server failed too often just now. */
export class CircuitOpenError extends RocketError {
  /** How long until a call is let through again, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('Circuit breaker is OPEN', 'circuit_open');
    this.retryAfterMs = retryAfterMs;
  }
}

/** The buffer holds as many events as it may, and was told to say so. */
export class BufferFullError extends RocketError {
  constructor(capacity: number) {
    super(`the buffer is full: ${capacity} events wait`, 'buffer_full');
  }
}

/** The buffer was closed and takes no more events. */
export class BufferClosedError extends RocketError {
  constructor() {
    super('the buffer is closed', 'buffer_closed');
  }
}

/** Why a webhook was refused. */
export type WebhookRefusal = 'missing' | 'malformed' | 'mismatch' | 'too_old' | 'too_new';

/** A webhook that can't be trusted; `code` says why. */
export abstract class WebhookVerificationError extends RocketError {
  abstract override readonly code: WebhookRefusal;
}

/** There is no signature, or not all of its headers. */
export class MissingSignatureError extends WebhookVerificationError {
  override readonly code = 'missing';
}
/** What is there can't be a signature, or the signed body is no JSON. */
export class MalformedSignatureError extends WebhookVerificationError {
  override readonly code = 'malformed';
}
/** The signature isn't one of this body by any of the secrets. */
export class SignatureMismatchError extends WebhookVerificationError {
  override readonly code = 'mismatch';
}
/** Signed so long ago that it may be a recording that is sent again. */
export class TimestampTooOldError extends WebhookVerificationError {
  override readonly code = 'too_old';
}
/** Signed at a time that is still to come: one of the clocks is wrong. */
export class TimestampTooNewError extends WebhookVerificationError {
  override readonly code = 'too_new';
}

const BY_STATUS: Readonly<Record<number, typeof ApiError>> = {
  401: AuthenticationError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  429: RateLimitError,
};

/** The error of an answer that is no success. `header` finds one of its headers. */
export function apiError(status: number, body: string, header: (name: string) => string | null): ApiError {
  const said = parseObject(body);
  const { error, message, details, request_id: requestId, retry_after: retryAfter } = said;
  const isOurs = typeof error === 'string' && typeof message === 'string';
  const code = isOurs ? error : null;
  return new (kindOf(status, code))({
    status,
    code,
    message: isOurs ? message : `HTTP ${status}`,
    requestId: typeof requestId === 'string' ? requestId : header('x-request-id'),
    details: isObject(details) ? details : {},
    retryAfterMs: milliseconds(header('retry-after')?.trim()) ?? milliseconds(retryAfter),
  });
}

function kindOf(status: number, code: string | null): typeof ApiError {
  if (status === 422 && code === 'insufficient_points') return InsufficientPointsError;
  if (status >= 500) return ServerError;
  return BY_STATUS[status] ?? (status >= 400 ? InvalidRequestError : ApiError);
}

/** Whole seconds as milliseconds; null for everything else. */
function milliseconds(seconds: unknown): number | null {
  return /^\d{1,9}$/.test(String(seconds)) ? Number(seconds) * 1000 : null;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Whether a value is what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
