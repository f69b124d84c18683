-- name: page
-- Deliveries to one endpoint with the last attempt of each, the newest event first, below an id. Every filter that
-- is null lets all pass; $6 and $7 are ids that begin with a time.
SELECT d.endpoint_id::text AS endpoint_id, d.delivery_id::text AS delivery_id, d.event_id::text AS event_id, d.event,
    d.status, d.due_at, d.leased AND d.due_at > now() AS being_sent, d.attempts, d.tries, d.created_at, d.settled_at,
    a.number, a.started_at, a.duration_ms, a.delivered, a.status AS answered, a.error, a.answer, a.next_at, a.next_reason
FROM deliveries d
LEFT JOIN LATERAL (
    SELECT t.* FROM delivery_attempts t
    WHERE t.organisation_id = $1 AND t.endpoint_id = $2 AND t.delivery_id = d.delivery_id
    ORDER BY t.number DESC LIMIT 1
) AS a ON true
WHERE d.organisation_id = $1 AND d.endpoint_id = $2
    AND ($3::uuid IS NULL OR d.delivery_id < $3)
    AND ($4::text IS NULL OR d.status = $4)
    AND ($5::text IS NULL OR d.event = $5)
    AND ($6::uuid IS NULL OR d.delivery_id >= $6)
    AND ($7::uuid IS NULL OR d.delivery_id < $7)
ORDER BY d.delivery_id DESC
LIMIT $8;

-- name: find
-- A delivery by its id alone, with what is needed of its webhook. Each endpoint's part of the key is probed.
SELECT d.endpoint_id::text AS endpoint_id, d.delivery_id::text AS delivery_id, d.event_id::text AS event_id, d.event,
    d.status, d.due_at, d.leased AND d.due_at > now() AS being_sent, d.attempts, d.tries, d.created_at, d.settled_at,
    e.enabled, e.format
FROM endpoints e
CROSS JOIN LATERAL (
    SELECT t.* FROM deliveries t
    WHERE t.organisation_id = $1 AND t.endpoint_id = e.endpoint_id AND t.delivery_id = $2
) AS d
WHERE e.organisation_id = $1 AND e.kind = 'webhook';

-- name: lock
-- Locks a delivery.
SELECT 1 FROM deliveries WHERE organisation_id = $1 AND endpoint_id = $2 AND delivery_id = $3 FOR UPDATE;

-- name: attempts
-- Attempts of a delivery, the newest first, below a number.
SELECT number, started_at, duration_ms, delivered, status AS answered, error, answer, next_at, next_reason
FROM delivery_attempts
WHERE organisation_id = $1 AND endpoint_id = $2 AND delivery_id = $3 AND ($4::integer IS NULL OR number < $4)
ORDER BY number DESC
LIMIT $5;

-- name: queue_again
-- Makes a delivery due now with all its tries before it. A lease that ended is left to who claims it next.
UPDATE deliveries SET status = 'pending', due_at = now(), tries = 0, lost = 0, settled_at = NULL
WHERE organisation_id = $1 AND endpoint_id = $2 AND delivery_id = $3;

-- name: add_told
-- A message that was sent at once.
INSERT INTO messages (organisation_id, event_id, event, body, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: add_done
-- A delivery with one attempt behind it.
INSERT INTO deliveries (organisation_id, endpoint_id, delivery_id, event_id, event, status, due_at, attempts, tries,
    created_at, settled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 1, $7, now());

-- name: add_attempt
-- The first and only attempt of a delivery that was sent at once.
INSERT INTO delivery_attempts (organisation_id, endpoint_id, delivery_id, number, started_at, duration_ms, delivered,
    status, error, answer, next_reason)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10);
