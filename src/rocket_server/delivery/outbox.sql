-- name: endpoints
-- The enabled endpoints of an organisation, or the one of an id; those of plugins as far as a worker has them.
SELECT e.endpoint_id::text AS endpoint_id, e.events, e.filters, o.timezone
FROM endpoints e JOIN organisations o ON o.organisation_id = e.organisation_id
WHERE e.organisation_id = $1 AND CASE WHEN $2::uuid IS NULL THEN e.enabled ELSE e.endpoint_id = $2 END
    AND e.installed;

-- name: add_missing
-- Deliveries, as far as they aren't there already.
INSERT INTO deliveries (organisation_id, endpoint_id, delivery_id, event_id, event)
SELECT $1, n.endpoint_id, n.delivery_id, n.event_id, n.event
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) AS n (endpoint_id, delivery_id, event_id, event)
ORDER BY n.endpoint_id, n.delivery_id
ON CONFLICT (organisation_id, endpoint_id, delivery_id) DO NOTHING;

-- name: backlog
-- How many deliveries of enabled endpoints wait (counted up to a bound), and for how many seconds the oldest of
-- all has been due. Each endpoint's own part of the index answers for it.
SELECT (
    SELECT count(*) FROM (
        SELECT 1
        FROM endpoints e
        CROSS JOIN LATERAL (
            SELECT 1 FROM deliveries d
            WHERE d.organisation_id = e.organisation_id AND d.endpoint_id = e.endpoint_id
                AND d.status = 'pending' AND d.due_at <= now()
            LIMIT 10000
        ) AS due
        WHERE e.enabled AND e.installed
        LIMIT 10000
    ) AS bounded
),
coalesce(extract(epoch FROM now() - (
    SELECT min((
        SELECT d.due_at FROM deliveries d
        WHERE d.organisation_id = e.organisation_id AND d.endpoint_id = e.endpoint_id
            AND d.status = 'pending' AND d.due_at <= now()
        ORDER BY d.due_at LIMIT 1
    ))
    FROM endpoints e WHERE e.enabled AND e.installed
)), 0)::bigint;
