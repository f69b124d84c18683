-- name: due
-- The next organisations with entries that weren't looked at, or with streaks that may have ended.
SELECT o.organisation_id::text
FROM organisations o
LEFT JOIN rank_states s ON s.organisation_id = o.organisation_id
WHERE o.organisation_id > $3 AND (EXISTS (
    SELECT 1 FROM entries e
    WHERE e.organisation_id = o.organisation_id AND e.entry_id < $1
        AND e.entry_id > coalesce(s.position, '00000000-0000-0000-0000-000000000000')
) OR EXISTS (
    SELECT 1 FROM learner_ranks r WHERE r.organisation_id = o.organisation_id AND r.looks_again_at <= $2
))
ORDER BY o.organisation_id
LIMIT $4;

-- name: begin
-- The state of an organisation's ranks, where it has none.
INSERT INTO rank_states (organisation_id, position) VALUES ($1, '00000000-0000-0000-0000-000000000000')
ON CONFLICT DO NOTHING;

-- name: claim
-- The state of an organisation's ranks, locked; nothing where another worker has it.
SELECT position::text AS position FROM rank_states WHERE organisation_id = $1 FOR UPDATE SKIP LOCKED;

-- name: keep
-- How far ranks were looked at.
UPDATE rank_states SET position = $2 WHERE organisation_id = $1;

-- name: entries_between
-- The next entries, and who their learners are after all merges.
SELECT e.entry_id::text AS entry_id, coalesce(a.merged_into, e.learner_id)::text AS learner_id
FROM (
    SELECT entry_id, learner_id FROM entries
    WHERE organisation_id = $1 AND entry_id > $2 AND entry_id < $3 ORDER BY entry_id LIMIT $4
) AS e
LEFT JOIN accounts a ON a.organisation_id = $1 AND a.account_id = e.learner_id
ORDER BY e.entry_id;

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
