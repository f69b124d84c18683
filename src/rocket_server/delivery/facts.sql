-- name: of_events
-- What is told of events of learners.
SELECT e.event_id::text AS event_id, e.event, e.user_id, e.occurred_at, e.properties, e.points_awarded
FROM events e
WHERE e.organisation_id = $1 AND e.event_id = ANY ($2::uuid[]);

-- name: of_messages
-- What is told of anything else.
SELECT m.event_id::text AS event_id, m.event, m.body, m.created_at
FROM messages m
WHERE m.organisation_id = $1 AND m.event_id = ANY ($2::uuid[]);
