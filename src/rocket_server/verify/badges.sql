-- name: awards
-- Awards that disagree with the events that earned them, the events that they made, or the rules that gave them.
-- A badge that both had stays with whom it was given to when they turn out to be one; their events go on. Decisions
-- about those who were anonymised don't name badges any more. What criteria gave stays, whatever becomes of the event
-- that completed them.
SELECT a.award_id::text AS award_id, a.badge_id, a.event_id::text AS event_id,
    CASE
        WHEN own.event_id IS NULL AND a.own_event_id IS NOT NULL THEN 'has no event of its own'
        WHEN own.learner_id <> coalesce(l.merged_into, a.learner_id) THEN 'is another learner''s than its event'
        WHEN a.status = 'awarded' AND own.status <> 'processed' THEN 'stands, but its event doesn''t count'
        WHEN a.status = 'revoked' AND own.status = 'processed' THEN 'was revoked, but its event counts'
        WHEN a.event_id IS NOT NULL AND v.event_id IS NULL THEN 'has no event that earned it'
        WHEN a.status = 'awarded' AND v.learner_id <> coalesce(l.merged_into, a.learner_id)
            THEN 'was earned by another learner''s event'
        WHEN a.status = 'awarded' AND a.cause = 'rule' AND v.status <> 'processed'
            THEN 'stands, but what earned it doesn''t count'
        WHEN a.status = 'awarded' AND a.event_id IS NOT NULL AND NOT coalesce(v.badges, '{}') @> ARRAY[a.badge_id]
            THEN 'isn''t among the badges of the event that earned it'
        WHEN a.status = 'awarded' AND a.cause = 'rule' AND l.status <> 'anonymised'
            AND NOT v.decisions @> jsonb_build_array(jsonb_build_object(
            'outcome', 'awarded', 'detail', jsonb_build_object('badge', a.badge_id, 'badge_status', 'awarded')))
            THEN 'is explained by no decision of the event that earned it'
        WHEN r.rule_id IS NOT NULL AND r.definition -> 'actions' ->> 'issue_badge' IS DISTINCT FROM a.badge_id
            THEN 'was given by a rule that doesn''t give it'
    END AS fault
FROM badge_awards a
LEFT JOIN learners l ON l.organisation_id = $1 AND l.learner_id = a.learner_id
LEFT JOIN events own ON own.organisation_id = $1 AND own.event_id = a.own_event_id
LEFT JOIN events v ON v.organisation_id = $1 AND v.event_id = a.event_id
LEFT JOIN rules r ON r.organisation_id = $1 AND r.rule_id = a.rule_id AND r.version = a.rule_version
WHERE a.organisation_id = $1;

-- name: events_without_award
-- Badges that events say they earned, of which there is no award.
SELECT e.event_id::text AS event_id, named.badge_id
FROM events e
CROSS JOIN LATERAL unnest(e.badges) AS named (badge_id)
WHERE e.organisation_id = $1 AND e.badges IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM badge_awards a
        WHERE a.organisation_id = $1 AND a.event_id = e.event_id AND a.badge_id = named.badge_id)
LIMIT $2;

-- name: held_twice
-- Badges that are given once, and that a learner holds more than once.
SELECT a.learner_id::text AS learner_id, a.badge_id, count(*) AS awards
FROM badge_awards a
WHERE a.organisation_id = $1 AND a.status = 'awarded' AND NOT a.repeatable
GROUP BY a.learner_id, a.badge_id HAVING count(*) > 1
LIMIT $2;

-- name: counted
-- What was counted for criteria of learners above an id, some learners at a time.
SELECT m.learner_id::text AS learner_id, m.counter, array_agg(m.mark) AS marks
FROM badge_marks m
WHERE m.organisation_id = $1 AND m.learner_id IN (
    SELECT DISTINCT n.learner_id FROM badge_marks n
    WHERE n.organisation_id = $1 AND n.learner_id > $2 ORDER BY n.learner_id LIMIT $3)
GROUP BY m.learner_id, m.counter
ORDER BY m.learner_id;
