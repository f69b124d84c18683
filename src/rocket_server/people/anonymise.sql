-- name: lock_events
-- A learner's stored events and those that wait for one of their identities, locked in the order in which all lock
-- them; their ids.
SELECT e.event_id::text AS event_id
FROM events e
WHERE e.organisation_id = $1 AND e.event_id IN (
    SELECT o.event_id FROM events o WHERE o.organisation_id = $1 AND o.learner_id = $2
    UNION ALL
    SELECT w.event_id FROM events w
    WHERE w.organisation_id = $1 AND w.status <> 'processed' AND w.learner_id IS NULL AND w.user_id = ANY ($3::text[])
)
ORDER BY e.event_id
FOR NO KEY UPDATE;

-- name: persons
-- A learner and those who were merged into them, with all that names them.
SELECT l.learner_id::text AS learner_id, l.user_id, l.email, l.name
FROM learners l
WHERE l.organisation_id = $1 AND (l.learner_id = $2 OR l.merged_into = $2)
ORDER BY l.learner_id
FOR NO KEY UPDATE;

-- name: identities_of
-- The identities of a learner, and the addresses that platforms tell of them.
SELECT identity, email FROM identities WHERE organisation_id = $1 AND learner_id = $2 ORDER BY identity;

-- name: forget_learners
-- Removes what names learners.
UPDATE learners
SET user_id = 'anonymised:' || learner_id::text, email = NULL, name = NULL, metadata = NULL, weekly_goal = NULL,
    status = 'anonymised'
WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]);

-- name: forget_identities
-- Removes a learner's identities: who comes again under one of them is somebody new.
DELETE FROM identities WHERE organisation_id = $1 AND learner_id = $2;

-- name: add_identity
-- The one identity that is left, by which administrators reach the sums.
INSERT INTO identities (organisation_id, identity, learner_id) VALUES ($1, $3, $2);

-- name: forget_marks
-- Nothing more is awarded, so nothing has to be counted; what was counted by may name somebody.
DELETE FROM award_marks WHERE organisation_id = $1 AND learner_id = $2;

-- name: forget_completions
-- No completion can be withdrawn any more.
DELETE FROM completions WHERE organisation_id = $1 AND learner_id = $2;

-- name: forget_badges
-- Leaves of badges that they were given, and whether they were taken back.
UPDATE badge_awards SET metadata = NULL, revoked_reason = NULL
WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]) AND (metadata IS NOT NULL OR revoked_reason IS NOT NULL);

-- name: forget_badge_marks
-- Nothing more is given by criteria, so nothing has to be counted.
DELETE FROM badge_marks WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]);

-- name: forget_events
-- Leaves of events when and where something was learned and what it was worth. Of decisions stays what ties them to
-- entries; of texts, the code that begins them.
UPDATE events e
SET user_id = $3, source_event_id = NULL, metadata = '{}', received = NULL,
    status = CASE WHEN e.status = 'held' THEN 'ignored' ELSE e.status END,
    reason = CASE WHEN e.reason ~ '^[a-z_]+(:|$)' THEN split_part(e.reason, ':', 1) END,
    properties = (
        SELECT coalesce(jsonb_object_agg(p.key, p.value), '{}') FROM jsonb_each(e.properties) AS p
        WHERE p.key = ANY ($4::text[]) AND jsonb_typeof(p.value) IN ('string', 'number', 'boolean')
            AND NOT EXISTS (
                SELECT 1 FROM unnest($5::text[]) AS needle
                WHERE position(lower(needle) IN lower(p.value #>> '{}')) > 0)),
    decisions = (
        SELECT coalesce(jsonb_agg(jsonb_set(d.value, '{detail}', (
            SELECT coalesce(jsonb_object_agg(i.key, i.value), '{}') FROM jsonb_each(d.value -> 'detail') AS i
            WHERE i.key IN ('entry_id', 'reverses')
                OR (i.key = 'reason' AND d.value ->> 'outcome' = 'reversed')
        )) ORDER BY d.place), '[]')
        FROM jsonb_array_elements(e.decisions) WITH ORDINALITY AS d (value, place))
WHERE e.organisation_id = $1 AND e.event_id = ANY ($2::uuid[]);

-- name: forget_messages
-- Leaves of messages about a learner only what kind they were and what they were worth; their ids.
UPDATE messages m
SET body = jsonb_build_object(
    'id', m.body -> 'id', 'event', m.body -> 'event', 'user_id', $3::text, 'timestamp', m.body -> 'timestamp',
    'properties', '{}'::jsonb, 'points_awarded', m.body -> 'points_awarded')
WHERE m.organisation_id = $1 AND m.body ->> 'user_id' = ANY ($2::text[])
RETURNING m.event_id::text AS event_id;

-- name: endpoint_ids
-- All endpoints there are.
SELECT endpoint_id::text FROM endpoints WHERE organisation_id = $1;

-- name: forget_answers
-- Removes what receivers answered to deliveries.
UPDATE delivery_attempts SET answer = ''
WHERE organisation_id = $1 AND endpoint_id = ANY ($2::uuid[]) AND delivery_id = ANY ($3::uuid[]) AND answer <> '';

-- name: forget_requests
-- Removes the bodies of logged requests that led to these events or name somebody: a text anywhere, or a platform's
-- own id of them as a word in a request of that platform's source.
UPDATE request_log r SET body = '[anonymised]', reason = NULL, address = NULL
WHERE r.organisation_id = $1 AND (
    r.event_id = ANY ($2::uuid[])
    OR EXISTS (SELECT 1 FROM unnest($3::text[]) AS needle
               WHERE position(lower(needle) IN lower(r.body || ' ' || coalesce(r.reason, ''))) > 0)
    OR EXISTS (SELECT 1 FROM unnest($4::text[], $5::text[]) AS known (source, pattern)
               JOIN sources s ON s.organisation_id = $1 AND s.name = known.source
               WHERE s.source_id = r.source_id AND r.body ~ known.pattern));

-- name: forget_keys
-- Idempotency keys that name somebody, as hashes.
UPDATE idempotency_keys k SET key = 'sha256:' || encode(sha256(convert_to(k.key, 'UTF8')), 'hex')
WHERE k.organisation_id = $1
    AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS needle WHERE position(lower(needle) IN lower(k.key)) > 0);

-- name: begin_erasure
-- Somebody whose traces in what is about others are to be looked for.
INSERT INTO erasures (organisation_id, learner_id, needles, message_id, started_at) VALUES ($1, $2, $3, $4, $5);

-- name: remove_message
-- A message that nobody is told.
DELETE FROM messages WHERE organisation_id = $1 AND event_id = $2;

-- name: erasure_of
-- Whether traces are still looked for.
SELECT finished_at FROM erasures WHERE organisation_id = $1 AND learner_id = $2;
