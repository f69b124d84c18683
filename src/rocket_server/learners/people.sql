-- name: take_identities
-- Identities for a new learner; returns those that were still free.
INSERT INTO identities (organisation_id, identity, learner_id)
SELECT $1, added.identity, $2 FROM unnest($3::text[]) AS added (identity) ORDER BY added.identity
ON CONFLICT DO NOTHING
RETURNING identity;

-- name: add
-- A learner with all that is known of them, and their empty account.
WITH added AS (
    INSERT INTO learners (organisation_id, learner_id, user_id, email, name, weekly_goal, metadata)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
)
INSERT INTO accounts (organisation_id, account_id, kind) VALUES ($1, $2, 'learner');

-- name: read
-- Learners with their identities (at most 100 each), by their ids.
SELECT l.learner_id::text AS learner_id, l.user_id, l.email, l.name, l.status, l.weekly_goal, l.metadata, l.created_at,
    l.leaderboard,
    ARRAY (
        SELECT i.identity FROM identities i
        WHERE i.organisation_id = $1 AND i.learner_id = l.learner_id ORDER BY i.identity LIMIT 100
    ) AS identities
FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[])
ORDER BY l.user_id;

-- name: page
-- Ids of learners, the latest made first, below an id; ids of version 7 begin with the time of their making.
SELECT l.learner_id::text AS learner_id
FROM learners l
WHERE l.organisation_id = $1 AND l.merged_into IS NULL
    AND ($2::uuid IS NULL OR l.learner_id < $2)
    AND ($3::text IS NULL OR l.status = $3)
    AND ($4::uuid IS NULL OR l.learner_id >= $4)
    AND ($5::uuid IS NULL OR l.learner_id < $5)
ORDER BY l.learner_id DESC
LIMIT $6;

-- name: search
-- Ids of learners whose name, e-mail address or an identity begins like this; each by its own index.
SELECT coalesce(l.merged_into, l.learner_id)::text AS learner_id
FROM (
    (SELECT n.learner_id FROM learners n
     WHERE n.organisation_id = $1 AND n.name IS NOT NULL AND lower(n.name) LIKE $2
     ORDER BY lower(n.name) USING ~<~ LIMIT $3)
    UNION
    (SELECT m.learner_id FROM learners m
     WHERE m.organisation_id = $1 AND m.email IS NOT NULL AND lower(m.email) LIKE $2
     ORDER BY lower(m.email) USING ~<~ LIMIT $3)
    UNION
    (SELECT i.learner_id FROM identities i
     WHERE i.organisation_id = $1 AND lower(i.identity) LIKE $2
     ORDER BY lower(i.identity) USING ~<~ LIMIT $3)
) AS found
JOIN learners l ON l.organisation_id = $1 AND l.learner_id = found.learner_id
GROUP BY 1
LIMIT $3;

-- name: change
-- Sets what is known of a learner.
UPDATE learners SET email = $3, name = $4, status = $5, weekly_goal = $6, metadata = $7
WHERE organisation_id = $1 AND learner_id = $2;

-- name: free_email
-- Takes an e-mail address from those who were merged into a learner, so that it can be theirs.
UPDATE learners SET email = NULL
WHERE organisation_id = $1 AND merged_into = $2 AND lower(email) = lower($3);

-- name: remove_identities
-- Takes identities from a learner; returns those that were theirs.
DELETE FROM identities
WHERE organisation_id = $1 AND learner_id = $2 AND identity = ANY ($3::text[])
RETURNING identity;

-- name: add_change
-- Who did what with a learner.
INSERT INTO learner_changes (organisation_id, learner_id, change_id, action, actor, other_id, number, detail, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: changes
-- What was done with a learner, the latest first, below an id.
SELECT c.change_id::text AS change_id, c.action, c.actor, c.detail, c.changed_at
FROM learner_changes c
WHERE c.organisation_id = $1 AND c.learner_id = $2 AND ($3::uuid IS NULL OR c.change_id < $3)
ORDER BY c.change_id DESC
LIMIT $4;
