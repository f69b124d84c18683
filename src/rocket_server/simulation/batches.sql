-- name: add
-- A new batch. Only one of an organisation may be unfinished.
INSERT INTO rule_batches (organisation_id, batch_id, status, since, until, rules, created_by)
VALUES ($1, $2, 'applying', $3, $4, $5, $6);

-- name: unfinished
-- The batch that is being applied or undone.
SELECT b.batch_id::text, b.status, b.since, b.until, b.rules, b.entries, b.points, b.created_at, b.created_by
FROM rule_batches b
WHERE b.organisation_id = $1 AND b.status IN ('applying', 'undoing');

-- name: find
-- One batch.
SELECT b.batch_id::text, b.status, b.since, b.until, b.rules, b.entries, b.points, b.created_at, b.created_by
FROM rule_batches b
WHERE b.organisation_id = $1 AND b.batch_id = $2;

-- name: latest
-- The latest batches.
SELECT b.batch_id::text, b.status, b.since, b.until, b.rules, b.entries, b.points, b.created_at, b.created_by
FROM rule_batches b
WHERE b.organisation_id = $1
ORDER BY b.batch_id DESC
LIMIT $2;

-- name: grow
-- What a piece added to a batch that is still being applied.
UPDATE rule_batches b SET entries = b.entries + $3, points = b.points + $4
WHERE b.organisation_id = $1 AND b.batch_id = $2 AND b.status = 'applying'
RETURNING b.batch_id;

-- name: move_on
-- A batch in its next state.
UPDATE rule_batches b
SET status = $3, finished_at = CASE WHEN $3 IN ('applied', 'undone') THEN now() END
WHERE b.organisation_id = $1 AND b.batch_id = $2 AND b.status = ANY ($4::text[])
RETURNING b.batch_id;

-- name: entries_after
-- Entries of a batch above an id, with the events that they are for.
SELECT t.entry_id::text, e.event_id::text, e.learner_id::text
FROM rule_batch_entries t
CROSS JOIN LATERAL (
    SELECT * FROM entries e WHERE e.organisation_id = $1 AND e.entry_id = t.entry_id LIMIT 1
) AS e
WHERE t.organisation_id = $1 AND t.batch_id = $2 AND t.entry_id > $3
ORDER BY t.entry_id
LIMIT $4;

-- name: active_learners
-- Which learners are active.
SELECT l.learner_id::text FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[]) AND l.status = 'active';

-- name: add_decisions
-- Decisions added to locked events, and the points that they change.
UPDATE events t SET decisions = t.decisions || added.decisions::jsonb, points_awarded = t.points_awarded + added.points
FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS added (event_id, decisions, points)
WHERE t.organisation_id = $1 AND t.event_id = ANY ($2::uuid[]) AND t.event_id = added.event_id;
