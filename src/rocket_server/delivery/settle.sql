-- name: lock
-- The states of endpoints, locked in one order, and what settling must know of them.
SELECT s.endpoint_id::text AS endpoint_id, s.breaker, s.failures, s.retry_at, s.failing_since, s.warned_at,
    e.max_attempts, e.enabled, e.url, e.plugin_id, clock_timestamp() AS now
FROM endpoint_states s
JOIN endpoints e ON e.organisation_id = s.organisation_id AND e.endpoint_id = s.endpoint_id
WHERE s.organisation_id = $1 AND s.endpoint_id = ANY ($2::uuid[])
ORDER BY s.endpoint_id
FOR NO KEY UPDATE OF s;

-- name: settle
-- Ends claims, where nobody claimed the delivery later. Answers those that it ended.
UPDATE deliveries d
SET status = n.status, due_at = coalesce(n.due_at, d.due_at), leased = false, lost = 0, tries = d.tries + n.tries,
    settled_at = CASE WHEN n.status = 'pending' THEN NULL ELSE $8::timestamptz END
FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7::smallint[])
    AS n (endpoint_id, delivery_id, attempt, status, due_at, tries)
WHERE d.organisation_id = $1 AND d.endpoint_id = n.endpoint_id AND d.delivery_id = n.delivery_id
    AND d.attempts = n.attempt AND d.leased
RETURNING d.delivery_id::text;

-- name: log
-- Attempts, as they ended. One that is there already came in a transaction that seemed to be lost.
INSERT INTO delivery_attempts (
    organisation_id, endpoint_id, delivery_id, number, started_at, duration_ms, delivered, status, error, answer,
    next_at, next_reason)
SELECT $1, n.*
FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::timestamptz[], $6::integer[], $7::boolean[], $8::smallint[],
    $9::text[], $10::text[], $11::timestamptz[], $12::text[]) AS n
ON CONFLICT DO NOTHING;

-- name: write_states
-- The states of endpoints after attempts.
UPDATE endpoint_states s
SET breaker = n.breaker, failures = n.failures, retry_at = n.retry_at, failing_since = n.failing_since,
    warned_at = n.warned_at
FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
    AS n (endpoint_id, breaker, failures, retry_at, failing_since, warned_at)
WHERE s.organisation_id = $1 AND s.endpoint_id = n.endpoint_id;

-- name: disable
-- Disables endpoints that are enabled.
UPDATE endpoints e SET enabled = false, disabled_reason = n.reason, disabled_at = $4
FROM unnest($2::uuid[], $3::text[]) AS n (endpoint_id, reason)
WHERE e.organisation_id = $1 AND e.endpoint_id = n.endpoint_id AND e.enabled;
