/** Checks that a webhook comes from Rocket, and that its body is as it was sent. */

import { createHmac, timingSafeEqual } from 'node:crypto';

import {
  ConfigurationError,
  MalformedSignatureError,
  MissingSignatureError,
  SignatureMismatchError,
  TimestampTooNewError,
  TimestampTooOldError,
  isObject,
} from './errors.js';
import type { JsonObject } from './types.js';

/** A body as it came, before anything parsed it. */
export type RawBody = string | Uint8Array;

/** Headers of `http`, Express, Fastify and their like, or those of fetch. Case doesn't matter. */
export type WebhookHeaders =
  Readonly<Record<string, string | readonly string[] | undefined>> | HeadersOfFetch;

interface HeadersOfFetch {
  get(name: string): string | null;
}

/** One secret, or several while one is being replaced: any of them will do. */
export type WebhookSecrets = string | readonly string[];

export interface StandardOptions {
  /** How far the time of signing may be from now, in milliseconds; 300,000 by default. */
  readonly tolerance?: number | undefined;
  /** Unix milliseconds; the system's clock by default. */
  readonly now?: (() => number) | undefined;
}

const SECRET_PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TOLERANCE_MS = 300_000;

/**
 * The body of a webhook whose three Standard Webhooks headers fit: protects from other senders, changed bodies
 * and recorded requests that are sent again. Raises a WebhookVerificationError; ConfigurationError for a secret
 * of another form. https://github.com/standard-webhooks/standard-webhooks
 */
export function verifyWebhook(
  body: RawBody,
  headers: WebhookHeaders,
  secrets: WebhookSecrets,
  { tolerance = TOLERANCE_MS, now = Date.now }: StandardOptions = {},
): JsonObject {
  const keys = standardKeys(secrets);
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(headers, name),
  );
  if (!id || !timestamp || !signatures) {
    throw new MissingSignatureError('webhook-id, webhook-timestamp and webhook-signature are needed');
  }
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new MalformedSignatureError('webhook-timestamp must be Unix seconds');
  }
  const given = signatures.split(/\s+/);
  if (!given.some((signature) => /^\w+,/.test(signature))) {
    throw new MalformedSignatureError('webhook-signature must be a version, a comma and a signature');
  }
  const fits = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
    const expected = `v1,${hmac.digest('base64')}`;
    return given.map((signature) => isSame(expected, signature)).includes(true);
  });
  if (!fits.includes(true)) throw new SignatureMismatchError('webhook-signature is not one of this body');
  const age = now() - Number(timestamp) * 1000;
  if (age > tolerance) throw new TimestampTooOldError(`it was signed ${Math.round(age / 1000)} s ago`);
  if (age < -tolerance) {
    throw new TimestampTooNewError(`it was signed ${Math.round(-age / 1000)} s ahead of now`);
  }
  return parse(body);
}

/**
 * The body of a webhook whose `X-Signature` fits. A recorded request fits for ever: where you can choose, take
 * `verifyWebhook`. Raises a WebhookVerificationError.
 */
export function verifySignature(body: RawBody, headers: WebhookHeaders, secrets: WebhookSecrets): JsonObject {
  const keys = listed(secrets);
  const signature = headerOf(headers, 'x-signature');
  if (!signature) throw new MissingSignatureError('X-Signature is needed');
  if (!/^sha256=[0-9a-f]{64}$/i.test(signature)) {
    throw new MalformedSignatureError('X-Signature must be sha256= and 64 hexadecimal digits');
  }
  const fits = keys.map((key) => isSame(signWebhook(body, key), signature.toLowerCase()));
  if (!fits.includes(true)) throw new SignatureMismatchError('X-Signature is not that of this body');
  return parse(body);
}

/** `X-Signature` of a body, to try a receiver out. The key is the secret as it was shown, prefix and all. */
export function signWebhook(body: RawBody, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** The keys in secrets: what base64 says behind `whsec_`. Raises ConfigurationError. */
export function standardKeys(secrets: WebhookSecrets): readonly Uint8Array[] {
  return listed(secrets).map((secret) => {
    const encoded = secret.slice(SECRET_PREFIX.length);
    if (!secret.startsWith(SECRET_PREFIX) || encoded === '' || !BASE64.test(encoded)) {
      throw new ConfigurationError('a secret must be whsec_ and base64');
    }
    return Buffer.from(encoded, 'base64');
  });
}

function listed(secrets: WebhookSecrets): readonly string[] {
  const list = typeof secrets === 'string' ? [secrets] : secrets;
  if (list.length === 0 || !list.every(Boolean)) throw new ConfigurationError('a webhook needs a secret');
  return list;
}

/** Takes the same time wherever texts of one length differ. */
function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  if (isHeaders(headers)) return headers.get(name)?.trim();
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) return [value].flat()[0]?.trim();
  }
  return undefined;
}

function isHeaders(headers: WebhookHeaders): headers is HeadersOfFetch {
  return typeof headers.get === 'function';
}

function parse(body: RawBody): JsonObject {
  try {
    const value: unknown = JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString());
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new MalformedSignatureError('the body is signed, but no JSON object');
}
