/** breaker.json: the circuit breaker on a scripted clock. */

import assert from 'node:assert/strict';

import { CircuitBreaker } from '@rocket-learning/sdk';

import { readCases, runCases } from '../support/cases.mjs';
import { type Outcome, isolated } from '../support/world.mjs';

const { defaults } = readCases('breaker') as { defaults: { threshold: number; reset_s: number } };

runCases<{ outcome: Outcome; failure: boolean }>('breaker', 'failures', async ({ outcome, failure }) => {
  const { client } = isolated({
    outcomes: [outcome],
    options: { timeout: 1, retry: { enabled: false }, circuitBreaker: { threshold: 1 } },
  });
  await client.users.getBalance('u').catch(() => undefined);
  assert.equal(client.breakerState, failure ? 'OPEN' : 'CLOSED');
});

interface Step {
  readonly at_s: number;
  readonly do: 'ask' | 'success' | 'failure' | 'cancel';
  readonly state: string;
  readonly allowed?: boolean;
}

runCases<{ threshold?: number; reset_s?: number; steps: Step[] }>('breaker', 'cases', (given) => {
  const { threshold, reset_s: resetS, steps } = { ...defaults, ...given };
  let nowS = 0;
  const breaker = new CircuitBreaker(threshold, resetS * 1000, { now: () => nowS * 1000 });
  for (const step of steps) {
    nowS = step.at_s;
    if (step.do === 'ask') assert.equal(breaker.allow(), step.allowed);
    else if (step.do === 'success') breaker.onSuccess();
    else if (step.do === 'failure') breaker.onFailure();
    else breaker.onCancel();
    assert.equal(breaker.state, step.state.toUpperCase());
  }
});
