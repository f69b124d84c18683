<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * What the server answers, as the shapes of arrays. A test compares them with the server's OpenAPI document.
 *
 * A server newer than this package may answer with more fields; they are there all the same.
 *
 * @phpstan-type Outcome 'awarded'|'condition_not_met'|'cap_reached'|'cooldown'|'already_awarded'|'inactive'
 *     |'filtered'|'suspended'|'reversed'
 *
 * Decision: What one rule said about one event, and why.
 * @phpstan-type Decision array{
 *     rule_id: string,
 *     rule_version: int,
 *     outcome: Outcome,
 *     points: int,
 *     detail: array<string, mixed>,
 * }
 *
 * Explanation: A decision in words. `opens_at` is from when the rule may give again, where that is known.
 * @phpstan-type Explanation array{
 *     rule_id: string,
 *     rule_version: int,
 *     outcome: Outcome,
 *     points: int,
 *     detail: array<string, mixed>,
 *     title: string|null,
 *     code: string,
 *     sentence: string,
 *     opens_at: string|null,
 * }
 *
 * TrackedEvent: What became of an event. `event_id` is the server's own, the same for a duplicate.
 * @phpstan-type TrackedEvent array{
 *     status: 'processed'|'duplicate'|'ignored'|'held'|'failed',
 *     event_id: string,
 *     processed_at: string,
 *     points_awarded: int,
 *     badges: list<string>,
 *     decisions: list<Decision>,
 *     reason?: string|null,
 * }
 *
 * @phpstan-type PathAndMessage array{
 *     path: string,
 *     message: string,
 * }
 *
 * BatchResult: What became of the event at `index`.
 * @phpstan-type BatchResult array{
 *     index: int,
 *     status: 'processed'|'duplicate'|'ignored'|'held'|'failed',
 *     event_id: string|null,
 *     error?: string|null,
 *     points_awarded?: int|null,
 *     reason?: string|null,
 * }
 *
 * BatchAnswer: What became of a batch: `failed` events weren't stored, and `results` says why.
 * @phpstan-type BatchAnswer array{
 *     processed: int,
 *     duplicates: int,
 *     failed: int,
 *     points_awarded: int,
 *     errors_left_out?: int|null,
 *     results: list<BatchResult>,
 * }
 *
 * Validation: What the server thinks of an event.
 * @phpstan-type Validation array{
 *     valid: bool,
 *     errors: list<PathAndMessage>,
 * }
 *
 * StoredEvent: An event with what the rules decided when it came.
 * @phpstan-type StoredEvent array{
 *     event_id: string,
 *     source_event_id: string|null,
 *     source: string,
 *     status: 'processed'|'ignored'|'held'|'failed',
 *     reason: string|null,
 *     event: string,
 *     user_id: string|null,
 *     timestamp: string,
 *     received_at: string,
 *     properties: array<string, mixed>,
 *     metadata: array<string, mixed>,
 *     points_awarded: int,
 *     badges: list<string>,
 *     decisions: list<Decision>,
 * }
 *
 * ExplainedEvent: An event with what every rule says about it, and why.
 * @phpstan-type ExplainedEvent array{
 *     event_id: string,
 *     source_event_id: string|null,
 *     source: string,
 *     status: 'processed'|'ignored'|'held'|'failed',
 *     reason: string|null,
 *     event: string,
 *     user_id: string|null,
 *     timestamp: string,
 *     received_at: string,
 *     properties: array<string, mixed>,
 *     metadata: array<string, mixed>,
 *     points_awarded: int,
 *     badges: list<string>,
 *     decisions: list<Explanation>,
 * }
 *
 * @phpstan-type EventPage array{
 *     events: list<StoredEvent>,
 *     next_cursor: string|null,
 * }
 *
 * Moved: A new entry, and the balance after it.
 * @phpstan-type Moved array{
 *     entry_id: string,
 *     points: int,
 *     balance: int,
 * }
 *
 * @phpstan-type BadgeAwarded array{
 *     award_id: string,
 *     badge_id: string,
 *     user_id: string,
 *     status: 'awarded'|'already_held',
 * }
 *
 * Badge: A badge of the organisation.
 * @phpstan-type Badge array{
 *     badge_id: string,
 *     name: string,
 *     description: string|null,
 *     criteria_text: string|null,
 *     tags: list<string>,
 *     active: bool,
 *     repeatable: bool,
 *     criteria: array<string, mixed>|null,
 *     criteria_fault?: string,
 *     expires_after_days: int|null,
 *     image_url: string,
 *     created_at: string,
 *     updated_at: string,
 * }
 *
 * @phpstan-type BadgePage array{
 *     badges: list<Badge>,
 *     next_cursor: string|null,
 * }
 *
 * Balance: A learner's points: `points` is `earned` less `spent`.
 * @phpstan-type Balance array{
 *     user_id: string,
 *     points: int,
 *     earned: int,
 *     spent: int,
 *     rank: string,
 *     streak_weeks: int,
 * }
 *
 * @phpstan-type NextRank array{
 *     name: string,
 *     weeks: int,
 * }
 *
 * Rank: A learner's rank, what it is good for, and the next one.
 * @phpstan-type Rank array{
 *     user_id: string,
 *     rank: string,
 *     multiplier: float,
 *     discount_pct: float,
 *     streak_weeks: int,
 *     grace_weeks: int,
 *     weekly_goal: int,
 *     points_this_week: int,
 *     next_rank: NextRank|null,
 * }
 *
 * Entry: One movement of points; `points` is below zero where some were taken.
 * @phpstan-type Entry array{
 *     entry_id: string,
 *     number: int,
 *     kind: string,
 *     points: int,
 *     balance_after: int,
 *     reason: string|null,
 *     event_id: string|null,
 *     rule_id: string|null,
 *     rule_version: int|null,
 *     reverses: string|null,
 *     actor: string|null,
 *     metadata: array<string, mixed>|null,
 *     occurred_at: string,
 *     created_at: string,
 * }
 *
 * @phpstan-type LedgerPage array{
 *     entries: list<Entry>,
 *     next_cursor: string|null,
 * }
 *
 * HeldBadge: A badge that a learner holds, or held.
 * @phpstan-type HeldBadge array{
 *     award_id: string,
 *     badge_id: string,
 *     name: string,
 *     description: string,
 *     status: 'awarded'|'revoked',
 *     cause: string,
 *     awarded_at: string,
 *     expires_at: string|null,
 *     revoked_at: string|null,
 *     revoked_reason: string|null,
 *     event_id: string|null,
 *     rule_id: string|null,
 *     rule_version: int|null,
 *     actor: string|null,
 *     metadata: array<string, mixed>|null,
 *     image_url: string,
 *     verification_url: string,
 * }
 *
 * @phpstan-type HeldBadgePage array{
 *     badges: list<HeldBadge>,
 *     next_cursor: string|null,
 * }
 *
 * Limit: One cap of one rule: how much of it is used, and when it opens again.
 * @phpstan-type Limit array{
 *     rule_id: string,
 *     title: string|null,
 *     event: string,
 *     points: mixed,
 *     constraint: string,
 *     key: array<string, mixed>|null,
 *     limit: int|null,
 *     used: int|null,
 *     remaining: int|null,
 *     since: string|null,
 *     resets_at: string|null,
 *     opens_at: string|null,
 * }
 *
 * @phpstan-type LimitPage array{
 *     user_id: string,
 *     limits: list<Limit>,
 *     next_cursor: string|null,
 * }
 *
 * User: A learner.
 * @phpstan-type User array{
 *     user_id: string,
 *     email: string|null,
 *     name: string|null,
 *     status: 'active'|'suspended'|'anonymised',
 *     weekly_goal: int|null,
 *     leaderboard: 'shown'|'anonymous'|'hidden',
 *     metadata: array<string, mixed>|null,
 *     identities: list<string>,
 *     created_at: string,
 * }
 *
 * @phpstan-type UserPage array{
 *     users: list<User>,
 *     next_cursor: string|null,
 * }
 *
 * Standing: One place of a leaderboard. Who wants to stand there without a name has no `user_id`.
 * @phpstan-type Standing array{
 *     rank: int,
 *     points: int,
 *     user_id: string|null,
 *     anonymous: bool,
 * }
 *
 * @phpstan-type Leaderboard array{
 *     period: 'all'|'week'|'month',
 *     since: string|null,
 *     until: string|null,
 *     course: string|null,
 *     learners: int,
 *     as_of: string|null,
 *     standings: list<Standing>,
 *     next_cursor: string|null,
 * }
 *
 * @phpstan-type Trigger array{
 *     event: string,
 *     source?: string,
 *     conditions?: array<string, mixed>,
 * }
 *
 * @phpstan-type Actions array{
 *     award_points?: mixed,
 *     issue_badge?: string,
 *     multiplier?: mixed,
 * }
 *
 * RuleBody: What a rule says.
 * @phpstan-type RuleBody array{
 *     rule_id: string,
 *     name?: string,
 *     title?: string,
 *     description?: string,
 *     trigger: Trigger,
 *     actions: Actions,
 *     constraints: array<string, mixed>,
 *     starts_at?: string,
 *     ends_at?: string,
 *     priority?: int,
 *     active: bool,
 *     status?: string,
 * }
 *
 * Rule: A rule in one of its versions.
 * @phpstan-type Rule array{
 *     rule_id: string,
 *     name?: string,
 *     title?: string,
 *     description?: string,
 *     trigger: Trigger,
 *     actions: Actions,
 *     constraints: array<string, mixed>,
 *     starts_at?: string,
 *     ends_at?: string,
 *     priority?: int,
 *     active: bool,
 *     status?: string,
 *     version: int,
 *     created_at: string|null,
 *     updated_at: string|null,
 *     created_by: string|null,
 *     fault?: string|null,
 *     withdrawn?: bool|null,
 * }
 *
 * @phpstan-type RulePage array{
 *     rules: list<Rule>,
 *     next_cursor: string|null,
 * }
 *
 * @phpstan-type Template array{
 *     rule_id: string,
 *     title: string,
 *     default: bool,
 *     enabled: bool,
 *     rule: RuleBody,
 * }
 *
 * @phpstan-type TemplatePage array{
 *     templates: list<Template>,
 *     next_cursor: string|null,
 * }
 *
 * @phpstan-type Health array{
 *     status: string,
 *     version: string,
 *     parts: array<string, array<string, mixed>>,
 * }
 */
final class Answers
{
}
