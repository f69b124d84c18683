-- name: next_endpoint
-- The next endpoint after an id that has deliveries, and whether there is (still) such an endpoint.
SELECT d.endpoint_id::text AS endpoint_id,
    EXISTS (SELECT 1 FROM endpoints e WHERE e.organisation_id = $1 AND e.endpoint_id = d.endpoint_id) AS is_there
FROM deliveries d
WHERE d.organisation_id = $1 AND d.endpoint_id > $2
ORDER BY d.endpoint_id
LIMIT 1;

-- name: remove_deliveries
-- Up to $5 of an endpoint's deliveries with the attempts of each, of events before the id $3, that neither came
-- into being nor were to be sent since $4.
WITH old AS MATERIALIZED (
    SELECT d.delivery_id FROM deliveries d
    WHERE d.organisation_id = $1 AND d.endpoint_id = $2 AND d.delivery_id < $3
        AND d.created_at < $4 AND d.due_at < $4
    ORDER BY d.delivery_id LIMIT $5
    FOR UPDATE SKIP LOCKED
), attempts AS (
    DELETE FROM delivery_attempts a
    WHERE a.organisation_id = $1 AND a.endpoint_id = $2 AND a.delivery_id = ANY (ARRAY(SELECT delivery_id FROM old))
), removed AS (
    DELETE FROM deliveries d
    WHERE d.organisation_id = $1 AND d.endpoint_id = $2 AND d.delivery_id = ANY (ARRAY(SELECT delivery_id FROM old))
    RETURNING 1
)
SELECT count(*) FROM removed;

-- name: remove_messages
-- Up to $3 messages before an id.
WITH removed AS (
    DELETE FROM messages m
    WHERE m.organisation_id = $1 AND m.event_id = ANY (ARRAY(
        SELECT o.event_id FROM messages o WHERE o.organisation_id = $1 AND o.event_id < $2
        ORDER BY o.event_id LIMIT $3))
    RETURNING 1
)
SELECT count(*) FROM removed;

-- name: remove_recoveries
-- Recoveries that were finished before a time, and those of endpoints that are there no more.
DELETE FROM recoveries r
WHERE r.organisation_id = $1 AND (
    r.finished_at < $2
    OR NOT EXISTS (
        SELECT 1 FROM endpoints e WHERE e.organisation_id = $1 AND e.endpoint_id = r.endpoint_id));
