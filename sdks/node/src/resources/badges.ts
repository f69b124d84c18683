/** `client.badges`: recognitions, and their being given to learners. */

import { prepareBadge } from '../awards.js';
import type { Paged } from '../paging.js';
import type { CallOptions } from '../transport.js';
import type { Badge, BadgePage, BadgeRequest, BadgeResult, PageOptions } from '../types.js';
import { Resource, type WriteOptions, pathOf } from './resource.js';

export class Badges extends Resource {
  /** Gives a badge to a learner; one who isn't known is made. */
  async award(request: BadgeRequest, options: WriteOptions = {}): Promise<BadgeResult> {
    // Most badges are held once, but a repeatable one would be given again by another try.
    return this.postOnce('/v1/badges/award', prepareBadge(request, options.idempotencyKey), options);
  }

  async get(badgeId: string, options?: CallOptions): Promise<Badge> {
    return this.read(pathOf('/v1/badges/', { badge_id: badgeId }), options);
  }

  /** The organisation's badges, in the order of their ids. */
  list(page: PageOptions = {}, options?: CallOptions): Paged<BadgePage, Badge> {
    return this.pages<BadgePage, Badge>('/v1/badges', page, ({ badges }) => badges, options);
  }
}
