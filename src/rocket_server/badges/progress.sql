-- name: counted
-- What has been counted for learners, and whether what was stored before is in it.
SELECT w.learner_id::text AS learner_id, w.counter, found.marks, found.complete
FROM unnest($2::uuid[], $3::text[]) AS w (learner_id, counter)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE m.mark <> '') AS marks, bool_or(m.mark = '') AS complete
    FROM badge_marks m
    WHERE m.organisation_id = $1 AND m.learner_id = w.learner_id AND m.counter = w.counter
) AS found;

-- name: existing
-- Those of these marks that are there.
SELECT w.learner_id::text AS learner_id, w.counter, w.mark
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS w (learner_id, counter, mark)
CROSS JOIN LATERAL (
    SELECT 1 FROM badge_marks m
    WHERE m.organisation_id = $1 AND m.learner_id = w.learner_id AND m.counter = w.counter AND m.mark = w.mark
    LIMIT 1
) AS found;

-- name: add
-- New marks.
INSERT INTO badge_marks (organisation_id, learner_id, counter, mark)
SELECT $1, n.learner_id, n.counter, n.mark
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (learner_id, counter, mark)
ON CONFLICT DO NOTHING;

-- name: remove
-- Takes marks away.
DELETE FROM badge_marks m
USING unnest($2::uuid[], $3::text[], $4::text[]) AS gone (learner_id, counter, mark)
WHERE m.organisation_id = $1 AND m.learner_id = ANY ($2::uuid[]) AND m.learner_id = gone.learner_id
    AND m.counter = gone.counter AND m.mark = gone.mark;

-- name: has_more_past
-- Whether learners have more than so many events together; looks at no more than that.
SELECT count(*) > $3 FROM (
    SELECT 1
    FROM unnest($2::uuid[]) AS w (learner_id)
    CROSS JOIN LATERAL (
        SELECT 1 FROM events e WHERE e.organisation_id = $1 AND e.learner_id = w.learner_id LIMIT $3 + 1
    ) AS one
    LIMIT $3 + 1
) AS bounded;

-- name: past
-- Processed events of learners, of some names or about courses, with whether a later one states the completion of
-- the same module: the next ones behind an id.
SELECT e.learner_id::text AS learner_id, e.event_id::text AS event_id, e.event, e.source, e.source_kind, e.user_id,
    e.occurred_at, e.properties, e.metadata,
    coalesce((
        SELECT c.event_id <> e.event_id FROM completions c
        WHERE c.organisation_id = $1 AND c.learner_id = e.learner_id AND c.source = e.source
            AND c.lesson_id = e.properties ->> 'lesson_id'
    ), false) AS superseded
FROM events e
WHERE e.organisation_id = $1 AND e.learner_id = ANY ($2::uuid[]) AND e.status = 'processed'
    AND (e.event = ANY ($3::text[]) OR ($4 AND starts_with(e.event, 'course.')))
    AND e.event_id > $5
ORDER BY e.event_id
LIMIT $6;
