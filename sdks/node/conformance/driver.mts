/** The driver of the live run: does what a scenario says and tells what came of it. See ../../conformance. */

import { setTimeout as sleep } from 'node:timers/promises';

import RocketSDK, {
  ApiError,
  type ClientOptions,
  EventBuffer,
  type LearningEvent,
  type PointsRequest,
  RocketError,
  ValidationError,
} from '@rocket-learning/sdk';

type Facts = Record<string, unknown>;
type Scenario = (client: RocketSDK) => Promise<Facts>;

const run = variable('ROCKET_RUN');

/** A client as scenarios have it, unless they say otherwise. */
function make(options: ClientOptions = {}): RocketSDK {
  return new RocketSDK({ timeout: 3_000, ...options, retry: { baseDelay: 50, ...options.retry } });
}

function lesson(learner: string, lessonId?: string): LearningEvent {
  const properties = lessonId === undefined ? undefined : { lesson_id: lessonId };
  return { event: 'lesson.completed', user_id: `${run}-${learner}`, properties };
}

function award(learner: string, points: number, reason = 'Course completion bonus'): PointsRequest {
  return { user_id: learner, points, reason };
}

const once = { retry: { enabled: false } };

/** Awards 5 points through some trouble. */
function awardTo(learner: string): Scenario {
  return async (client) => {
    const { balance } = await client.points.award(award(`${run}-${learner}`, 5));
    return { balance };
  };
}

