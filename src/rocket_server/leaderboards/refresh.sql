-- name: due
-- The next organisations with entries that weren't looked at twice, or whose last sweep is older than $1.
SELECT o.organisation_id::text
FROM organisations o
LEFT JOIN leaderboard_states s ON s.organisation_id = o.organisation_id
WHERE o.organisation_id > $3 AND (s.swept_at IS NULL OR s.swept_at < $1 OR s.timezone <> o.timezone OR EXISTS (
    SELECT 1 FROM entries e WHERE e.organisation_id = o.organisation_id AND e.entry_id > s.position
) OR EXISTS (
    SELECT 1 FROM entries e
    WHERE e.organisation_id = o.organisation_id AND e.entry_id > s.confirmed AND e.entry_id < $2
))
ORDER BY o.organisation_id
LIMIT $4;

-- name: begin
-- The state of an organisation's standings, where it has none: the sweep reads the past, the rest begins now.
INSERT INTO leaderboard_states (organisation_id, timezone, position, confirmed) VALUES ($1, $2, $3, $3)
ON CONFLICT DO NOTHING;

-- name: claim
-- The state of an organisation's standings, locked; nothing where another worker has it.
SELECT timezone, position::text AS position, confirmed::text AS confirmed, swept_to::text AS swept_to, swept_at
FROM leaderboard_states WHERE organisation_id = $1 FOR UPDATE SKIP LOCKED;

-- name: lock
-- The zone by which an organisation's standings are counted; waits for who is counting.
SELECT timezone FROM leaderboard_states WHERE organisation_id = $1 FOR UPDATE;

-- name: forget_all
-- Nothing is known any more; everything is counted anew by the next sweeps.
WITH standing AS (DELETE FROM standings WHERE organisation_id = $1),
     counted AS (DELETE FROM standing_counts WHERE organisation_id = $1),
     done AS (DELETE FROM standing_progress WHERE organisation_id = $1)
UPDATE leaderboard_states SET timezone = $2, swept_to = NULL, swept_at = NULL
WHERE organisation_id = $1;

-- name: learners_between
-- Learners of the entries between two ids, in the order of the entries.
SELECT e.entry_id::text AS entry_id, e.learner_id::text AS learner_id
FROM entries e WHERE e.organisation_id = $1 AND e.entry_id > $2 AND e.entry_id < $3 ORDER BY e.entry_id LIMIT $4;

-- name: accounts_after
-- The learners of the next accounts.
SELECT account_id::text FROM accounts
WHERE organisation_id = $1 AND account_id > $2 AND kind = 'learner' ORDER BY account_id LIMIT $3;

-- name: behind
-- Of these learners, those with entries that aren't counted yet, in a fixed order.
SELECT a.account_id::text
FROM accounts a
LEFT JOIN standing_progress p ON p.organisation_id = $1 AND p.learner_id = a.account_id
WHERE a.organisation_id = $1 AND a.account_id = ANY ($2::uuid[]) AND a.entries > coalesce(p.entries, 0)
ORDER BY a.account_id;

