-- name: endpoints
-- The enabled endpoints of an organisation, or the one of an id; those of plugins as far as they are named.
SELECT e.endpoint_id::text AS endpoint_id, e.events, e.filters, o.timezone
FROM endpoints e JOIN organisations o ON o.organisation_id = e.organisation_id
WHERE e.organisation_id = $1 AND CASE WHEN $2::uuid IS NULL THEN e.enabled ELSE e.endpoint_id = $2 END
    AND (e.kind = 'webhook' OR $3::text[] IS NULL OR e.plugin_id = ANY ($3));

-- name: backlog
-- How many deliveries wait (counted up to a bound), and for how many seconds the oldest has been due.
SELECT count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0)::bigint
FROM (SELECT due_at FROM deliveries WHERE status = 'pending' AND due_at <= now() LIMIT 10000) AS due;
