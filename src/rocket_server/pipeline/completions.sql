-- name: find
-- The latest states of modules and other things for learners; `lesson_id` names the thing.
SELECT c.learner_id::text AS learner_id, c.source, c.lesson_id, c.state, c.occurred_at, c.sequence,
    c.event_id::text AS event_id, c.entry_ids::text[] AS entry_ids, c.badge_awards
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS wanted (learner_id, source, lesson_id)
CROSS JOIN LATERAL (
    SELECT * FROM completions c
    WHERE c.organisation_id = $1 AND c.learner_id = wanted.learner_id
        AND c.source = wanted.source AND c.lesson_id = wanted.lesson_id
    LIMIT 1
) AS c;

-- name: authors
-- Who made things, as their events name them, those of the making before others; things that several made, or that
-- nobody is known for, are left out.
SELECT wanted.number,
    coalesce(min(e.user_id) FILTER (WHERE e.event = wanted.made), min(e.user_id)) AS user_id
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS wanted (source, subject, made, number)
JOIN completions c ON c.organisation_id = $1 AND c.source = wanted.source AND c.lesson_id = wanted.subject
    AND starts_with(c.lesson_id, E'\x1f')
JOIN events e ON e.organisation_id = $1 AND e.event_id = c.event_id AND e.user_id IS NOT NULL
GROUP BY wanted.number
HAVING count(DISTINCT c.learner_id) = 1
    OR count(DISTINCT c.learner_id) FILTER (WHERE e.event = wanted.made) = 1;

-- name: write
-- New latest states.
INSERT INTO completions (
    organisation_id, learner_id, source, lesson_id, state, occurred_at, sequence, event_id, entry_ids,
    badge_awards)
SELECT $1, n.learner_id, n.source, n.lesson_id, n.state, n.occurred_at, n.sequence, n.event_id,
    string_to_array(n.entry_ids, ',')::uuid[], string_to_array(n.badge_awards, ',')
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::uuid[], $9::text[],
    $10::text[])
    AS n (learner_id, source, lesson_id, state, occurred_at, sequence, event_id, entry_ids, badge_awards)
ON CONFLICT (organisation_id, learner_id, source, lesson_id) DO UPDATE
SET state = excluded.state, occurred_at = excluded.occurred_at, sequence = excluded.sequence,
    event_id = excluded.event_id, entry_ids = excluded.entry_ids,
    badge_awards = excluded.badge_awards;

-- name: past
-- Processed events of learners by name, module and the value of a property; the latest of each.
SELECT wanted.number, e.event_id::text AS event_id, e.source_kind, e.source_event_id, e.occurred_at, e.decisions
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    WITH ORDINALITY AS wanted (learner_id, source, event, property, value, module, number)
CROSS JOIN LATERAL (
    SELECT * FROM events e
    WHERE e.organisation_id = $1 AND e.learner_id = wanted.learner_id AND e.source = wanted.source
        AND e.event = wanted.event AND e.status = 'processed'
        AND e.properties ->> wanted.property = wanted.value AND coalesce(e.properties ->> 'module', '') = wanted.module
    ORDER BY e.event_id DESC
    LIMIT $8
) AS e;