const scenarios: Record<string, Scenario> = {
  async track(client) {
    const { status, points_awarded } = await client.events.track({
      event: 'course.completed',
      user_id: `${run}-track`,
      event_id: `${run}-track`,
      properties: { course_id: 'conformance' },
    });
    return { status, points_awarded };
  },
  async track_minimal(client) {
    const { status, event_id } = await client.events.track(lesson('minimal'));
    return { status, has_event_id: typeof event_id === 'string' };
  },
  async duplicate(client) {
    const event = { event: 'course.completed', user_id: `${run}-duplicate`, event_id: `${run}-duplicate` };
    const answers = [await client.events.track(event), await client.events.track(event)];
    const [first, second] = answers;
    return {
      statuses: answers.map(({ status }) => status),
      same_event_id: first?.event_id === second?.event_id,
    };
  },
  async native_time(client) {
    const at = new Date('2026-01-31T10:15:00Z');
    const { event_id } = await client.events.track({
      ...lesson('time'),
      properties: { completion_time: at },
    });
    const { properties } = await client.events.get(event_id);
    return { completion_time: properties['completion_time'] };
  },
  async track_batch(client) {
    const events = Array.from({ length: 100 }, (_, i) => lesson(`batch-${i}`, 'lesson-123'));
    const { processed, duplicates, failed } = await client.events.trackBatch(events);
    return { processed, duplicates, failed };
  },
  async batch_mixed() {
    const client = make({ validateEvents: false });
    const events = ['m1', 'm2', 'm1'].map((id) => ({ ...lesson('mixed'), event_id: `${run}-${id}` }));
    const bad = { event: 'bad', user_id: `${run}-mixed` };
    const { processed, duplicates, failed, results } = await client.events.trackBatch([...events, bad]);
    return { processed, duplicates, failed, statuses: results.map(({ status }) => status) };
  },
  async validate(client) {
    const good = await client.events.validate(lesson('validate'));
    const bad = await client.events.validate({ event: 'bad', user_id: 'u' });
    return { valid: [good.valid, bad.valid], paths: bad.errors.map(({ path }) => path).sort() };
  },
  async validation_error(client) {
    await client.events.track({ event: 'course.completed', user_id: 'u', properties: { progress_pct: 101 } });
    return {};
  },
  async own_schema(client) {
    client.setEventSchema({ properties: { course_id: { type: 'string', required: true } } });
    await client.events.track({ event: 'course.completed', user_id: 'u' });
    return {};
  },
  async award(client) {
    const { points, balance } = await client.points.award(award(`${run}-award`, 50));
    return { points, balance };
  },
  async award_same_key(client) {
    const options = { idempotencyKey: `${run}-key` };
    const first = await client.points.award(award(`${run}-key`, 50), options);
    const second = await client.points.award(award(`${run}-key`, 50), options);
    return { balance: second.balance, same_entry: first.entry_id === second.entry_id };
  },
  async deduct(client) {
    await client.points.award(award(`${run}-deduct`, 50));
    const { balance } = await client.points.deduct(award(`${run}-deduct`, 20, 'Sticker'));
    return { balance };
  },
  async balance(client) {
    await client.points.award(award(`${run}-balance`, 7));
    const { user_id, points, earned, spent } = await client.users.getBalance(`${run}-balance`);
    return { user_id: user_id.replace(`${run}-`, ''), points, earned, spent };
  },
  async odd_id(client) {
    const learner = `${run}: é🚀 50%?#+`;
    await client.points.award(award(learner, 3));
    const { points } = await client.users.getBalance(learner);
    return { points };
  },
  async badges(client) {
    const request = { userId: `${run}-badges`, badgeId: 'quiz_master', metadata: { quiz_score: 85 } };
    const answers = [await client.badges.award(request), await client.badges.award(request)];
    const { badges } = await client.users.getBadges(`${run}-badges`);
    return { statuses: answers.map(({ status }) => status), badges: badges.map(({ badge_id }) => badge_id) };
  },
  async reads(client) {
    const learner = `${run}-reads`;
    await client.points.award(award(learner, 1));
    const answers: unknown[] = [
      await client.events.list({ limit: 1 }),
      await client.users.get(learner),
      await client.users.getRank(learner),
      await client.users.getLedger(learner),
      await client.users.getBadges(learner),
      await client.users.getLimits(learner),
      await client.users.getEvents(learner),
      await client.users.search({ email: 'nobody@example.org' }),
      await client.badges.list(),
      await client.badges.get('quiz_master'),
      await client.leaderboard.get({ limit: 1 }),
      await client.rules.list(),
      await client.rules.get('course_completed'),
      await client.rules.templates(),
      await client.health(),
    ];
    return { answers: answers.filter((answer) => typeof answer === 'object' && answer !== null).length };
  },
  async reset_after_badge(client) {
    const { status } = await client.badges.award({ userId: `${run}-sticker`, badgeId: 'sticker' });
    const { badges } = await client.users.getBadges(`${run}-sticker`);
    return { status, badges: badges.length };
  },
  async unauthorized() {
    await make({ apiKey: 'rk_live_wrong' }).users.getBalance('u');
    return {};
  },
  async not_found(client) {
    await client.users.getBalance(`${run}-nobody`);
    return {};
  },
  async bad_request() {
    await make({ validateEvents: false }).events.track({ event: 'bad', user_id: 'u' });
    return {};
  },
  async conflict(client) {
    const options = { idempotencyKey: `${run}-conflict` };
    await client.points.award(award(`${run}-conflict`, 1), options);
    await client.points.award(award(`${run}-conflict`, 2), options);
    return {};
  },
  async insufficient_points(client) {
    await client.points.award(award(`${run}-poor`, 5));
    await client.points.deduct(award(`${run}-poor`, 6));
    return {};
  },
  rate_limited: awardTo('429'),
  rate_limited_for_good: awardTo('429b'),
  async unavailable(client) {
    const event = {
      event: 'course.completed',
      user_id: `${run}-503`,
      properties: { course_id: 'conformance' },
    };
    const { status, points_awarded } = await client.events.track(event);
    return { status, points_awarded };
  },
  async unavailable_for_good(client) {
    await client.events.track(lesson('503b'));
    return {};
  },
  async proxy_page() {
    await make(once).users.getBalance('u');
    return {};
  },
  async redirect(client) {
    await client.users.getBalance('u');
    return {};
  },
  timeout: awardTo('late'),
  async timeout_for_good() {
    await make(once).users.getBalance('u');
    return {};
  },
  reset_before: awardTo('reset'),
  reset_after: awardTo('reset2'),
  async reset_after_batch(client) {
    const events = Array.from({ length: 10 }, (_, i) => lesson(`reset3-${i}`));
    const { processed, duplicates } = await client.events.trackBatch(events);
    return { processed, duplicates };
  },
  half_an_answer: awardTo('half'),
  async refused() {
    await make({ baseURL: variable('ROCKET_REFUSED_URL') }).points.award(award('u', 5));
    return {};
  },
  async breaker() {
    const client = make(once);
    const outcomes: string[] = [];
    for (let i = 0; i < 6; i++) {
      outcomes.push(await client.events.track(lesson('breaker')).then(() => 'ok', nameOf));
    }
    return { outcomes };
  },
  async buffer(client) {
    let dead = 0;
    const buffer = new EventBuffer(undefined, undefined, { client, onDeadLetter: () => dead++ });
    for (let i = 0; i < 250; i++) buffer.add(lesson('buffer', `lesson-${i}`));
    await buffer.close();
    return { dead };
  },
  async buffer_dead_letters() {
    const client = make({ validateEvents: false });
    const reasons: string[] = [];
    const buffer = new EventBuffer(undefined, undefined, {
      client,
      onDeadLetter: (_, reason) => reasons.push(reason),
    });
    buffer.add(lesson('dead'));
    buffer.add({ event: 'bad', user_id: `${run}-dead` });
    await buffer.close();
    return { reasons };
  },
};

