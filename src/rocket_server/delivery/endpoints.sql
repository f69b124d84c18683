-- name: count
-- How many webhooks an organisation has.
SELECT count(*) FROM endpoints WHERE organisation_id = $1 AND kind = 'webhook';

-- name: add
-- A new webhook.
INSERT INTO endpoints (organisation_id, endpoint_id, kind, url, description, events, filters, format, headers, timeout_ms,
    max_attempts, throttle_per_s, enabled, disabled_reason, disabled_at)
VALUES ($1, $2, 'webhook', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    CASE WHEN NOT $12 THEN 'by_hand' END, CASE WHEN NOT $12 THEN now() END);

-- name: add_state
-- The state of a new webhook.
INSERT INTO endpoint_states (organisation_id, endpoint_id) VALUES ($1, $2);

-- name: page
-- Webhooks with their state, the oldest first, above an id.
SELECT e.endpoint_id::text AS endpoint_id, e.url, e.description, e.events, e.filters, e.format, e.headers, e.timeout_ms,
    e.max_attempts, e.throttle_per_s, e.enabled, e.disabled_reason, e.disabled_at, e.created_at,
    coalesce(s.breaker, 'closed') AS breaker, coalesce(s.failures, 0) AS failures, s.retry_at, s.failing_since
FROM endpoints e
LEFT JOIN endpoint_states s ON s.organisation_id = $1 AND s.endpoint_id = e.endpoint_id
WHERE e.organisation_id = $1 AND e.kind = 'webhook' AND ($2::uuid IS NULL OR e.endpoint_id > $2)
ORDER BY e.endpoint_id
LIMIT $3;

-- name: read
-- One webhook with its state.
SELECT e.endpoint_id::text AS endpoint_id, e.url, e.description, e.events, e.filters, e.format, e.headers, e.timeout_ms,
    e.max_attempts, e.throttle_per_s, e.enabled, e.disabled_reason, e.disabled_at, e.created_at,
    coalesce(s.breaker, 'closed') AS breaker, coalesce(s.failures, 0) AS failures, s.retry_at, s.failing_since
FROM endpoints e
LEFT JOIN endpoint_states s ON s.organisation_id = $1 AND s.endpoint_id = $2
WHERE e.organisation_id = $1 AND e.endpoint_id = $2 AND e.kind = 'webhook';

-- name: lock_state
-- Locks a webhook's state, which everybody who locks both locks first.
SELECT 1 FROM endpoint_states WHERE organisation_id = $1 AND endpoint_id = $2 FOR UPDATE;

-- name: lock
-- Locks a webhook, so that changes to it wait for each other.
SELECT 1 FROM endpoints WHERE organisation_id = $1 AND endpoint_id = $2 AND kind = 'webhook' FOR UPDATE;

-- name: hold
-- Keeps a webhook from being deleted until the transaction ends.
SELECT 1 FROM endpoints WHERE organisation_id = $1 AND endpoint_id = $2 AND kind = 'webhook' FOR KEY SHARE;

-- name: change
-- Sets everything of a webhook. Why and since when it is disabled stays where it was so before.
UPDATE endpoints SET url = $3, description = $4, events = $5, filters = $6, format = $7, headers = $8, timeout_ms = $9,
    max_attempts = $10, throttle_per_s = $11, enabled = $12,
    disabled_reason = CASE WHEN NOT $12 THEN coalesce(disabled_reason, 'by_hand') END,
    disabled_at = CASE WHEN NOT $12 THEN coalesce(disabled_at, now()) END
WHERE organisation_id = $1 AND endpoint_id = $2;

-- name: close_breaker
-- A fresh start for a webhook that is enabled by hand.
INSERT INTO endpoint_states (organisation_id, endpoint_id) VALUES ($1, $2)
ON CONFLICT (organisation_id, endpoint_id)
DO UPDATE SET breaker = 'closed', failures = 0, retry_at = NULL, failing_since = NULL, warned_at = NULL;

-- name: remove
-- Removes a webhook.
DELETE FROM endpoints WHERE organisation_id = $1 AND endpoint_id = $2;

-- name: remove_state
-- Removes a webhook's state.
DELETE FROM endpoint_states WHERE organisation_id = $1 AND endpoint_id = $2;

-- name: remove_secrets
-- Removes a webhook's secrets.
DELETE FROM endpoint_secrets WHERE organisation_id = $1 AND endpoint_id = $2;

-- name: remove_recoveries
-- Removes a webhook's recoveries, also one that is running.
DELETE FROM recoveries WHERE organisation_id = $1 AND endpoint_id = $2;

