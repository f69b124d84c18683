-- name: running
-- The next organisations and endpoints with a recovery that isn't finished; read only.
SELECT r.organisation_id::text AS organisation_id, r.endpoint_id::text AS endpoint_id
FROM recoveries r
JOIN endpoints e ON e.organisation_id = r.organisation_id AND e.endpoint_id = r.endpoint_id
WHERE r.finished_at IS NULL AND (r.organisation_id, r.endpoint_id) > ($1::uuid, $2::uuid)
ORDER BY r.organisation_id, r.endpoint_id
LIMIT $3;

-- name: lock
-- An endpoint's running recovery, unless another worker has it, and whether it still waits for transactions that
-- were running when it was asked for.
SELECT r.recovery_id::text AS recovery_id, r.since, r.until, r.up_to_now, r.position::text AS position,
    clock_timestamp() AS now, EXISTS (
        SELECT 1 FROM pg_locks l WHERE l.locktype = 'virtualxid' AND l.virtualxid = ANY (r.waits_for)
    ) AS waits
FROM recoveries r
JOIN endpoints e ON e.organisation_id = r.organisation_id AND e.endpoint_id = r.endpoint_id
WHERE r.organisation_id = $1 AND r.endpoint_id = $2 AND r.finished_at IS NULL
FOR NO KEY UPDATE OF r SKIP LOCKED;

-- name: events
-- The next events after an id and before another, and whether each was processed. Ids begin with the
-- time when an event was received.
SELECT e.event_id::text AS event_id, e.event, e.status = 'processed' AS processed
FROM events e
WHERE e.organisation_id = $1 AND e.event_id > $2 AND e.event_id < $3
ORDER BY e.event_id
LIMIT $4;

-- name: messages
-- The next messages after an id and before another, with the endpoint that each is about.
SELECT m.event_id::text AS event_id, m.event, m.body -> 'properties' ->> 'endpoint_id' AS about
FROM messages m
WHERE m.organisation_id = $1 AND m.event_id > $2 AND m.event_id < $3
ORDER BY m.event_id
LIMIT $4;

-- name: views_of_events
-- What an endpoint's filters ask of events.
SELECT e.event_id::text AS event_id, e.event, e.source, e.user_id, e.occurred_at, e.properties, e.metadata,
    e.points_awarded
FROM events e
WHERE e.organisation_id = $1 AND e.event_id = ANY ($2::uuid[]);

-- name: views_of_messages
-- What an endpoint's filters ask of messages.
SELECT m.event_id::text AS event_id, m.event, m.body, m.created_at
FROM messages m
WHERE m.organisation_id = $1 AND m.event_id = ANY ($2::uuid[]);

-- name: queue
-- Deliveries to an endpoint that it never had, and those that were given up; others are left as they are.
WITH queued AS (
    INSERT INTO deliveries AS d (organisation_id, endpoint_id, delivery_id, event_id, event, due_at)
    SELECT $1, $2, n.delivery_id, n.event_id, n.event, $6
    FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS n (delivery_id, event_id, event)
    ON CONFLICT (organisation_id, endpoint_id, delivery_id) DO UPDATE
    SET status = 'pending', due_at = excluded.due_at, tries = 0, lost = 0, settled_at = NULL
    WHERE d.status = 'exhausted'
    RETURNING 1
)
SELECT count(*) FROM queued;

-- name: advance
-- How far a recovery has come, and when it was finished if it was.
UPDATE recoveries SET position = coalesce($4::uuid, position), queued = queued + $5, finished_at = $6
WHERE organisation_id = $1 AND endpoint_id = $2 AND recovery_id = $3;
