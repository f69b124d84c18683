/** `client.leaderboard`: who has earned most. */

import type { Paged } from '../paging.js';
import type { CallOptions } from '../transport.js';
import type { LeaderboardFilter, LeaderboardPage, Standing } from '../types.js';
import { Resource } from './resource.js';

export class Leaderboard extends Resource {
  /** A board of all time, a week or a month, of everything or one course. */
  get(filter: LeaderboardFilter = {}, options?: CallOptions): Paged<LeaderboardPage, Standing> {
    return this.pages<LeaderboardPage, Standing>(
      '/v1/leaderboard',
      filter,
      ({ standings }) => standings,
      options,
    );
  }
}
