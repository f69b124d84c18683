-- name: running
-- The next organisations in which traces of somebody are looked for, or a receiver is still to be told.
SELECT organisation_id::text FROM erasures
WHERE finished_at IS NULL AND organisation_id > $1
GROUP BY organisation_id
ORDER BY organisation_id
LIMIT $2;

-- name: claim
-- The oldest erasure with something left to look through, locked; nothing where another process has it.
SELECT organisation_id::text AS organisation_id, learner_id::text AS learner_id, needles, phase,
    position::text AS position, message_id::text AS message_id
FROM erasures
WHERE organisation_id = $1 AND finished_at IS NULL AND phase <> 'told'
ORDER BY started_at
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: claim_told
-- Erasures that only wait until receivers were told, locked, except those that another process has.
SELECT organisation_id::text AS organisation_id, learner_id::text AS learner_id, message_id::text AS message_id,
    started_at
FROM erasures
WHERE organisation_id = $1 AND finished_at IS NULL AND phase = 'told'
ORDER BY started_at
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: finish
-- The last trace is removed.
UPDATE erasures SET finished_at = $3 WHERE organisation_id = $1 AND learner_id = $2;

-- name: endpoint_ids
-- All endpoints there are.
SELECT endpoint_id::text FROM endpoints WHERE organisation_id = $1;

-- name: go_on
-- How far an erasure has come.
UPDATE erasures SET phase = $3, position = $4, needles = $5
WHERE organisation_id = $1 AND learner_id = $2;

-- name: end_of_events
-- The last id of the next events.
SELECT event_id::text FROM (
    SELECT event_id FROM events
    WHERE organisation_id = $1 AND ($2::uuid IS NULL OR event_id > $2) ORDER BY event_id LIMIT $3) AS next
ORDER BY event_id DESC LIMIT 1;

-- name: events
-- Of the next events, those with a text, or with a platform's own id of somebody.
SELECT event_id::text AS event_id, source, properties, metadata, received
FROM events e
WHERE organisation_id = $1 AND ($2::uuid IS NULL OR event_id > $2) AND event_id <= $3
    AND (e.source || ':' || (e.properties ->> 'actor_id') = ANY ($5::text[])
         OR e.source || ':' || (e.properties ->> 'related_user_id') = ANY ($5::text[])
         OR e.source || ':' || (e.metadata ->> 'real_user_id') = ANY ($5::text[])
         OR EXISTS (
            SELECT 1 FROM unnest($4::text[]) AS needle
            WHERE position(lower(needle) IN lower(concat_ws(' ', e.properties, e.metadata, e.received))) > 0))
ORDER BY event_id
FOR NO KEY UPDATE;

-- name: write_events
-- Events without what named somebody.
UPDATE events e SET properties = n.properties, metadata = n.metadata, received = n.received
FROM unnest($2::uuid[], $3::jsonb[], $4::jsonb[], $5::jsonb[]) AS n (event_id, properties, metadata, received)
WHERE e.organisation_id = $1 AND e.event_id = ANY ($2::uuid[]) AND e.event_id = n.event_id;

-- name: end_of_messages
-- The last id of the next messages.
SELECT event_id::text FROM (
    SELECT event_id FROM messages
    WHERE organisation_id = $1 AND ($2::uuid IS NULL OR event_id > $2) ORDER BY event_id LIMIT $3) AS next
ORDER BY event_id DESC LIMIT 1;

-- name: messages
-- Of the next messages, those with a text, except the one that says whom to forget.
SELECT event_id::text AS event_id, body
FROM messages m
WHERE organisation_id = $1 AND ($2::uuid IS NULL OR event_id > $2) AND event_id <= $3
    AND event_id IS DISTINCT FROM $5
    AND EXISTS (SELECT 1 FROM unnest($4::text[]) AS needle WHERE position(lower(needle) IN lower(m.body::text)) > 0)
ORDER BY event_id
FOR NO KEY UPDATE;

-- name: write_messages
-- Messages without what named somebody.
UPDATE messages m SET body = n.body
FROM unnest($2::uuid[], $3::jsonb[]) AS n (event_id, body)
WHERE m.organisation_id = $1 AND m.event_id = ANY ($2::uuid[]) AND m.event_id = n.event_id;

-- name: end_of_notes
-- The last id of the next notes.
SELECT entry_id::text FROM (
    SELECT entry_id FROM entry_notes
    WHERE organisation_id = $1 AND ($2::uuid IS NULL OR entry_id > $2) ORDER BY entry_id LIMIT $3) AS next
ORDER BY entry_id DESC LIMIT 1;

-- name: notes
-- Of the next notes, those with a text.
SELECT entry_id::text AS entry_id, reason, metadata
FROM entry_notes n
WHERE organisation_id = $1 AND ($2::uuid IS NULL OR entry_id > $2) AND entry_id <= $3
    AND EXISTS (SELECT 1 FROM unnest($4::text[]) AS needle
                WHERE position(lower(needle) IN lower(concat_ws(' ', n.reason, n.metadata))) > 0)
ORDER BY entry_id
FOR NO KEY UPDATE;

-- name: write_notes
-- Notes without what named somebody.
UPDATE entry_notes e SET reason = n.reason, metadata = n.metadata
FROM unnest($2::uuid[], $3::text[], $4::jsonb[]) AS n (entry_id, reason, metadata)
WHERE e.organisation_id = $1 AND e.entry_id = ANY ($2::uuid[]) AND e.entry_id = n.entry_id;

-- name: still_told
-- Whether a message still waits to be delivered.
SELECT EXISTS (
    SELECT 1 FROM deliveries
    WHERE organisation_id = $1 AND endpoint_id = ANY ($2::uuid[]) AND delivery_id = ANY ($3::uuid[])
        AND status = 'pending');

-- name: forget_told
-- Leaves of the message that said whom to forget only that it was sent.
UPDATE messages SET body = jsonb_build_object(
    'id', body -> 'id', 'event', body -> 'event', 'user_id', $3::text, 'timestamp', body -> 'timestamp',
    'properties', '{}'::jsonb, 'points_awarded', 0)
WHERE organisation_id = $1 AND event_id = $2;
