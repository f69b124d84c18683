-- name: facts
-- An award by public ids, with its badge and its learner.
SELECT a.organisation_id::text AS organisation_id, a.award_id::text AS award_id, a.public_id::text AS public_id,
    a.learner_id::text AS learner_id, l.user_id, l.email, l.status AS learner_status, a.badge_id,
    coalesce(b.name, a.badge_id) AS badge_name, coalesce(b.description, '') AS description,
    coalesce(b.criteria_text, '') AS criteria_text, coalesce(b.tags, '{}') AS tags, b.image_id::text AS image_id,
    CASE WHEN a.status = 'awarded' AND a.expires_at <= now() THEN 'expired' ELSE a.status END AS status,
    a.awarded_at, a.expires_at, a.revoked_at
FROM organisations o
JOIN badge_awards a ON a.organisation_id = o.organisation_id
JOIN learners l ON l.organisation_id = a.organisation_id AND l.learner_id = a.learner_id
LEFT JOIN badges b ON b.organisation_id = a.organisation_id AND b.badge_id = a.badge_id
WHERE o.issuer_id = $1 AND a.public_id = $2;

-- name: issued
-- The signed credential of an award.
SELECT credential FROM badge_credentials WHERE organisation_id = $1 AND award_id = $2;

-- name: keep
-- Keeps a signed credential.
INSERT INTO badge_credentials (organisation_id, award_id, key_id, status_index, learner_id, credential)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: forget
-- Removes what names a learner, if only by a hash.
DELETE FROM badge_credentials WHERE organisation_id = $1 AND learner_id = $2;

-- name: revoked
-- The places of revoked awards in one of a key's status lists.
SELECT c.status_index FROM badge_credentials c
JOIN badge_awards a ON a.organisation_id = c.organisation_id AND a.award_id = c.award_id
WHERE c.organisation_id = $1 AND c.key_id = $2 AND c.status_index >= $3 AND c.status_index < $4
    AND a.status = 'revoked'
ORDER BY c.status_index;
