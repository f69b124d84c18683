/** For trying things out: events that are made up, and a client that says what the server makes of them. */

import { RocketSDK } from './client.js';
import { ENVIRONMENTS } from './config.js';
import type { LearningEvent, TrackResult, ValidationResult } from './types.js';

const EVENTS = ['lesson.completed', 'quiz.completed', 'assignment.submitted'] as const;

/** An event that is made up. */
export interface GeneratedEvent {
  readonly event: (typeof EVENTS)[number];
  readonly user_id: string;
  readonly timestamp: string;
  readonly properties: {
    readonly course_id: string;
    readonly lesson_id: string;
    readonly progress_pct: number;
  };
}

/** `count` events of one learner, three to a course, with a progress that is left to chance. */
export function generateTestEvents(userId: string, count = 10): GeneratedEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    event: EVENTS[i % EVENTS.length] ?? EVENTS[0],
    user_id: userId,
    timestamp: new Date().toISOString(),
    properties: {
      course_id: `course-${Math.floor(i / 3) + 1}`,
      lesson_id: `lesson-${i + 1}`,
      progress_pct: Math.floor(Math.random() * 100),
    },
  }));
}

/** Sends events and says what the server makes of them. */
export class RocketEventTester {
  readonly #client: RocketSDK;

  constructor(
    apiKey: string,
    readonly baseURL: string = process.env['ROCKET_BASE_URL'] || ENVIRONMENTS.production,
  ) {
    // It is the server's verdict that is asked for, so nothing is looked through here.
    this.#client = new RocketSDK({ apiKey, baseURL, validateEvents: false });
  }

  /** What the server says of an event, without storing it. */
  validateEvent(event: LearningEvent): Promise<ValidationResult> {
    return this.#client.events.validate(event);
  }

  /** Has an event validated, and then stored. */
  async sendTestEvent(event: LearningEvent): Promise<TrackResult> {
    const validation = await this.validateEvent(event);
    if (!validation.valid) throw new Error(`Invalid event: ${JSON.stringify(validation.errors)}`);
    return this.#client.events.track(event);
  }

  generateTestEvents(userId: string, count = 10): GeneratedEvent[] {
    return generateTestEvents(userId, count);
  }
}
