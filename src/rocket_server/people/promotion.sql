-- name: due
-- The next organisations with entries that standings count and ranks don't, or with streaks that may have ended.
SELECT o.organisation_id::text
FROM organisations o
WHERE o.organisation_id > $2 AND (EXISTS (
    SELECT 1 FROM standing_progress p WHERE p.organisation_id = o.organisation_id AND p.entries > p.ranked
) OR EXISTS (
    SELECT 1 FROM learner_ranks r WHERE r.organisation_id = o.organisation_id AND r.looks_again_at <= $1
))
ORDER BY o.organisation_id
LIMIT $3;

-- name: lock
-- Keeps standings as they are, and other workers from ranks.
SELECT 1 FROM leaderboard_states WHERE organisation_id = $1 FOR UPDATE;

-- name: unranked
-- The next accounts with entries that standings count and ranks don't, and whose they are after all merges.
SELECT p.learner_id::text AS account_id, coalesce(a.merged_into, p.learner_id)::text AS learner_id
FROM standing_progress p
LEFT JOIN accounts a ON a.organisation_id = $1 AND a.account_id = p.learner_id
WHERE p.organisation_id = $1 AND p.entries > p.ranked
ORDER BY p.learner_id
LIMIT $2;

-- name: ranked
-- Says of accounts that ranks know all that standings count.
UPDATE standing_progress SET ranked = entries WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]);

-- name: ending
-- Learners whose streak may have ended by now.
SELECT learner_id::text FROM learner_ranks
WHERE organisation_id = $1 AND looks_again_at <= $2
ORDER BY looks_again_at
LIMIT $3;

-- name: learners
-- Learners, their own goals, and the ranks that they were last seen to have.
SELECT l.learner_id::text AS learner_id, l.user_id, l.status, l.weekly_goal, r.rank
FROM learners l
LEFT JOIN learner_ranks r ON r.organisation_id = $1 AND r.learner_id = l.learner_id
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[])
ORDER BY l.learner_id;

-- name: write
-- The ranks that learners have now.
INSERT INTO learner_ranks (organisation_id, learner_id, rank, streak_weeks, looks_again_at)
SELECT $1, n.learner_id, n.rank, n.streak_weeks, n.looks_again_at
FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::timestamptz[])
    AS n (learner_id, rank, streak_weeks, looks_again_at)
ORDER BY n.learner_id
ON CONFLICT (organisation_id, learner_id) DO UPDATE
SET rank = excluded.rank, streak_weeks = excluded.streak_weeks, looks_again_at = excluded.looks_again_at;
