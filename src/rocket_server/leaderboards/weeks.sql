-- name: weekly_points
-- Points that learners earned in each week (from Monday, in the zone $3), since the board $4; they come from account $5. A reversal takes
-- points from the week in which they were earned. Standings that are counted by another zone, or not at all
-- yet, are left aside: then everything is summed from the entries.
WITH known AS (
    SELECT EXISTS (
        SELECT 1 FROM leaderboard_states WHERE organisation_id = $1 AND timezone = $3
    ) AS by_zone
),
given AS (
    SELECT learner_id FROM unnest($2::uuid[]) AS g (learner_id)
),
counted AS (
    SELECT s.learner_id, substr(s.board, length(s.board) - 10, 10)::date AS week, s.points
    FROM known
    CROSS JOIN given g
    JOIN standings s ON s.organisation_id = $1 AND s.learner_id = g.learner_id
        AND (s.board >= $4 AND s.board < 'week;' AND length(s.board) = 16
            OR s.board >= 'hidden:' || $4 AND s.board < 'hidden:week;')
    WHERE known.by_zone
),
fresh AS (
    SELECT one.learner_id,
        date_trunc('week', coalesce(r.occurred_at, e.occurred_at) AT TIME ZONE $3)::date AS week,
        CASE WHEN e.to_account = e.learner_id THEN e.amount ELSE -e.amount END AS points
    FROM known
    CROSS JOIN (
        SELECT g.learner_id, g.learner_id AS account_id FROM given g
        UNION ALL
        SELECT a.merged_into, a.account_id FROM given g
        JOIN accounts a ON a.organisation_id = $1 AND a.merged_into = g.learner_id
    ) AS one
    LEFT JOIN standing_progress p
        ON p.organisation_id = $1 AND p.learner_id = one.account_id AND known.by_zone
    JOIN entries e ON e.organisation_id = $1 AND e.learner_id = one.account_id
        AND e.number > coalesce(p.entries, 0)
    LEFT JOIN entries r ON r.organisation_id = $1 AND r.entry_id = e.reverses
    WHERE $5 IN (e.from_account, e.to_account) AND e.kind <> 'transfer'
)
SELECT learner_id::text AS learner_id, week, sum(points)::bigint AS points
FROM (SELECT * FROM counted UNION ALL SELECT * FROM fresh) AS found
GROUP BY 1, 2;