-- name: secrets
-- The secrets of webhooks, the oldest first.
SELECT endpoint_id::text AS endpoint_id, secret_id::text AS secret_id, secret, created_at, retires_at,
    retires_at IS NULL OR retires_at > now() AS active
FROM endpoint_secrets
WHERE organisation_id = $1 AND endpoint_id = ANY ($2::uuid[])
ORDER BY endpoint_id, secret_id;

-- name: add_secret
-- One more secret of a webhook.
INSERT INTO endpoint_secrets (organisation_id, endpoint_id, secret_id, secret) VALUES ($1, $2, $3, $4);

-- name: retire_secrets
-- Ends secrets of a webhook some time from now, unless they end before.
UPDATE endpoint_secrets SET retires_at = least(retires_at, now() + $4::interval)
WHERE organisation_id = $1 AND endpoint_id = $2 AND secret_id = ANY ($3::uuid[]);

-- name: forget_retired
-- Forgets the secrets of a webhook that have retired.
DELETE FROM endpoint_secrets WHERE organisation_id = $1 AND endpoint_id = $2 AND retires_at <= now();

-- name: counts
-- How many deliveries of a webhook wait and how many were given up, both counted up to a bound.
SELECT
    (SELECT count(*) FROM (
        SELECT FROM deliveries WHERE organisation_id = $1 AND endpoint_id = $2 AND status = 'pending' LIMIT $3) AS counted),
    (SELECT count(*) FROM (
        SELECT FROM deliveries WHERE organisation_id = $1 AND endpoint_id = $2 AND status = 'exhausted' LIMIT $3) AS counted);

-- name: last_attempt
-- The last attempt of a webhook among those of its newest deliveries and of those that wait for another try.
SELECT delivery_id::text AS delivery_id, number, started_at, duration_ms, delivered, status, error, answer, next_at, next_reason
FROM (
    (SELECT a.* FROM delivery_attempts a WHERE a.organisation_id = $1 AND a.endpoint_id = $2
     ORDER BY a.delivery_id DESC, a.number DESC LIMIT 200)
    UNION ALL
    (SELECT a.* FROM (
        SELECT d.delivery_id FROM deliveries d
        WHERE d.organisation_id = $1 AND d.endpoint_id = $2 AND d.status = 'pending' ORDER BY d.due_at DESC LIMIT 100
     ) AS waiting
     CROSS JOIN LATERAL (
        SELECT t.* FROM delivery_attempts t
        WHERE t.organisation_id = $1 AND t.endpoint_id = $2 AND t.delivery_id = waiting.delivery_id
        ORDER BY t.number DESC LIMIT 1
     ) AS a)
) AS attempts
ORDER BY started_at DESC
LIMIT 1;

-- name: add_recovery
-- A recovery, unless one of this webhook is running; up to now where $5 is null. It waits for the transactions that
-- run now: they may not know the webhook yet, and store events that the recovery has to find.
INSERT INTO recoveries (organisation_id, endpoint_id, recovery_id, since, until, up_to_now, waits_for)
SELECT $1, $2, $3, $4, coalesce($5, clock_timestamp()), $5 IS NULL, ARRAY(
    SELECT l.virtualxid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
        AND a.datname = current_database() AND a.application_name = 'rocket')
ON CONFLICT (organisation_id, endpoint_id) WHERE finished_at IS NULL DO NOTHING
RETURNING recovery_id::text AS recovery_id, since, until, position::text AS position, queued, created_at, finished_at;

-- name: forget_recoveries
-- Forgets the finished recoveries of a webhook but for the newest.
DELETE FROM recoveries
WHERE organisation_id = $1 AND endpoint_id = $2 AND finished_at IS NOT NULL AND recovery_id <= (
    SELECT r.recovery_id FROM recoveries r
    WHERE r.organisation_id = $1 AND r.endpoint_id = $2 AND r.finished_at IS NOT NULL
    ORDER BY r.recovery_id DESC OFFSET $3 LIMIT 1);

-- name: recoveries
-- Recoveries of a webhook, the newest first, below an id.
SELECT r.recovery_id::text AS recovery_id, r.since, r.until, r.position::text AS position, r.queued, r.created_at,
    r.finished_at
FROM recoveries r
WHERE r.organisation_id = $1 AND r.endpoint_id = $2 AND ($3::uuid IS NULL OR r.recovery_id < $3)
ORDER BY r.recovery_id DESC
LIMIT $4;

-- name: running_recovery
-- The recovery of a webhook that is running.
SELECT recovery_id::text AS recovery_id, since, until, position::text AS position, queued, created_at, finished_at
FROM recoveries WHERE organisation_id = $1 AND endpoint_id = $2 AND finished_at IS NULL;
