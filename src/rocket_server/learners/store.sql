-- name: find
-- Learners by any of their identities.
SELECT i.identity, l.learner_id::text AS learner_id, l.user_id, l.email, l.status, i.email AS told
FROM identities i
CROSS JOIN LATERAL (
    SELECT * FROM learners l WHERE l.organisation_id = $1 AND l.learner_id = i.learner_id LIMIT 1
) AS l
WHERE i.organisation_id = $1 AND i.identity = ANY ($2::text[]);

-- name: read
-- One learner.
SELECT l.learner_id::text AS learner_id, l.user_id, l.status, l.email
FROM learners l WHERE l.organisation_id = $1 AND l.learner_id = $2;

-- name: find_by_email
-- Learners by e-mail address, whatever its case: their own, or one that a platform tells of an identity of theirs.
-- Who was merged into another is the other. `sources` are what stands before the colon of their identities,
-- `tellers` the identities of which the address is told, empty where it is the person's own.
SELECT found.address, l.learner_id::text AS learner_id, l.user_id, l.status, l.email,
    ARRAY (
        SELECT DISTINCT CASE WHEN i.identity LIKE '%:%' THEN split_part(i.identity, ':', 1) ELSE '' END
        FROM identities i WHERE i.organisation_id = $1 AND i.learner_id = l.learner_id
    ) AS sources, found.tellers
FROM (
    SELECT had.address, had.learner_id, array_agg(had.teller) AS tellers
    FROM (
        SELECT lower(a.email) AS address, coalesce(a.merged_into, a.learner_id) AS learner_id, '' AS teller
        FROM learners a
        WHERE a.organisation_id = $1 AND a.email IS NOT NULL AND lower(a.email) = ANY ($2::text[])
        UNION ALL
        SELECT lower(t.email), t.learner_id, t.identity FROM identities t
        WHERE t.organisation_id = $1 AND t.email IS NOT NULL AND lower(t.email) = ANY ($2::text[])
    ) AS had
    GROUP BY had.address, had.learner_id
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM learners l WHERE l.organisation_id = $1 AND l.learner_id = found.learner_id LIMIT 1
) AS l
ORDER BY l.learner_id;

-- name: lock_email_addresses
-- One transaction of an organisation at a time gives e-mail addresses to learners.
SELECT 1 FROM organisations WHERE organisation_id = $1 FOR NO KEY UPDATE;

-- name: add_identities
-- Identities for learners, in one order for all who do this at once; returns those that were still free.
INSERT INTO identities (organisation_id, identity, learner_id, email)
SELECT $1, added.identity, added.learner_id, added.email
FROM unnest($2::text[], $3::uuid[], $4::text[]) AS added (identity, learner_id, email)
ORDER BY added.identity
ON CONFLICT DO NOTHING
RETURNING identity;

-- name: count_identities
-- How many identities learners have, counted up to a bound.
SELECT l.learner_id::text AS learner_id, (
    SELECT count(*) FROM (
        SELECT 1 FROM identities i WHERE i.organisation_id = $1 AND i.learner_id = l.learner_id LIMIT $3
    ) AS counted
) AS identities
FROM unnest($2::uuid[]) AS l (learner_id);

-- name: lock_learner
-- A learner, locked, so that nobody merges or anonymises them meanwhile.
SELECT merged_into IS NOT NULL AS merged, status FROM learners
WHERE organisation_id = $1 AND learner_id = $2 FOR NO KEY UPDATE;

-- name: add_learners
-- Learners and their empty accounts.
WITH added AS (
    INSERT INTO learners (organisation_id, learner_id, user_id, email)
    SELECT $1, a.learner_id, a.user_id, a.email
    FROM unnest($2::uuid[], $3::text[], $4::text[]) AS a (learner_id, user_id, email)
)
INSERT INTO accounts (organisation_id, account_id, kind)
SELECT $1, a.learner_id, 'learner' FROM unnest($2::uuid[]) AS a (learner_id);

-- name: set_emails
-- E-mail addresses of learners, as they were told last.
UPDATE learners l SET email = given.email
FROM unnest($2::uuid[], $3::text[]) AS given (learner_id, email)
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[]) AND l.learner_id = given.learner_id
    AND l.status <> 'anonymised';

-- name: set_told
-- E-mail addresses as platforms tell them of identities.
UPDATE identities i SET email = given.email
FROM unnest($2::text[], $3::text[]) AS given (identity, email)
WHERE i.organisation_id = $1 AND i.identity = ANY ($2::text[]) AND i.identity = given.identity;

-- name: weekly_goal
-- A learner's own weekly goal.
SELECT weekly_goal FROM learners WHERE organisation_id = $1 AND learner_id = $2;

-- name: streaks
-- The streaks that learners were last seen to have.
SELECT learner_id::text AS learner_id, streak_weeks FROM learner_ranks
WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]);

-- name: merged_into
-- Learners who were merged into one, and that one.
SELECT $2::uuid::text AS learner_id
UNION ALL SELECT l.learner_id::text FROM learners l WHERE l.organisation_id = $1 AND l.merged_into = $2;

-- name: user_ids
-- Under which id learners are shown, after all merges.
SELECT l.learner_id::text AS learner_id, coalesce((
        SELECT m.user_id FROM learners m WHERE m.organisation_id = $1 AND m.learner_id = l.merged_into
    ), l.user_id) AS user_id
FROM learners l WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[]);
