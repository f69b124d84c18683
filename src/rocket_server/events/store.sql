-- name: claim_keys
-- Dedupe keys of events that weren't stored yet, in one order for all who do this at once. Waits for a
-- transaction that is storing the same key and skips the key if that commits.
INSERT INTO event_keys (organisation_id, dedupe_key, event_id)
SELECT $1, new.dedupe_key, new.event_id
FROM unnest($2::bytea[], $3::uuid[]) AS new (dedupe_key, event_id)
ORDER BY new.dedupe_key
ON CONFLICT DO NOTHING
RETURNING dedupe_key;

-- name: find_by_keys
-- The events that are stored under dedupe keys.
SELECT k.dedupe_key, k.event_id::text AS event_id
FROM event_keys k
WHERE k.organisation_id = $1 AND k.dedupe_key = ANY ($2::bytea[]);

-- name: lock
-- Stored events, locked in one order, with all that reading them again needs.
SELECT e.event_id::text AS event_id, e.source, e.source_kind, e.source_event_id, e.event, e.user_id,
    e.learner_id::text AS learner_id, e.occurred_at, e.status, e.reason, e.points_awarded,
    e.properties, e.metadata, e.badges, e.decisions, e.received
FROM events e
WHERE e.organisation_id = $1 AND e.event_id = ANY ($2::uuid[])
ORDER BY e.event_id
FOR NO KEY UPDATE;

-- name: rewrite
-- Stored events after a merge, a release or a new decision.
UPDATE events t
SET event = e.event, user_id = e.user_id, learner_id = e.learner_id, status = e.status, reason = e.reason,
    points_awarded = e.points_awarded, properties = e.properties, metadata = e.metadata,
    decisions = e.decisions::jsonb,
    badges = CASE WHEN e.badges IS NULL THEN NULL ELSE string_to_array(e.badges, chr(31)) END,
    received = e.received
FROM unnest(
    $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::jsonb[], $10::jsonb[],
    $11::text[], $12::text[], $13::jsonb[])
    AS e (event_id, event, user_id, learner_id, status, reason, points_awarded, properties, metadata,
          decisions, badges, received)
WHERE t.organisation_id = $1 AND t.event_id = ANY ($2::uuid[]) AND t.event_id = e.event_id;

-- name: show
-- One event as it is shown.
SELECT e.event_id::text AS event_id, e.source_event_id, e.source, e.status, e.reason, e.event, e.user_id,
    e.occurred_at, e.received_at, e.properties, e.metadata, e.points_awarded, e.badges, e.decisions,
    e.learner_id::text AS learner_id, e.source_kind
FROM events e
WHERE e.organisation_id = $1 AND e.event_id = $2;

-- name: page
-- Events as they are shown, the latest received first, below an id. Every filter that is null lets all pass.
SELECT e.event_id::text AS event_id, e.source_event_id, e.source, e.status, e.reason, e.event, e.user_id,
    e.occurred_at, e.received_at, e.properties, e.metadata, e.points_awarded, e.badges, e.decisions,
    e.learner_id::text AS learner_id, e.source_kind
FROM events e
WHERE e.organisation_id = $1
    AND ($2::uuid IS NULL OR e.event_id < $2)
    AND ($3::uuid IS NULL OR e.learner_id = $3)
    AND ($4::text IS NULL OR e.event = $4)
    AND ($5::text IS NULL OR e.source = $5)
    AND ($6::text IS NULL OR e.status = $6)
    AND ($7::timestamptz IS NULL OR e.occurred_at >= $7)
    AND ($8::timestamptz IS NULL OR e.occurred_at < $8)
ORDER BY e.event_id DESC
LIMIT $9;

-- name: to_retry
-- Ids of events with a status other than processed, received from a time on, the oldest first, above an id.
SELECT e.event_id::text FROM events e
WHERE e.organisation_id = $1 AND e.status = ANY ($2::text[]) AND e.received_at >= $3 AND e.event_id > $4
ORDER BY e.event_id
LIMIT $5;

-- name: held_for
-- Ids of events that wait for identities, the oldest first, above an id.
SELECT e.event_id::text FROM events e
WHERE e.organisation_id = $1 AND e.status = 'held' AND e.user_id = ANY ($2::text[]) AND e.event_id > $3
ORDER BY e.event_id
LIMIT $4;

-- name: suspended
-- Ids of events from a time on that gave nothing because their learner was suspended, above an id.
SELECT e.event_id::text FROM events e
WHERE e.organisation_id = $1 AND e.status = 'processed' AND e.received_at >= $2 AND e.event_id > $3
    AND e.decisions @> '[{"outcome": "suspended"}]'
ORDER BY e.event_id
LIMIT $4;
