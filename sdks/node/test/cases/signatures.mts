/** signatures.json: which webhooks are let through. */

import assert from 'node:assert/strict';

import {
  ConfigurationError,
  type WebhookRefusal,
  WebhookVerificationError,
  verifySignature,
  verifyWebhook,
} from '@rocket-learning/sdk';

import { runCases } from '../support/cases.mjs';

interface SignatureCase {
  readonly secrets: string[];
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly now_s: number;
  readonly tolerance_s?: number;
  readonly refusal: WebhookRefusal | null;
}

function check(verify: () => unknown, { body, refusal }: SignatureCase): void {
  if (refusal === null) assert.deepEqual(verify(), JSON.parse(body));
  else assert.throws(verify, (error) => error instanceof WebhookVerificationError && error.code === refusal);
}

runCases<SignatureCase>('signatures', 'x_signature', (one) => {
  check(() => verifySignature(Buffer.from(one.body), one.headers, one.secrets), one);
});

runCases<SignatureCase>('signatures', 'standard', (one) => {
  const options = { now: () => one.now_s * 1000, tolerance: (one.tolerance_s ?? 300) * 1000 };
  check(() => verifyWebhook(Buffer.from(one.body), one.headers, one.secrets, options), one);
});

runCases<{ secret: string }>('signatures', 'bad_secrets', ({ secret }) => {
  assert.throws(() => verifyWebhook('{}', {}, secret), ConfigurationError);
});
