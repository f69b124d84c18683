/** The cases that all SDKs share: the same behaviour in every language. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { allCases, casesRun, reportCases } from './support/cases.mjs';

import './cases/breaker.mjs';
import './cases/buffer.mjs';
import './cases/calls.mjs';
import './cases/events.mjs';
import './cases/signatures.mjs';

reportCases();

test('every case that there is was run', () => {
  assert.deepEqual(casesRun().sort(), allCases().sort());
});
