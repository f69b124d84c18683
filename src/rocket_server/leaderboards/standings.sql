-- name: top
-- Who stands on a board, the best first, after a position.
SELECT s.learner_id::text AS learner_id, s.points, l.user_id, l.leaderboard = 'anonymous' AS anonymous
FROM (
    SELECT learner_id, points FROM standings
    WHERE organisation_id = $1 AND board = $2 AND points > 0 AND (points, learner_id) < ($3, $4::uuid)
    ORDER BY points DESC, learner_id DESC
    LIMIT $5
) AS s
JOIN learners l ON l.organisation_id = $1 AND l.learner_id = s.learner_id
ORDER BY s.points DESC, s.learner_id DESC;

-- name: above
-- Who stands just before a position, the nearest first.
SELECT learner_id::text AS learner_id, points FROM standings
WHERE organisation_id = $1 AND board = $2 AND points > 0 AND (points, learner_id) > ($3, $4::uuid)
ORDER BY points, learner_id
LIMIT $5;

-- name: place
-- What a learner has on a board.
SELECT points FROM standings WHERE organisation_id = $1 AND board = $2 AND learner_id = $3 AND points > 0;

-- name: ahead
-- How many learners have more points than this.
SELECT coalesce((
    SELECT sum(learners) FROM standing_counts
    WHERE organisation_id = $1 AND board = $2 AND width = 256 AND bucket > $3::bigint / 256
), 0)::bigint + coalesce((
    SELECT sum(learners) FROM standing_counts
    WHERE organisation_id = $1 AND board = $2 AND width = 1 AND bucket > $3 AND bucket < ($3::bigint / 256 + 1) * 256
), 0)::bigint;

-- name: with_points
-- How many learners have exactly these points.
SELECT bucket AS points, learners FROM standing_counts
WHERE organisation_id = $1 AND board = $2 AND width = 1 AND bucket = ANY ($3::bigint[]);

-- name: totals
-- How many learners stand on a board, and when the standings were last brought up to date.
SELECT coalesce((
    SELECT sum(learners) FROM standing_counts WHERE organisation_id = $1 AND board = $2 AND width = 256
), 0)::bigint AS learners,
(SELECT refreshed_at FROM leaderboard_states WHERE organisation_id = $1) AS refreshed_at;
