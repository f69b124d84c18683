/** What the API takes and answers, spelled as on the wire. */

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A moment: RFC 3339, Unix seconds, or a `Date`. */
export type Moment = string | number | Date;

/** Who an event, points or a badge are about: `user_id`, or `userId` for those who prefer it. */
export type ForUser =
  | { readonly user_id: string; readonly userId?: undefined }
  | { readonly userId: string; readonly user_id?: undefined };

/** What events have beside their learner. */
interface EventFields {
  /** `domain.action`, such as `course.completed`. */
  readonly event: string;
  /** When it happened; now, where it isn't given. */
  readonly timestamp?: Moment | undefined;
  /** Your id of the event, under which it counts once, for ever; made where it isn't given. */
  readonly event_id?: string | undefined;
  readonly properties?: EventProperties | undefined;
  readonly metadata?: JsonObject | undefined;
  /** The platform where it happened. */
  readonly source?: string | undefined;
}

/** What rules look at. Those named here have a form of their own; any other is kept as it is. */
export interface EventProperties {
  readonly course_id?: string | number | null | undefined;
  readonly section_id?: string | number | null | undefined;
  readonly lesson_id?: string | number | null | undefined;
  readonly quiz_id?: string | number | null | undefined;
  readonly attempt_id?: string | number | null | undefined;
  readonly object_id?: string | number | null | undefined;
  /** 0 to 100. */
  readonly progress_pct?: number | null | undefined;
  /** Whole seconds. */
  readonly time_on_task_sec?: number | null | undefined;
  readonly [name: string]: unknown;
}

/** A learning event, as it is given to `track`. */
export type LearningEvent = EventFields & ForUser;

/** The same as it is sent: with the id and the time that every try of it has. */
export interface StampedEvent extends EventFields {
  readonly user_id: string;
  readonly timestamp: string | number;
  readonly event_id: string;
}

export type EventStatus = 'processed' | 'duplicate' | 'ignored' | 'held' | 'failed';

/** What one rule said about an event, and why. */
export interface Decision {
  readonly rule_id: string;
  readonly rule_version: number;
  /** `awarded`, `condition_not_met`, `cap_reached`, … */
  readonly outcome: string;
  readonly points: number;
  /** The numbers behind it. */
  readonly detail: JsonObject;
  /** Where an event is read or explained: the rule's title. */
  readonly title?: string;
  readonly code?: string;
  /** The reason in words that a learner understands. */
  readonly sentence?: string;
  readonly opens_at?: string | null;
}

export interface TrackResult {
  readonly status: EventStatus;
  /** The server's id of the event. */
  readonly event_id: string;
  readonly processed_at: string;
  readonly points_awarded: number;
  readonly badges: readonly string[];
  readonly decisions: readonly Decision[];
  readonly reason?: string;
}

export interface BatchItem {
  /** The place of the event in the batch. */
  readonly index: number;
  readonly status: EventStatus;
  readonly event_id?: string | null;
  readonly points_awarded?: number;
  readonly reason?: string | null;
  /** What is wrong with it, where `status` is `failed`. */
  readonly error?: string | null;
}

export interface BatchResult {
  /** How many were newly stored. */
  readonly processed: number;
  readonly duplicates: number;
  readonly failed: number;
  readonly points_awarded: number;
  /** How many failed items have no `error`, since there were so many. */
  readonly errors_left_out?: number | null;
  readonly results: readonly BatchItem[];
}