-- name: count_entries
-- Adds up to $4 new entries of each of these learners to all boards that they are about. An award counts in
-- the week in which its event occurred; a reversal takes it from where it stood. Spending counts nowhere. Entries
-- of who was merged into another count for the other. Who is hidden stands on weeks of their own only, from which
-- streaks are read and no place.
WITH new AS MATERIALIZED (
    SELECT given.learner_id, e.entry_id, e.number, e.kind, e.amount, e.occurred_at, e.event_id, e.reverses
    FROM unnest($2::uuid[]) AS given (learner_id)
    LEFT JOIN standing_progress p ON p.organisation_id = $1 AND p.learner_id = given.learner_id
    CROSS JOIN LATERAL (
        SELECT * FROM entries e
        WHERE e.organisation_id = $1 AND e.learner_id = given.learner_id AND e.number > coalesce(p.entries, 0)
        ORDER BY e.number LIMIT $4
    ) AS e
),
moved AS (
    SELECT l.learner_id, l.leaderboard = 'hidden' AS hidden,
        CASE WHEN n.kind = 'award' THEN n.amount ELSE -n.amount END AS points,
        coalesce(r.occurred_at, n.occurred_at) AT TIME ZONE $3 AS local_time,
        nullif(ev.properties ->> 'course_id', '') AS course
    FROM new n
    LEFT JOIN entries r ON r.organisation_id = $1 AND r.entry_id = n.reverses
    LEFT JOIN events ev ON ev.organisation_id = $1 AND ev.event_id = coalesce(r.event_id, n.event_id)
    JOIN learners own ON own.organisation_id = $1 AND own.learner_id = n.learner_id
    JOIN learners l ON l.organisation_id = $1 AND l.learner_id = coalesce(own.merged_into, own.learner_id)
    WHERE n.kind = 'award' OR (n.kind = 'reversal' AND r.kind = 'award')
),
deltas AS (
    SELECT m.learner_id,
        CASE WHEN m.hidden THEN 'hidden:' ELSE '' END || period.named || '/' || scope.course AS board,
        sum(m.points)::bigint AS points
    FROM moved m
    CROSS JOIN LATERAL (VALUES
        ('all'),
        ('week:' || to_char(date_trunc('week', m.local_time), 'YYYY-MM-DD')),
        ('month:' || to_char(date_trunc('month', m.local_time), 'YYYY-MM-DD'))
    ) AS period (named)
    CROSS JOIN LATERAL (
        SELECT '' AS course UNION ALL SELECT left(m.course, 255) WHERE m.course IS NOT NULL
    ) AS scope
    WHERE NOT m.hidden OR (scope.course = '' AND period.named LIKE 'week:%')
    GROUP BY 1, 2
    HAVING sum(m.points) <> 0
),
stood AS (
    INSERT INTO standings AS s (organisation_id, board, learner_id, points)
    SELECT $1, board, learner_id, points FROM deltas
    ON CONFLICT (organisation_id, board, learner_id) DO UPDATE SET points = s.points + excluded.points
    RETURNING board, learner_id, points
),
changed AS (
    SELECT board, points, 1 AS learners FROM stood WHERE points > 0 AND board NOT LIKE 'hidden:%'
    UNION ALL
    SELECT s.board, s.points - d.points, -1 FROM stood s JOIN deltas d USING (board, learner_id)
    WHERE s.points - d.points > 0 AND s.board NOT LIKE 'hidden:%'
),
counted AS (
    INSERT INTO standing_counts AS c (organisation_id, board, width, bucket, learners)
    SELECT $1, board, w.width, points / w.width, sum(learners)
    FROM changed CROSS JOIN (VALUES (1), (256)) AS w (width)
    GROUP BY board, w.width, points / w.width
    HAVING sum(learners) <> 0
    ON CONFLICT (organisation_id, board, width, bucket) DO UPDATE SET learners = c.learners + excluded.learners
),
done AS (
    INSERT INTO standing_progress AS p (organisation_id, learner_id, entries)
    SELECT $1, learner_id, max(number) FROM new GROUP BY learner_id
    ON CONFLICT (organisation_id, learner_id) DO UPDATE SET entries = excluded.entries
)
SELECT count(*) FROM new;

-- name: with_merged
-- Learners and those who were merged into them.
SELECT l.learner_id::text FROM learners l
WHERE l.organisation_id = $1 AND (l.learner_id = ANY ($2::uuid[]) OR l.merged_into = ANY ($2::uuid[]));

-- name: forget_learners
-- These learners stand nowhere any more, and none of their entries is counted.
WITH gone AS (
    DELETE FROM standings WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]) RETURNING board, points
),
counted AS (
    UPDATE standing_counts c SET learners = c.learners - g.learners
    FROM (
        SELECT board, w.width, points / w.width AS bucket, count(*) AS learners
        FROM gone CROSS JOIN (VALUES (1), (256)) AS w (width)
        WHERE points > 0
        GROUP BY 1, 2, 3
    ) AS g
    WHERE c.organisation_id = $1 AND c.board = g.board AND c.width = g.width AND c.bucket = g.bucket
)
DELETE FROM standing_progress WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]);

-- name: keep_state
-- How far the standings have come.
UPDATE leaderboard_states SET position = $2, confirmed = $3, swept_to = $4, swept_at = $5, refreshed_at = now()
WHERE organisation_id = $1;

-- name: set_display
-- How a learner appears; returns how they did before.
UPDATE learners l SET leaderboard = $3
FROM (
    SELECT leaderboard FROM learners WHERE organisation_id = $1 AND learner_id = $2 FOR UPDATE
) AS before
WHERE l.organisation_id = $1 AND l.learner_id = $2
RETURNING before.leaderboard;
