-- name: points
-- What was given on each day by each rule, of the latest $4 entries behind an id.
SELECT (e.created_at AT TIME ZONE $2)::date AS day, coalesce(e.rule_id, '') AS rule,
    sum(CASE WHEN e.to_account = e.learner_id THEN e.amount ELSE -e.amount END)::bigint AS points,
    count(*) AS entries, min(e.created_at) AS first_at
FROM (
    SELECT * FROM entries WHERE organisation_id = $1 AND entry_id >= $3 ORDER BY entry_id DESC LIMIT $4
) AS e
GROUP BY 1, 2;

-- name: events
-- What came from each source and what became of it, of the latest $3 events behind an id.
SELECT e.source, e.status, count(*) AS events, count(DISTINCT e.learner_id) AS learners, min(e.received_at) AS first_at
FROM (
    SELECT source, status, learner_id, received_at FROM events
    WHERE organisation_id = $1 AND event_id >= $2 ORDER BY event_id DESC LIMIT $3
) AS e
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: refused
-- Why events weren't used, of the latest $3 with a status behind an id. A reason is a word and, behind a colon, what
-- it was about: the words are counted, and one of the reasons is shown.
SELECT e.status, coalesce(max(e.reason), '') AS reason, count(*) AS events
FROM unnest($4::text[]) AS wanted (status)
CROSS JOIN LATERAL (
    SELECT status, left(reason, 200) AS reason, event_id FROM events
    WHERE organisation_id = $1 AND status = wanted.status AND status <> 'processed' AND event_id >= $2
    ORDER BY event_id DESC LIMIT $3
) AS e
GROUP BY e.status, split_part(e.reason, ':', 1)
ORDER BY 3 DESC
LIMIT 8;

-- name: deliveries
-- How the latest $2 deliveries of each webhook ended.
SELECT d.status, count(*) AS deliveries
FROM (SELECT endpoint_id FROM endpoints WHERE organisation_id = $1 AND kind = 'webhook' LIMIT 50) AS p
CROSS JOIN LATERAL (
    SELECT status FROM deliveries
    WHERE organisation_id = $1 AND endpoint_id = p.endpoint_id ORDER BY delivery_id DESC LIMIT $2
) AS d
GROUP BY 1;

-- name: webhooks
-- Webhooks that fail or were switched off because they failed.
SELECT e.endpoint_id::text AS endpoint_id, e.url, e.disabled_reason, s.failing_since
FROM endpoints e
LEFT JOIN endpoint_states s ON s.organisation_id = $1 AND s.endpoint_id = e.endpoint_id
WHERE e.organisation_id = $1 AND e.kind = 'webhook'
    AND (s.failing_since IS NOT NULL OR e.disabled_reason IN ('gone', 'failing'))
ORDER BY e.endpoint_id
LIMIT 10;

-- name: learners
-- How many learners earned points on a board.
SELECT coalesce(sum(learners), 0)::bigint FROM standing_counts
WHERE organisation_id = $1 AND board = $2 AND width = 256;
