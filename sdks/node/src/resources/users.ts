/** `client.users`: learners, and how they stand. Any of a learner's identities is taken as `userId`. */

import type { Paged } from '../paging.js';
import type { CallOptions } from '../transport.js';
import type {
  Balance,
  EventPage,
  ExplanationFilter,
  ExplanationPage,
  HeldBadge,
  HeldBadgeFilter,
  HeldBadgePage,
  LedgerEntry,
  LedgerPage,
  Limit,
  LimitPage,
  PageOptions,
  Rank,
  StoredEvent,
  User,
  UserPage,
  UserSearch,
} from '../types.js';
import { Resource, pathOf } from './resource.js';

export class Users extends Resource {
  async get(userId: string, options?: CallOptions): Promise<User> {
    return this.read(path(userId), options);
  }

  /** Who has an e-mail address, or whose name, address or identity begins with `q`. */
  search(search: UserSearch, options?: CallOptions): Paged<UserPage, User> {
    return this.pages<UserPage, User>('/v1/users/search', search, ({ users }) => users, options);
  }

  /** A learner's points, rank and streak. */
  async getBalance(userId: string, options?: CallOptions): Promise<Balance> {
    return this.read(path(userId, '/balance'), options);
  }

  /** A learner's rank and what it is good for, their streak, this week so far, and the next rank. */
  async getRank(userId: string, options?: CallOptions): Promise<Rank> {
    return this.read(path(userId, '/rank'), options);
  }

  /** Every movement of a learner's points, the latest first. */
  getLedger(userId: string, page: PageOptions = {}, options?: CallOptions): Paged<LedgerPage, LedgerEntry> {
    return this.pages<LedgerPage, LedgerEntry>(
      path(userId, '/ledger'),
      page,
      ({ entries }) => entries,
      options,
    );
  }

  /** A learner's badges, the latest first. */
  getBadges(
    userId: string,
    filter: HeldBadgeFilter = {},
    options?: CallOptions,
  ): Paged<HeldBadgePage, HeldBadge> {
    return this.pages<HeldBadgePage, HeldBadge>(
      path(userId, '/badges'),
      filter,
      ({ badges }) => badges,
      options,
    );
  }

  /** What is still to be had of each rule. */
  getLimits(userId: string, page: PageOptions = {}, options?: CallOptions): Paged<LimitPage, Limit> {
    return this.pages<LimitPage, Limit>(path(userId, '/limits'), page, ({ limits }) => limits, options);
  }

  /** A learner's events, the latest received first. */
  getEvents(userId: string, page: PageOptions = {}, options?: CallOptions): Paged<EventPage, StoredEvent> {
    return this.pages<EventPage, StoredEvent>(path(userId, '/events'), page, ({ events }) => events, options);
  }

  /** A learner's events, each with what every rule said about it, and why. */
  explain(
    userId: string,
    filter: ExplanationFilter = {},
    options?: CallOptions,
  ): Paged<ExplanationPage, StoredEvent> {
    return this.pages<ExplanationPage, StoredEvent>(
      path(userId, '/explain'),
      filter,
      ({ events }) => events,
      options,
    );
  }
}

function path(userId: string, after = ''): string {
  return pathOf('/v1/users/', { user_id: userId }, after);
}
