-- name: counts
-- Stored events of the period, and whether there are any before it.
SELECT
    (SELECT count(*) FROM events e
     WHERE e.organisation_id = $1 AND e.event_id >= $2 AND ($3::uuid IS NULL OR e.event_id < $3)) AS events,
    EXISTS (SELECT 1 FROM events e WHERE e.organisation_id = $1 AND e.event_id < $2) AS earlier;

-- name: by_index
-- Rows are wanted one after another in the order of an index, not sorted as a whole before the first one.
SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true);

-- name: try_lock
-- One simulation of an organisation at a time; the lock ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended('rocket simulation ' || $1::text, 0));

-- name: versions
-- Every version of some rules, the latest first, and the Unix millisecond of its making.
SELECT r.version, r.definition, (extract(epoch FROM r.created_at) * 1000)::bigint AS since_ms
FROM rules r
WHERE r.organisation_id = $1 AND ($2::text[] IS NULL OR r.rule_id = ANY ($2))
ORDER BY r.rule_id, r.version DESC;

-- name: events
-- Events of the period that a candidate hears, that a rule decided or that state a completion or withdraw
-- another, learner by learner in order of receipt. $4: names that candidates hear; $5: whether a candidate reads
-- metadata; $6: names of those that withdraw.
SELECT e.learner_id::text, e.event_id::text, e.source, e.source_kind, e.source_event_id, e.event, e.user_id,
    e.occurred_at, e.properties::text, CASE WHEN $5 THEN e.metadata::text END, e.decisions::text
FROM events e
WHERE e.organisation_id = $1 AND e.event_id >= $2 AND ($3::uuid IS NULL OR e.event_id < $3)
    AND e.learner_id IS NOT NULL AND e.status = 'processed'
    AND (e.event = ANY ($4::text[]) OR e.decisions <> '[]'
         OR e.event IN ('lesson.completed', 'lesson.reopened') OR e.properties ? 'completionstate'
         OR e.event = ANY ($6::text[]))
ORDER BY e.learner_id, e.event_id;

-- name: marks
-- What awards of candidates from before the period count against.
SELECT m.learner_id::text, m.rule_id, m.mark, m.occurred_at, m.points
FROM award_marks m
WHERE m.organisation_id = $1 AND m.rule_id = ANY ($3::text[]) AND m.award_id < $2
ORDER BY m.learner_id;

-- name: later_marks
-- The same of awards that earlier events were given only in the period, when they were run again.
SELECT m.learner_id::text, m.rule_id, m.mark, m.occurred_at, m.points
FROM entries e
JOIN events v ON v.organisation_id = $1 AND v.event_id = e.event_id
JOIN award_marks m ON m.organisation_id = $1 AND m.learner_id = v.learner_id AND m.rule_id = e.rule_id
    AND m.award_id = e.entry_id
WHERE e.organisation_id = $1 AND e.entry_id >= $2 AND e.event_id < $2 AND e.kind = 'award'
    AND e.rule_id = ANY ($3::text[])
ORDER BY m.learner_id;

-- name: completions
-- States of modules and other things that were stated last before the period.
SELECT c.learner_id::text, c.source, c.lesson_id, c.state, c.occurred_at, c.sequence
FROM completions c
WHERE c.organisation_id = $1 AND c.event_id < $2
ORDER BY c.learner_id;

-- name: reversals
-- Awards by rules that were taken back in the period: by hand, or by an event if they are from before it; with
-- the earlier ones' events, whose learner is the one after all merges.
SELECT v.learner_id::text, r.entry_id::text, r.event_id::text, e.entry_id::text, e.amount, e.rule_id,
    e.rule_version, e.event_id::text,
    CASE WHEN e.event_id < $2 THEN v.source END, v.source_kind, v.source_event_id, v.event, v.user_id, v.occurred_at, v.properties::text,
    v.metadata::text
FROM entries r
JOIN entries e ON e.organisation_id = $1 AND e.entry_id = r.reverses
JOIN events v ON v.organisation_id = $1 AND v.event_id = e.event_id AND v.learner_id IS NOT NULL
WHERE r.organisation_id = $1 AND r.kind = 'reversal' AND r.reverses IS NOT NULL
    AND r.entry_id >= $2 AND ($3::uuid IS NULL OR r.entry_id < $3)
    AND e.rule_id IS NOT NULL AND e.event_id IS NOT NULL
    AND (r.event_id IS NULL OR (r.event_id >= $2 AND e.event_id < $2))
ORDER BY v.learner_id;

-- name: not_active
-- Learners who are suspended or anonymised now.
SELECT l.learner_id::text FROM learners l
WHERE l.organisation_id = $1 AND l.status <> 'active'
ORDER BY l.learner_id;

-- name: streaks
-- The streaks that learners were last seen to have.
SELECT r.learner_id::text, r.streak_weeks FROM learner_ranks r
WHERE r.organisation_id = $1 AND r.streak_weeks > 0
ORDER BY r.learner_id;

-- name: user_ids
-- How learners are known.
SELECT l.learner_id::text, l.user_id FROM learners l WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[]);
