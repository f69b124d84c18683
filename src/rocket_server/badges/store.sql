-- name: define
-- Badge definitions; those that exist stay as they are.
INSERT INTO badges (organisation_id, badge_id, name, description)
SELECT $1, b.badge_id, b.name, b.description
FROM unnest($2::text[], $3::text[], $4::text[]) AS b (badge_id, name, description)
ON CONFLICT DO NOTHING;

-- name: award
-- Badges for learners, in one order for all who do this at once; those whom the learner holds are skipped.
INSERT INTO badge_awards (organisation_id, learner_id, badge_id, award_id, event_id, awarded_at)
SELECT $1, a.learner_id, a.badge_id, a.award_id, a.event_id, $2
FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[]) AS a (learner_id, badge_id, award_id, event_id)
ORDER BY a.learner_id, a.badge_id
ON CONFLICT DO NOTHING
RETURNING learner_id::text, badge_id, event_id::text;

-- name: held
-- A learner's badges, the latest first, below an award's id.
SELECT a.award_id::text AS award_id, a.badge_id, b.name, b.description, a.event_id::text AS event_id, a.awarded_at
FROM badge_awards a
LEFT JOIN badges b ON b.organisation_id = $1 AND b.badge_id = a.badge_id
WHERE a.organisation_id = $1 AND a.learner_id = $2 AND ($3::uuid IS NULL OR a.award_id < $3)
ORDER BY a.award_id DESC
LIMIT $4;
