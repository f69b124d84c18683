-- name: add
-- Badges for learners, in one order for all who do this at once; one that a learner holds is skipped, unless it may
-- be given again.
INSERT INTO badge_awards (
    organisation_id, award_id, learner_id, badge_id, repeatable, event_id, cause, rule_id, rule_version,
    rule_award_id, own_event_id, actor, metadata, awarded_at, expires_at)
SELECT $1, a.award_id, a.learner_id, a.badge_id, a.repeatable, a.event_id, a.cause, a.rule_id, a.rule_version,
    a.rule_award_id, a.own_event_id, a.actor, a.metadata, $2,
    $2::timestamptz + (SELECT make_interval(days => b.expires_after_days) FROM badges b
                       WHERE b.organisation_id = $1 AND b.badge_id = a.badge_id)
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::boolean[], $7::uuid[], $8::text[], $9::text[], $10::integer[],
    $11::uuid[], $12::uuid[], $13::text[], $14::jsonb[])
    AS a (award_id, learner_id, badge_id, repeatable, event_id, cause, rule_id, rule_version, rule_award_id,
          own_event_id, actor, metadata)
ORDER BY a.learner_id, a.badge_id, a.award_id
ON CONFLICT DO NOTHING
RETURNING award_id::text;

-- name: expire
-- Says of badges whose time is over that they have expired, so that they can be given again.
UPDATE badge_awards a SET status = 'expired'
FROM unnest($3::uuid[], $4::text[]) AS n (learner_id, badge_id)
WHERE a.organisation_id = $1 AND a.learner_id = ANY ($3::uuid[]) AND a.learner_id = n.learner_id
    AND a.badge_id = n.badge_id AND a.status = 'awarded' AND a.expires_at <= $2;

-- name: by_events
-- Standing awards that rules gave for events, and for some of them also those by criteria.
SELECT a.award_id::text AS award_id, a.learner_id::text AS learner_id, a.badge_id, a.status,
    a.event_id::text AS event_id, a.own_event_id::text AS own_event_id, a.rule_id
FROM badge_awards a
WHERE a.organisation_id = $1 AND a.event_id = ANY ($2::uuid[])
    AND (a.cause = 'rule' OR a.event_id = ANY ($3::uuid[])) AND a.status = 'awarded';

-- name: relink
-- Ties badges to other awards of the rules that gave them.
UPDATE badge_awards b SET rule_award_id = n.rule_award_id
FROM unnest($2::uuid[], $3::uuid[]) AS n (award_id, rule_award_id)
WHERE b.organisation_id = $1 AND b.award_id = n.award_id;

-- name: by_rule_award
-- The badge that stands and came with a rule's award.
SELECT a.award_id::text AS award_id, a.learner_id::text AS learner_id, a.badge_id, a.status,
    a.event_id::text AS event_id, a.own_event_id::text AS own_event_id, a.rule_id
FROM badge_awards a
WHERE a.organisation_id = $1 AND a.learner_id = $2 AND a.rule_award_id = $3 AND a.cause = 'rule'
    AND a.status = 'awarded';

-- name: given
-- Badges that learners hold, and those that were ever given and not taken back by the rules themselves.
SELECT a.learner_id::text AS learner_id, a.badge_id, 
    bool_or(a.status = 'awarded' AND coalesce(a.expires_at > now(), true)) AS held,
    bool_or(a.status <> 'revoked' OR a.revoked_by <> 'rules') AS given
FROM badge_awards a
WHERE a.organisation_id = $1 AND a.learner_id = ANY ($2::uuid[]) AND a.badge_id = ANY ($3::text[])
GROUP BY a.learner_id, a.badge_id;

-- name: revoke
-- Takes awards back; they stay as history.
UPDATE badge_awards a
SET status = 'revoked', revoked_at = $3, revoked_by = $4, revoked_reason = $5
WHERE a.organisation_id = $1 AND a.award_id = ANY ($2::uuid[]) AND a.status = 'awarded';

-- name: find
-- One award.
SELECT a.award_id::text AS award_id, a.learner_id::text AS learner_id, a.badge_id, a.status,
    a.event_id::text AS event_id, a.own_event_id::text AS own_event_id, a.rule_id
FROM badge_awards a WHERE a.organisation_id = $1 AND a.award_id = $2;

-- name: standing_award
-- The latest standing award of a badge to a learner.
SELECT a.award_id::text AS award_id, a.learner_id::text AS learner_id, a.badge_id, a.status,
    a.event_id::text AS event_id, a.own_event_id::text AS own_event_id, a.rule_id
FROM badge_awards a
WHERE a.organisation_id = $1 AND a.learner_id = $2 AND a.badge_id = $3 AND a.status = 'awarded'
    AND coalesce(a.expires_at > now(), true)
ORDER BY a.award_id DESC
LIMIT 1;

-- name: history
-- A learner's badges, the latest first, below an award's id; those that were taken back too where $5 says so.
SELECT a.award_id::text AS award_id, a.badge_id, coalesce(b.name, a.badge_id) AS name,
    coalesce(b.description, '') AS description,
    CASE WHEN a.status = 'awarded' AND a.expires_at <= now() THEN 'expired' ELSE a.status END AS status, a.cause, a.event_id::text AS event_id, a.rule_id,
    a.rule_version, a.actor, a.metadata, a.awarded_at, a.expires_at, a.revoked_at, a.revoked_reason,
    b.image_id::text AS image_id, a.public_id::text AS public_id
FROM badge_awards a
LEFT JOIN badges b ON b.organisation_id = $1 AND b.badge_id = a.badge_id
WHERE a.organisation_id = $1 AND a.learner_id = $2 AND ($3::uuid IS NULL OR a.award_id < $3)
    AND ($5 OR a.status <> 'revoked')
ORDER BY a.award_id DESC
LIMIT $4;
