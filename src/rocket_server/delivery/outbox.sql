-- name: endpoints
-- The enabled endpoints of an organisation, or the one of an id.
SELECT endpoint_id::text AS endpoint_id, events FROM endpoints
WHERE organisation_id = $1 AND CASE WHEN $2::uuid IS NULL THEN enabled ELSE endpoint_id = $2 END;

-- name: backlog
-- How many deliveries wait (counted up to a bound), and for how many seconds the oldest has been due.
SELECT count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0)::bigint
FROM (SELECT due_at FROM deliveries WHERE status = 'pending' AND due_at <= now() LIMIT 10000) AS due;
