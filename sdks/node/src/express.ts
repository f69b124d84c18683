/** Middleware for Express and everything that has its `(req, res, next)`. */

import { ConfigurationError, WebhookVerificationError } from './errors.js';
import { type StandardOptions, type WebhookHeaders, type WebhookSecrets } from './webhooks.js';
import { standardKeys, verifySignature, verifyWebhook } from './webhooks.js';

export interface WebhookMiddlewareOptions extends StandardOptions {
  readonly secret: WebhookSecrets;
  /** Which signature is checked: `standard` (Standard Webhooks, the default) or `x-signature`. */
  readonly scheme?: 'standard' | 'x-signature' | undefined;
}

/** As much of a request as is used; `body` is what a middleware before this one has read. */
export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  body?: unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** As much of an answer as is used. */
export interface WebhookAnswer {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

export type WebhookMiddleware = (
  req: WebhookRequest,
  res: WebhookAnswer,
  next: (error?: unknown) => void,
) => void;

const MAX_BODY_BYTES = 1_048_576;

/**
 * Lets through what is signed, with `req.body` parsed, and answers 401 to everything else.
 *
 * Stands before `express.json()`, or behind `express.raw()`: a body that was parsed can't be checked any more.
 * Raises ConfigurationError for a secret that can't be one.
 */
export function webhookMiddleware(options: WebhookMiddlewareOptions): WebhookMiddleware {
  const { secret, scheme = 'standard' } = options;
  const check =
    scheme === 'standard'
      ? (body: Uint8Array, headers: WebhookHeaders) => verifyWebhook(body, headers, secret, options)
      : (body: Uint8Array, headers: WebhookHeaders) => verifySignature(body, headers, secret);
  if (scheme === 'standard') standardKeys(secret);
  else if (secret.length === 0) throw new ConfigurationError('a webhook needs a secret');

  return (req, res, next) => {
    rawBody(req)
      .then((body) => {
        if (body === null) {
          refuse(res, 413, 'payload_too_large', `a webhook has at most ${MAX_BODY_BYTES} bytes`);
          return;
        }
        req.body = check(body, req.headers);
        next();
      })
      .catch((error: unknown) => {
        if (error instanceof WebhookVerificationError) refuse(res, 401, error.code, error.message);
        else next(error);
      });
  };
}

/** The body as it came; null for one that is too large. Raises ConfigurationError for one that was parsed. */
async function rawBody(req: WebhookRequest): Promise<Uint8Array | null> {
  if (req.body instanceof Uint8Array) return req.body;
  if (typeof req.body === 'string') return Buffer.from(req.body);
  if (req.body !== undefined && !isEmpty(req.body)) {
    throw new ConfigurationError(
      'the body was parsed before its signature was checked: use express.raw() on this path',
    );
  }
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    req.on('data', (chunk) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve(null); // the rest is read and dropped, so that the answer can be heard
    });
    req.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    req.on('error', reject);
  });
}

// What body parsers of Express 4 leave where there was nothing for them to parse.
function isEmpty(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0;
}

function refuse(res: WebhookAnswer, status: number, error: string, message: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ error, message }));
}
