-- name: move_identities
-- Gives identities of a learner to another; returns those that were theirs, with the addresses told of them.
UPDATE identities SET learner_id = $3, merged_from = NULL
WHERE organisation_id = $1 AND learner_id = $2 AND identity = ANY ($4::text[])
RETURNING identity, email;

-- name: addresses_left
-- Addresses that platforms tell of a learner's identities.
SELECT DISTINCT i.email FROM identities i
WHERE i.organisation_id = $1 AND i.learner_id = $2 AND i.email IS NOT NULL ORDER BY 1;

-- name: split_of
-- When and by which note identities of a learner were given to another.
SELECT c.change_id::text AS split_id, c.changed_at
FROM learner_changes c
WHERE c.organisation_id = $1 AND c.learner_id = $2 AND c.action = 'split' AND c.detail ->> 'from' = $3
ORDER BY c.change_id LIMIT 1;

-- name: identities_of
-- The identities of a learner.
SELECT i.identity FROM identities i WHERE i.organisation_id = $1 AND i.learner_id = $2;

-- name: events_left
-- Events of identities that are still stored as a learner's who has these identities no more, above an id; without
-- those of our own that a badge made, which has a chain: they go with what earned the badge.
SELECT e.event_id::text FROM events e
WHERE e.organisation_id = $1 AND e.learner_id = $2 AND e.user_id = ANY ($3::text[])
    AND NOT (e.source_kind = 'rocket' AND e.metadata ? 'chain') AND e.event_id > $4
ORDER BY e.event_id
LIMIT $5;

-- name: events_touched
-- Events of a learner that were decided beside those of another: a cap was reached by both together, or one took back
-- what the other had earned; then all of the learner's events about a module or thing of which one of these, or an
-- event of the other, says something.
WITH beside AS (
    SELECT e.event_id, e.source, e.event, e.properties FROM events e
    WHERE e.organisation_id = $1 AND e.learner_id = $2 AND e.status = 'processed'
        AND NOT (e.source_kind = 'rocket' AND e.metadata ? 'chain')
        AND (EXISTS (
                SELECT 1 FROM jsonb_array_elements(e.decisions) AS d
                WHERE d ->> 'outcome' IN ('cap_reached', 'cooldown', 'already_awarded') AND d ->> 'rule_id' IN (
                    SELECT o ->> 'rule_id' FROM events n CROSS JOIN LATERAL jsonb_array_elements(n.decisions) AS o
                    WHERE n.organisation_id = $1 AND n.learner_id = $3
                        AND o ->> 'outcome' IN ('awarded', 'reversed')))
            OR e.event_id IN (
                SELECT a.event_id FROM events n CROSS JOIN LATERAL jsonb_array_elements(n.decisions) AS o
                JOIN entries a ON a.organisation_id = $1 AND a.entry_id = (o -> 'detail' ->> 'reverses')::uuid
                WHERE n.organisation_id = $1 AND n.learner_id = $3 AND o ->> 'outcome' = 'reversed'))
), things AS (
    SELECT DISTINCT t.source, p.key, p.value
    FROM (
        SELECT b.source, b.event, b.properties FROM beside b
        UNION ALL
        SELECT n.source, n.event, n.properties FROM events n WHERE n.organisation_id = $1 AND n.learner_id = $3
    ) AS t
    CROSS JOIN LATERAL jsonb_each_text(t.properties) AS p
    WHERE p.key = 'lesson_id' OR (t.event, p.key) IN (SELECT * FROM unnest($4::text[], $5::text[]))
)
SELECT b.event_id::text AS event_id FROM beside b
UNION
SELECT e.event_id::text FROM events e
CROSS JOIN LATERAL jsonb_each_text(e.properties) AS p
JOIN things t ON t.source = e.source AND t.key = p.key AND t.value = p.value
WHERE e.organisation_id = $1 AND e.learner_id = $2 AND e.status = 'processed'
        AND NOT (e.source_kind = 'rocket' AND e.metadata ? 'chain')
        AND (p.key = 'lesson_id' OR (e.event, p.key) IN (SELECT * FROM unnest($4::text[], $5::text[])))
ORDER BY event_id
LIMIT $6;

-- name: forget_completions
-- Forgets what events of a learner, or those of another, stated last about a module or thing: those that are the
-- learner's state it anew.
DELETE FROM completions c
WHERE c.organisation_id = $1 AND c.learner_id = $2 AND (c.event_id = ANY ($4::uuid[]) OR EXISTS (
    SELECT 1 FROM events n
    WHERE n.organisation_id = $1 AND n.event_id = c.event_id AND n.learner_id = $3));

-- name: forget_badge_marks
-- Forgets what criteria have counted of a learner; it is counted anew when it is asked for.
DELETE FROM badge_marks WHERE organisation_id = $1 AND learner_id = $2;
