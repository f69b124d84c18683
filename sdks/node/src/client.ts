/** The client. */

import type { BreakerState } from './breaker.js';
import { type ClientOptions, configure } from './config.js';
import { Badges } from './resources/badges.js';
import { Events } from './resources/events.js';
import { Leaderboard } from './resources/leaderboard.js';
import { Points } from './resources/points.js';
import { Rules } from './resources/rules.js';
import { Users } from './resources/users.js';
import type { EventSchema } from './schema.js';
import { telling } from './telling.js';
import { type CallOptions, Transport } from './transport.js';
import type { Health } from './types.js';

/** Rocket Learning Rewards, for one organisation. One client serves a whole program. */
export class RocketSDK {
  readonly events: Events;
  readonly points: Points;
  readonly badges: Badges;
  readonly users: Users;
  readonly leaderboard: Leaderboard;
  readonly rules: Rules;
  /** The server's address. */
  readonly baseURL: string;
  readonly #transport: Transport;

  /** Raises ConfigurationError where no key is given, nor in `ROCKET_API_KEY`, or an option can't work. */
  constructor(options: ClientOptions = {}) {
    const config = configure(options);
    const { world } = config;
    const transport = new Transport(config, telling(options.hooks, options.logger));
    this.baseURL = config.baseURL;
    this.#transport = transport;
    this.events = new Events(transport, world, config.validateEvents);
    this.points = new Points(transport, world);
    this.badges = new Badges(transport, world);
    this.users = new Users(transport, world);
    this.leaderboard = new Leaderboard(transport, world);
    this.rules = new Rules(transport, world);
  }

  /** From now on, events must meet this schema too; null ends it. Raises ConfigurationError for what is none. */
  setEventSchema(schema: EventSchema | null): void {
    this.events.setSchema(schema);
  }

  /** How the server and its parts are. */
  async health(options: CallOptions = {}): Promise<Health> {
    return this.#transport.send({ ...options, method: 'GET', path: '/v1/health' });
  }

  /** Whether calls are made at present: `OPEN` while the server is left alone, null without a breaker. */
  get breakerState(): BreakerState | null {
    return this.#transport.breaker?.state ?? null;
  }
}
