-- name: attempts
-- Events that a rule judged which gives, in one of its versions, for the best of several; beside those with an entry
-- among $2 or an id among $3 for which it gave something: of the same learner and name, and with the same value of the
-- rule's first key that is a property of theirs. The latest of each.
WITH losing AS (
    SELECT n.event_id FROM entries n WHERE n.organisation_id = $1 AND n.entry_id = ANY ($2::uuid[])
    UNION
    SELECT unnest($3::uuid[])
), given AS (
    SELECT DISTINCT e.learner_id, e.event, r.rule_id, named.by, e.properties ->> named.by AS value
    FROM losing l
    JOIN events e ON e.organisation_id = $1 AND e.event_id = l.event_id AND e.learner_id IS NOT NULL
    CROSS JOIN LATERAL jsonb_array_elements(e.decisions) AS d
    JOIN rules r ON r.organisation_id = $1 AND r.rule_id = d ->> 'rule_id'
    LEFT JOIN LATERAL (
        SELECT k.by FROM jsonb_array_elements_text(r.definition -> 'constraints' -> 'unique_by') AS k (by)
        WHERE k.by NOT LIKE '@%' AND k.by NOT LIKE '%.%'
        LIMIT 1
    ) AS named ON true
    WHERE d ->> 'outcome' = 'awarded' AND r.definition @> '{"actions": {"award_points": {"best": true}}}'
)
SELECT g.rule_id, c.event_id::text AS event_id
FROM given g
CROSS JOIN LATERAL (
    SELECT c.event_id FROM events c
    WHERE c.organisation_id = $1 AND c.learner_id = g.learner_id AND c.event = g.event AND c.status = 'processed'
        AND (g.value IS NULL OR c.properties ->> g.by = g.value)
        AND c.decisions @> jsonb_build_array(jsonb_build_object('rule_id', g.rule_id))
    ORDER BY c.event_id DESC
    LIMIT $4
) AS c;

-- name: withdrawing
-- Processed events of learners by the value of a property, with one of some names; the latest of each.
SELECT e.event_id::text AS event_id, e.learner_id::text AS learner_id, e.source, e.source_kind, e.source_event_id,
    e.event, e.user_id, e.occurred_at, e.properties, e.metadata
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS wanted (learner_id, source, property, value)
CROSS JOIN LATERAL (
    SELECT * FROM events e
    WHERE e.organisation_id = $1 AND e.learner_id = wanted.learner_id AND e.source = wanted.source
        AND e.event = ANY ($6::text[]) AND e.status = 'processed' AND e.properties ->> wanted.property = wanted.value
    ORDER BY e.event_id DESC
    LIMIT $7
) AS e;