// What `do` asks for of an error, beside what is told of each.
const ASKED: Record<string, (error: ApiError) => Facts> = {
  bad_request: ({ details }) => ({
    paths: (details['errors'] as { path: string }[]).map(({ path }) => path).sort(),
  }),
  insufficient_points: ({ details }) => ({ balance: details['balance'] }),
  rate_limited_for_good: ({ retryAfterMs }) => ({
    retry_after: retryAfterMs === null ? null : retryAfterMs / 1000,
  }),
};

async function runScenarios(): Promise<void> {
  for (const [scenario, play] of Object.entries(scenarios)) {
    await fetch(`${variable('ROCKET_FAULTS_URL')}/${scenario}`, { method: 'POST' });
    const facts = await play(make()).catch((error: unknown) => factsOf(scenario, error));
    say({ scenario, outcome: 'ok', ...facts });
  }
}

function factsOf(scenario: string, error: unknown): Facts {
  if (!(error instanceof RocketError)) throw error;
  if (error instanceof ValidationError) {
    return { outcome: nameOf(error), paths: error.errors.map(({ path }) => path).sort() };
  }
  if (!(error instanceof ApiError)) return { outcome: nameOf(error) };
  const { status, code, requestId } = error;
  return {
    outcome: nameOf(error),
    status,
    code,
    has_request_id: requestId !== null,
    ...ASKED[scenario]?.(error),
  };
}

function nameOf(error: unknown): string {
  return (error as Error).name;
}

/** The server is killed in the middle and started again. */
async function runBuffer(count: number): Promise<void> {
  let dead = 0;
  const client = new RocketSDK({
    timeout: 10_000,
    retry: { baseDelay: 100 },
    circuitBreaker: { timeout: 1_000 },
  });
  const buffer = new EventBuffer(100, 200, { client, capacity: count, onDeadLetter: () => dead++ });
  for (let i = 0; i < count; i++) buffer.add(lesson(String(i % 100), `lesson-${i}`));
  for (let waited = 0; buffer.size > 0 && waited < 120_000; waited += 50) await sleep(50);
  await buffer.close();
  say({ scenario: 'buffer', outcome: 'ok', added: count, dead });
}

/** The program ends without a word. */
function runExit(): void {
  const buffer = new EventBuffer();
  for (let i = 0; i < 7; i++) buffer.add(lesson('exit', `lesson-${i}`));
}

function say(line: Facts): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} isn't set`);
  return value;
}

const [form, count] = process.argv.slice(2);
if (form === 'run') await runScenarios();
else if (form === 'buffer') await runBuffer(Number(count));
else if (form === 'exit') runExit();
else throw new Error('usage: driver run | driver buffer N | driver exit');
