-- name: fill_learners
-- Learners with one identity each and the account that the filled events leave them with. $2 learners,
-- $3 events; of ten events of a learner eight are awards of two points.
WITH made AS MATERIALIZED (
    SELECT n, md5('learner' || n)::uuid AS learner_id, $3 / $2 + (n < $3 % $2)::integer AS events
    FROM generate_series(0, $2 - 1) AS n
), counted AS (
    SELECT made.*, events / 10 * 8 + least(events % 10, 8) AS awards FROM made
), learner AS (
    INSERT INTO learners (organisation_id, learner_id, user_id)
    SELECT $1, learner_id, 'learner-' || n FROM counted
), identity AS (
    INSERT INTO identities (organisation_id, identity, learner_id)
    SELECT $1, 'learner-' || n, learner_id FROM counted
)
INSERT INTO accounts (organisation_id, account_id, kind, points, earned, spent, entries)
SELECT $1, learner_id, 'learner', 2 * awards, 2 * awards, 0, awards FROM counted;

-- name: fill_events
-- The events numbered from $3 up to, without, $4: their keys, their awards, entries and marks. Ids are UUIDs
-- of version 7, in the order of time, as the server makes them. $2 learners, $5 the time of the first event.
WITH numbered AS (
    SELECT g, g / $2 AS nth, md5('learner' || g % $2)::uuid AS learner_id, g % $2 AS person,
        $5::timestamptz + g * interval '2 seconds' AS occurred_at, md5('event' || g) AS hash
    FROM generate_series($3::bigint, $4::bigint - 1) AS g
), made AS MATERIALIZED (
    SELECT numbered.*, nth % 10 < 8 AS awarded, 'filled-' || g AS source_event_id, 'filled-' || nth AS lesson_id,
        nth / 10 * 8 + nth % 10 + 1 AS number,
        (lpad(to_hex((extract(epoch FROM occurred_at) * 1000)::bigint), 12, '0')
            || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid AS event_id,
        (lpad(to_hex((extract(epoch FROM occurred_at) * 1000)::bigint), 12, '0')
            || '7' || substr(hash, 1, 3) || '9' || substr(hash, 4, 15))::uuid AS entry_id
    FROM numbered
), key AS (
    INSERT INTO event_keys (organisation_id, dedupe_key, event_id)
    SELECT $1, decode(hash, 'hex'), event_id FROM made
), entry AS (
    INSERT INTO entries (organisation_id, entry_id, learner_id, number, kind, from_account, to_account, amount,
        balance_after, event_id, rule_id, rule_version, actor, occurred_at, created_at)
    SELECT $1, entry_id, learner_id, number, 'award', '00000000-0000-7000-8000-000000000001', learner_id, 2,
        2 * number, event_id, 'resource_viewed', 1, 'rules', occurred_at, occurred_at
    FROM made WHERE awarded
), mark AS (
    INSERT INTO award_marks (organisation_id, learner_id, rule_id, mark, occurred_at, award_id, points)
    SELECT $1, learner_id, 'resource_viewed', 'unique:["page","' || lesson_id || '"]', occurred_at, entry_id, 2
    FROM made WHERE awarded
)
INSERT INTO events (organisation_id, event_id, source, source_kind, source_event_id, event, user_id, learner_id,
    occurred_at, received_at, status, points_awarded, properties, metadata, decisions)
SELECT $1, event_id, 'benchmark', 'api', source_event_id,
    CASE WHEN awarded THEN 'resource.viewed' ELSE 'course.viewed' END, 'learner-' || person, learner_id,
    occurred_at, occurred_at, 'processed', CASE WHEN awarded THEN 2 ELSE 0 END,
    jsonb_build_object('course_id', (nth % 60)::text, 'lesson_id', lesson_id, 'module', 'page',
        'object_id', source_event_id, 'attempt_id', source_event_id, 'title', 'Food safety'),
    '{"source": "benchmark"}',
    CASE WHEN awarded THEN jsonb_build_array(jsonb_build_object(
        'rule_id', 'resource_viewed', 'rule_version', 1, 'outcome', 'awarded', 'points', 2,
        'detail', jsonb_build_object('entry_id', entry_id, 'caps', jsonb_build_object(
            'unique_by', jsonb_build_object('used', 1, 'limit', 1)))))
    ELSE '[]' END
FROM made;