export interface ValidationResult {
  readonly valid: boolean;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

/** An event as it is stored. */
export interface StoredEvent {
  readonly event_id: string;
  readonly source_event_id: string | null;
  readonly source: string;
  readonly status: EventStatus;
  readonly reason: string | null;
  readonly event: string;
  readonly user_id: string | null;
  readonly timestamp: string;
  readonly received_at: string;
  readonly properties: JsonObject;
  readonly metadata: JsonObject;
  readonly points_awarded: number;
  readonly badges: readonly string[];
  readonly decisions: readonly Decision[] | null;
}

export type PointsRequest = ForUser & {
  /** A whole number from 1 to 1,000,000. */
  readonly points: number;
  readonly reason: string;
  readonly metadata?: JsonObject | undefined;
};

export interface PointsResult {
  readonly entry_id: string;
  readonly points: number;
  readonly balance: number;
}

export interface ReversalRequest {
  readonly entry_id: string;
  readonly reason: string;
}

export interface ReversalResult extends PointsResult {
  readonly badges_revoked: readonly string[];
}

export type BadgeRequest = ForUser & { readonly metadata?: JsonObject | undefined } & (
    | { readonly badge_id: string; readonly badgeId?: undefined }
    | { readonly badgeId: string; readonly badge_id?: undefined }
  );

export interface BadgeResult {
  readonly award_id: string;
  readonly badge_id: string;
  readonly user_id: string;
  readonly status: 'awarded' | 'already_held';
}

/** A badge that may be given. */
export interface Badge {
  readonly badge_id: string;
  readonly name: string;
  readonly description: string;
  readonly criteria_text: string;
  readonly tags: readonly string[];
  readonly active: boolean;
  /** Whether a learner may be given it again and again. */
  readonly repeatable: boolean;
  readonly expires_after_days: number | null;
  readonly criteria: JsonObject | null;
  /** Why stored criteria can't be used any more. */
  readonly criteria_fault?: string | null;
  readonly image_url: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface Balance {
  readonly user_id: string;
  /** What the learner has now. */
  readonly points: number;
  readonly earned: number;
  readonly spent: number;
  readonly rank: string;
  /** Weeks in a row in which the weekly goal was met. */
  readonly streak_weeks: number;
}

export interface Rank {
  readonly user_id: string;
  readonly rank: string;
  readonly multiplier: number;
  readonly discount_pct: number;
  readonly streak_weeks: number;
  readonly grace_weeks: number;
  readonly weekly_goal: number;
  readonly points_this_week: number;
  readonly next_rank: { readonly name: string; readonly weeks: number } | null;
}

/** One movement of points. */
export interface LedgerEntry {
  readonly entry_id: string;
  readonly number: number;
  readonly kind: string;
  /** Below 0 where the learner lost points. */
  readonly points: number;
  readonly balance_after: number;
  readonly reason: string | null;
  readonly event_id: string | null;
  readonly rule_id: string | null;
  readonly rule_version: number | null;
  /** The entry that this one undoes. */
  readonly reverses: string | null;
  readonly actor: string | null;
  readonly metadata: JsonObject | null;
  readonly occurred_at: string;
  readonly created_at: string;
}

/** A badge that a learner has. */
export interface HeldBadge {
  readonly award_id: string;
  readonly badge_id: string;
  readonly name: string;
  readonly description: string;
  readonly status: 'awarded' | 'expired' | 'revoked';
  readonly cause: string;
  readonly awarded_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly revoked_reason: string | null;
  readonly event_id: string | null;
  readonly rule_id: string | null;
  readonly rule_version: number | null;
  readonly actor: string | null;
  readonly metadata: JsonObject | null;
  readonly image_url: string;
  readonly verification_url: string;
}

/** How much of a rule's caps is used. */
export interface Limit {
  readonly rule_id: string;
  readonly title: string;
  readonly event: string;
  readonly points: number;
  /** Which cap; null for a rule without any. */
  readonly constraint: string | null;
  readonly key: string | null;
  readonly limit: number | null;
  readonly used: number | null;
  readonly remaining: number | null;
  readonly since: string | null;
  readonly resets_at: string | null;
  readonly opens_at: string | null;
}

/** One place on a leaderboard. Who stands there without a name has no `user_id`. */
export interface Standing {
  readonly rank: number;
  readonly points: number;
  readonly user_id: string | null;
  readonly anonymous: boolean;
}

/** A learner. */
export interface User {
  readonly user_id: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly status: 'active' | 'suspended' | 'anonymised';
  readonly weekly_goal: number | null;
  readonly leaderboard: 'shown' | 'anonymous' | 'hidden';
  readonly metadata: JsonObject | null;
  /** Under which names the learner is known. */
  readonly identities: readonly string[];
  readonly created_at: string;
}

/** What points and badges are given for. */
export interface RuleBody {
  readonly rule_id: string;
  readonly name?: string | null;
  readonly title?: string | null;
  readonly description?: string | null;
  readonly trigger: JsonObject;
  readonly actions: JsonObject;
  readonly constraints: JsonObject;
  readonly starts_at?: string | null;
  readonly ends_at?: string | null;
  readonly priority?: number | null;
  readonly active: boolean;
  readonly status?: 'draft' | null;
}

/** A rule in one of its versions. */
export interface Rule extends RuleBody {
  readonly version: number;
  readonly created_at: string | null;
  readonly updated_at: string | null;
  readonly created_by: string | null;
  /** Why a stored rule can't be used any more. */
  readonly fault?: string | null;
  readonly withdrawn?: boolean | null;
}

/** A rule that is ready-made. */
export interface RuleTemplate {
  readonly rule_id: string;
  readonly title: string;
  /** Whether new organisations have it from the start. */
  readonly default: boolean;
  /** Whether this organisation has it. */
  readonly enabled: boolean;
  readonly rule: RuleBody;
}

export interface RuleTemplatePage extends Page {
  readonly templates: readonly RuleTemplate[];
}

/** How the server and its parts are. */
export interface Health {
  readonly status: string;
  readonly version: string;
  readonly parts: Readonly<Record<string, JsonObject>>;
}

/** What every page of a list has. */
export interface Page {
  /** Give it as `cursor` to get the next page; null on the last. */
  readonly next_cursor: string | null;
}

export interface EventPage extends Page {
  readonly events: readonly StoredEvent[];
}

export interface LedgerPage extends Page {
  readonly entries: readonly LedgerEntry[];
}

export interface HeldBadgePage extends Page {
  readonly badges: readonly HeldBadge[];
}

export interface BadgePage extends Page {
  readonly badges: readonly Badge[];
}

export interface UserPage extends Page {
  readonly users: readonly User[];
}

export interface RulePage extends Page {
  readonly rules: readonly Rule[];
}

export interface LimitPage extends Page {
  readonly user_id: string;
  readonly limits: readonly Limit[];
}

export interface ExplanationPage extends EventPage {
  readonly user_id: string;
}

export interface LeaderboardPage extends Page {
  readonly period: 'all' | 'week' | 'month';
  readonly since: string | null;
  readonly until: string | null;
  readonly course: string | null;
  /** How many stand on the board. */
  readonly learners: number;
  readonly as_of: string | null;
  readonly standings: readonly Standing[];
}

/** Which page of a list. */
export interface PageOptions {
  /** 1 to 500 rows; 50 by default. */
  readonly limit?: number | undefined;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface EventFilter extends PageOptions {
  readonly user_id?: string | undefined;
  readonly event?: string | undefined;
  readonly source?: string | undefined;
  readonly status?: 'processed' | 'ignored' | 'held' | 'failed' | undefined;
  /** Occurred at this time or later. */
  readonly since?: Moment | undefined;
  /** Occurred before this time. */
  readonly until?: Moment | undefined;
}

/** By address, or by a beginning. */
export type UserSearch = PageOptions &
  ({ readonly email: string; readonly q?: undefined } | { readonly q: string; readonly email?: undefined });

export interface RuleFilter extends PageOptions {
  readonly active?: boolean | undefined;
  readonly status?: 'draft' | 'active' | 'inactive' | undefined;
  /** Rules that hear this event. */
  readonly event?: string | undefined;
}

export interface HeldBadgeFilter extends PageOptions {
  readonly include_revoked?: boolean | undefined;
}

export interface ExplanationFilter extends PageOptions {
  /** An event's name, or its id. */
  readonly event?: string | undefined;
  readonly since?: Moment | undefined;
  readonly until?: Moment | undefined;
}

export interface LeaderboardFilter extends PageOptions {
  /** Points of one course only. */
  readonly course?: string | undefined;
  readonly period?: 'all' | 'week' | 'month' | undefined;
  /** A day of the week or month that is meant: `2026-03-02`. */
  readonly at?: string | undefined;
  /** A learner: their place and those next to it. */
  readonly around?: string | undefined;
}
