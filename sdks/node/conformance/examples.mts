/** Runs the snippets of the developers' page as they stand, and those of README.md, and asks the server. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import RocketSDK from '@rocket-learning/sdk';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = path.join(PACKAGE, '../../tests/fixtures/sdks/developer-resources.md');

const folder = mkdtempSync(path.join(tmpdir(), 'rocket-examples-'));
mkdirSync(path.join(folder, 'node_modules/@rocket-learning'), { recursive: true });
symlinkSync(PACKAGE, path.join(folder, 'node_modules/@rocket-learning/sdk'));

/** The JavaScript blocks under a heading of a page. */
function blocks(page: string, heading: string): string[] {
  const [, after = ''] = readFileSync(page, 'utf8').split(`\n${heading}\n`);
  const [section = ''] = after.split(/\n#{1,3} /);
  const found = [...section.matchAll(/```(?:js|javascript)(?: schema)?\n(.*?)```/gs)].map(
    ([, code = '']) => code,
  );
  assert.ok(found.length > 0, `there is no snippet under ${heading}`);
  return found;
}

/** The block under a heading of the developers' page. */
function snippet(heading: string, index = 0): string {
  const code = blocks(PAGE, heading)[index] ?? '';
  // What every reader puts there: their server and their key.
  return code
    .replaceAll("'https://api.rocketlearningrewards.com'", 'process.env.ROCKET_BASE_URL')
    .replaceAll("'your-api-key'", 'process.env.ROCKET_API_KEY');
}

/** The same, with the definition of a class replaced by its import. */
function usage(heading: string, name: string): string {
  const code = snippet(heading);
  const definition = new RegExp(`^class ${name} \\{.*?^\\}\\n`, 'ms');
  assert.match(code, definition);
  return code.replace(definition, `const { ${name} } = require('@rocket-learning/sdk');\n`);
}

/** What a program prints. It is a CommonJS script in an async function, since the page leaves that out. */
function printed(name: string, ...parts: string[]): string {
  const file = path.join(folder, `${name}.cjs`);
  writeFileSync(file, `(async () => {\n${parts.join('\n')}\n})();\n`);
  const done = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  assert.equal(done.status, 0, `${name} failed:\n${done.stdout}${done.stderr}`);
  assert.equal(done.stderr, '', `${name} complained`);
  process.stderr.write(`${name}: as it stands\n`);
  return done.stdout;
}

const client = new RocketSDK();

/** A learner's events, the latest first. */
async function eventsOf(learner: string): Promise<string[]> {
  const { events } = await client.users.getEvents(learner);
  return events.map(({ event, properties }) => `${event} ${JSON.stringify(properties)}`);
}

const REQUIRE = "const RocketSDK = require('@rocket-learning/sdk');";
const CLIENT = 'const rocketClient = new RocketSDK();';
const CLIENT_OF_README = 'const client = new RocketSDK();';

printed('basic-usage', snippet('### Node.js SDK'));
assert.deepEqual(await eventsOf('user-123'), [
  'course.completed {"course_id":"course-456","progress_pct":100,"time_on_task_sec":3600}',
]);
assert.equal((await client.users.getBalance('user-123')).points, 100);

printed(
  'advanced-configuration',
  REQUIRE,
  snippet('### Node.js SDK', 1),
  `const { ValidationError } = RocketSDK;
   await require('node:assert').rejects(
     client.events.track({ event: 'course.completed', userId: 'user-1' }),
     (error) => error instanceof ValidationError && error.errors[0].path === 'properties.course_id',
   );
   await client.events.track({ event: 'course.completed', userId: 'user-1', properties: { course_id: 'c' } });`,
);
assert.deepEqual(await eventsOf('user-1'), ['course.completed {"course_id":"c"}']);

const tested = printed('event-tester', usage('### Event Testing Utility', 'RocketEventTester'));
assert.equal(tested.match(/^Event sent successfully: /gm)?.length, 5, tested);
assert.equal((await eventsOf('test-user-123')).length, 5);

printed('event-buffer', usage('### Batch Processing', 'EventBuffer'));
assert.deepEqual((await eventsOf('user-123'))[0], 'lesson.completed {}');

printed('retry', REQUIRE, CLIENT, usage('### Retry Logic with Exponential Backoff', 'RetryableRequest'));
assert.deepEqual((await eventsOf('user-123'))[0], 'course.completed {}');

// The page shows the class alone: here it is used as its text says.
const broken = printed(
  'circuit-breaker',
  usage('### Circuit Breaker Pattern', 'CircuitBreaker'),
  `const breaker = new CircuitBreaker();
   const fail = () => Promise.reject(new Error('down'));
   for (let i = 0; i < 6; i++) await breaker.execute(fail).catch((error) => console.log(breaker.state, error.message));`,
);
assert.equal(broken, `${'CLOSED down\n'.repeat(4)}OPEN down\nOPEN Circuit breaker is OPEN\n`);

const README = path.join(PACKAGE, 'README.md');
assert.equal(printed('readme-first-call', ...blocks(README, '## First call')), 'processed 50\n75 Explorer\n');
printed('readme-buffer', REQUIRE, CLIENT_OF_README, ...blocks(README, '## Many events'));
assert.equal((await eventsOf('ada')).filter((event) => event.startsWith('lesson.completed')).length, 30);
printed('readme-errors', REQUIRE, CLIENT_OF_README, ...blocks(README, '## When something goes wrong'));
printed('readme-options', REQUIRE, CLIENT_OF_README, ...blocks(README, '## Options'));
printed('readme-lists', REQUIRE, CLIENT_OF_README, ...blocks(README, '## Lists'));
