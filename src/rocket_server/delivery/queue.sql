-- name: due
-- The next endpoints of all organisations that have work now and may be called; read only.
-- Each is looked at by itself: the earliest delivery of its own part of the index says whether it has work.
SELECT organisation_id::text AS organisation_id, endpoint_id::text AS endpoint_id, failures
FROM (
    SELECT e.organisation_id, e.endpoint_id, s.failures, (
            SELECT d.due_at FROM deliveries d
            WHERE d.organisation_id = e.organisation_id AND d.endpoint_id = e.endpoint_id AND d.status = 'pending'
            ORDER BY d.due_at LIMIT 1
        ) AS due_at
    FROM endpoints e
    JOIN endpoint_states s ON s.organisation_id = e.organisation_id AND s.endpoint_id = e.endpoint_id
    WHERE e.enabled AND (e.organisation_id, e.endpoint_id) > ($3::uuid, $4::uuid)
        AND (s.retry_at IS NULL OR s.retry_at <= now())
        AND (s.throttle_at IS NULL OR s.throttle_at <= now() + $1::interval)
        AND (e.kind = 'webhook' OR e.plugin_id = ANY ($2::text[]))
) AS open
WHERE due_at <= now()
ORDER BY open.organisation_id, open.endpoint_id
LIMIT $5;

-- name: look_at_one
-- The state of one enabled endpoint, and what claims from it must know.
SELECT s.breaker, s.failures, s.retry_at, s.throttle_at, e.throttle_per_s, e.timeout_ms, clock_timestamp() AS now,
    (SELECT o.version FROM organisations o WHERE o.organisation_id = $1) AS version
FROM endpoint_states s
JOIN endpoints e ON e.organisation_id = s.organisation_id AND e.endpoint_id = s.endpoint_id
WHERE s.organisation_id = $1 AND s.endpoint_id = $2 AND e.enabled;

-- name: lock_one
-- As `look_at_one`, locked: for claims that leave something in the state.
SELECT s.breaker, s.failures, s.retry_at, s.throttle_at, e.throttle_per_s, e.timeout_ms, clock_timestamp() AS now,
    (SELECT o.version FROM organisations o WHERE o.organisation_id = $1) AS version
FROM endpoint_states s
JOIN endpoints e ON e.organisation_id = s.organisation_id AND e.endpoint_id = s.endpoint_id
WHERE s.organisation_id = $1 AND s.endpoint_id = $2 AND e.enabled
FOR NO KEY UPDATE OF s;

-- name: claim
-- Up to $5 due deliveries of one endpoint, the longest due first, leased from $3 until $4.
WITH due AS MATERIALIZED (
    SELECT c.delivery_id FROM deliveries c
    WHERE c.organisation_id = $1 AND c.endpoint_id = $2 AND c.status = 'pending' AND c.due_at <= $3
    ORDER BY c.due_at LIMIT $5
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE deliveries d
SET attempts = d.attempts + 1, lost = least(d.lost + d.leased::int, 1000), leased = true, due_at = $4
WHERE d.organisation_id = $1 AND d.endpoint_id = $2 AND d.delivery_id = ANY (ARRAY(SELECT delivery_id FROM due))
RETURNING d.delivery_id::text AS delivery_id, d.event_id::text AS event_id, d.event, d.attempts, d.tries,
    d.created_at, d.lost;

-- name: passed
-- What breaker and throttle of one endpoint are to remember of deliveries that they let pass.
UPDATE endpoint_states SET breaker = $3, retry_at = $4, throttle_at = $5
WHERE organisation_id = $1 AND endpoint_id = $2;

-- name: give_back
-- Ends leases of deliveries that were claimed and not sent: they are due, and nothing was tried.
UPDATE deliveries d SET leased = false, due_at = clock_timestamp()
FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS held (endpoint_id, delivery_id, attempt)
WHERE d.organisation_id = $1 AND d.endpoint_id = held.endpoint_id AND d.delivery_id = held.delivery_id
    AND d.attempts = held.attempt AND d.leased;
