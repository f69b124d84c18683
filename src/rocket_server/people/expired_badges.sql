-- name: due
-- The next organisations with awards whose time is over and that weren't told.
SELECT b.organisation_id::text
FROM badge_awards b
WHERE b.expires_at <= $1 AND NOT b.expiry_told AND b.status <> 'revoked' AND b.organisation_id > $2
GROUP BY b.organisation_id
ORDER BY b.organisation_id
LIMIT $3;

-- name: expired
-- Awards of an organisation whose time is over, the first one first, locked; with who has them after all merges.
SELECT b.award_id::text AS award_id, b.badge_id, coalesce(d.name, b.badge_id) AS name, b.awarded_at, b.expires_at,
    coalesce(m.user_id, l.user_id) AS user_id, coalesce(m.status, l.status) AS status
FROM badge_awards b
JOIN learners l ON l.organisation_id = $1 AND l.learner_id = b.learner_id
LEFT JOIN learners m ON m.organisation_id = $1 AND m.learner_id = l.merged_into
LEFT JOIN badges d ON d.organisation_id = $1 AND d.badge_id = b.badge_id
WHERE b.organisation_id = $1 AND b.expires_at <= $2 AND NOT b.expiry_told AND b.status <> 'revoked'
ORDER BY b.expires_at, b.award_id
LIMIT $3
FOR NO KEY UPDATE OF b SKIP LOCKED;

-- name: told
-- Awards of which it was told that their time is over.
UPDATE badge_awards SET expiry_told = true WHERE organisation_id = $1 AND award_id = ANY ($2::uuid[]);
