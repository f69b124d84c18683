-- name: known
-- An organisation's rows that stand for subscriptions of plugins.
SELECT plugin_id, events, timeout_ms, max_attempts, installed
FROM endpoints
WHERE organisation_id = $1 AND kind = 'plugin' AND plugin_id = ANY ($2::text[]);

-- name: add
-- Rows for subscriptions of plugins, with the state that an endpoint has; how many were new. Where some were,
-- every process hears that what it remembers of the organisation is stale.
WITH added AS (
    INSERT INTO endpoints (
        organisation_id, endpoint_id, kind, plugin_id, description, events, format, timeout_ms, max_attempts)
    SELECT $1, n.endpoint_id, 'plugin', n.plugin_id, n.description,
        ARRAY(SELECT jsonb_array_elements_text(n.events::jsonb)), 'assessment', n.timeout_ms, n.max_attempts
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::smallint[])
        AS n (endpoint_id, plugin_id, description, events, timeout_ms, max_attempts)
    ON CONFLICT DO NOTHING
    RETURNING endpoint_id
), states AS (
    INSERT INTO endpoint_states (organisation_id, endpoint_id) SELECT $1, endpoint_id FROM added
    ON CONFLICT DO NOTHING
), told AS (
    UPDATE organisations SET version = version + 1 WHERE organisation_id = $1 AND EXISTS (SELECT FROM added)
)
SELECT count(*) FROM added;

-- name: uninstall
-- Plugins of an organisation that no worker has had for a time get no deliveries any more.
UPDATE endpoints e SET installed = false
WHERE e.organisation_id = $1 AND e.kind = 'plugin' AND e.installed AND NOT e.plugin_id = ANY ($2::text[])
    AND NOT EXISTS (
        SELECT 1 FROM plugin_installations i WHERE i.plugin_id = e.plugin_id AND i.seen_at > now() - $3::interval)
RETURNING e.plugin_id;

-- name: tell
-- Every process hears that what it remembers of an organisation is stale.
UPDATE organisations SET version = version + 1 WHERE organisation_id = $1;

-- name: seen
-- A worker has these plugins now.
INSERT INTO plugin_installations (plugin_id, seen_at)
SELECT plugin_id, now() FROM unnest($1::text[]) AS n (plugin_id)
ON CONFLICT (plugin_id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: due
-- The next organisations that lack a row of these plugins, or have one of a plugin that no worker has had for a time.
SELECT o.organisation_id::text FROM organisations o
WHERE o.organisation_id > $3 AND ((
    SELECT count(*) FROM endpoints e
    WHERE e.organisation_id = o.organisation_id AND e.kind = 'plugin' AND e.plugin_id = ANY ($1::text[])
        AND e.installed
) < cardinality($1::text[]) OR EXISTS (
    SELECT 1 FROM endpoints e
    WHERE e.organisation_id = o.organisation_id AND e.kind = 'plugin' AND e.installed
        AND NOT e.plugin_id = ANY ($1::text[]) AND NOT EXISTS (
            SELECT 1 FROM plugin_installations i
            WHERE i.plugin_id = e.plugin_id AND i.seen_at > now() - $2::interval)
))
ORDER BY o.organisation_id
LIMIT $4;

-- name: change
-- What subscriptions of plugins ask for now. Whether they are enabled stays.
UPDATE endpoints e
SET description = n.description, events = ARRAY(SELECT jsonb_array_elements_text(n.events::jsonb)),
    timeout_ms = n.timeout_ms, max_attempts = n.max_attempts, installed = true
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::smallint[])
    AS n (endpoint_id, plugin_id, description, events, timeout_ms, max_attempts)
WHERE e.organisation_id = $1 AND e.endpoint_id = n.endpoint_id;

-- name: states
-- How an organisation's subscriptions stand; what waits and what was given up is counted up to a bound.
SELECT e.endpoint_id::text AS endpoint_id, e.plugin_id, e.enabled, e.disabled_reason, s.failing_since, (
        SELECT count(*) FROM (
            SELECT FROM deliveries d
            WHERE d.organisation_id = e.organisation_id AND d.endpoint_id = e.endpoint_id AND d.status = 'pending'
            LIMIT 10000
        ) AS counted
    ) AS waiting, (
        SELECT count(*) FROM (
            SELECT FROM deliveries d
            WHERE d.organisation_id = e.organisation_id AND d.endpoint_id = e.endpoint_id
                AND d.status = 'exhausted'
            LIMIT 10000
        ) AS counted
    ) AS exhausted
FROM endpoints e
LEFT JOIN endpoint_states s ON s.organisation_id = e.organisation_id AND s.endpoint_id = e.endpoint_id
WHERE e.organisation_id = $1 AND e.kind = 'plugin' AND e.plugin_id = ANY ($2::text[]);

-- name: failures
-- Which lines the failed ones of each endpoint's latest attempts begin with, how often, and the last of each.
SELECT latest.endpoint_id::text AS endpoint_id, split_part(line.said, ': ', 1) AS label,
    count(DISTINCT (latest.delivery_id, latest.number)) AS failures, max(latest.started_at) AS last_at,
    (array_agg(latest.error ORDER BY latest.started_at DESC))[1] AS last_error,
    (array_agg(line.said ORDER BY latest.started_at DESC))[1] AS last_said
FROM unnest($2::uuid[]) AS wanted (endpoint_id)
CROSS JOIN LATERAL (
    SELECT a.endpoint_id, a.delivery_id, a.number, a.started_at, a.delivered, a.error, a.answer
    FROM delivery_attempts a
    WHERE a.organisation_id = $1 AND a.endpoint_id = wanted.endpoint_id
    ORDER BY a.delivery_id DESC, a.number DESC
    LIMIT $3
) AS latest
CROSS JOIN LATERAL regexp_split_to_table(latest.answer, E'\n') AS line (said)
WHERE NOT latest.delivered
GROUP BY latest.endpoint_id, split_part(line.said, ': ', 1);

-- name: failed_attempts
-- How many of each endpoint's latest attempts failed.
SELECT wanted.endpoint_id::text AS endpoint_id, count(*) FILTER (WHERE NOT latest.delivered) AS failures
FROM unnest($2::uuid[]) AS wanted (endpoint_id)
CROSS JOIN LATERAL (
    SELECT a.delivered
    FROM delivery_attempts a
    WHERE a.organisation_id = $1 AND a.endpoint_id = wanted.endpoint_id
    ORDER BY a.delivery_id DESC, a.number DESC
    LIMIT $3
) AS latest
GROUP BY wanted.endpoint_id;

-- name: switch
-- Enables or disables subscriptions by hand; those that changed.
UPDATE endpoints
SET enabled = $3, disabled_reason = CASE WHEN $3 THEN NULL ELSE 'by_hand' END,
    disabled_at = CASE WHEN $3 THEN NULL ELSE now() END
WHERE organisation_id = $1 AND kind = 'plugin' AND plugin_id = ANY ($2::text[])
    AND (enabled <> $3 OR (NOT $3 AND disabled_reason <> 'by_hand'))
RETURNING endpoint_id::text;

-- name: forgive
-- An endpoint that is enabled by hand begins as a new one.
UPDATE endpoint_states
SET breaker = 'closed', failures = 0, retry_at = NULL, failing_since = NULL, warned_at = NULL
WHERE organisation_id = $1 AND endpoint_id = ANY ($2::uuid[]);
