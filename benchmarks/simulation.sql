-- name: fill_learners
-- Learners with one identity each and the account that the filled events leave them with. $2 learners,
-- $3 events; of ten events of a learner seven are awards, 43 points together.
WITH made AS MATERIALIZED (
    SELECT n, md5('learner' || n)::uuid AS learner_id, $3 / $2 + (n < $3 % $2)::integer AS events
    FROM generate_series(0, $2 - 1) AS n
), counted AS (
    SELECT made.*, events / 10 * 7 + (ARRAY[0, 1, 2, 3, 4, 5, 6, 6, 6, 7])[events % 10 + 1] AS awards,
        events / 10 * 43 + (ARRAY[0, 2, 4, 6, 8, 18, 23, 23, 23, 43])[events % 10 + 1] AS points
    FROM made
), learner AS (
    INSERT INTO learners (organisation_id, learner_id, user_id)
    SELECT $1, learner_id, 'learner-' || n FROM counted
), identity AS (
    INSERT INTO identities (organisation_id, identity, learner_id)
    SELECT $1, 'learner-' || n, learner_id FROM counted
)
INSERT INTO accounts (organisation_id, account_id, kind, points, earned, spent, entries)
SELECT $1, learner_id, 'learner', points, points, 0, awards FROM counted;

-- name: fill_events
-- The events numbered from $3 up to, without, $4, with all that the default rules make of them. $2 learners, $5
-- the time of the first event. Of ten events of a learner four are pages opened for the first time, then come a
-- completed lesson, a post, two pages opened again, a quiz and a view of the course that no rule hears.
WITH numbered AS (
    SELECT g, g / $2 AS nth, (g / $2 % 10)::integer AS kind, md5('learner' || g % $2)::uuid AS learner_id,
        g % $2 AS person, $5::timestamptz + g * interval '2 seconds' AS occurred_at, md5('event' || g) AS hash
    FROM generate_series($3::bigint, $4::bigint - 1) AS g
), made AS MATERIALIZED (
    SELECT numbered.*, kind NOT IN (6, 7, 9) AS awarded, 'simulated-' || g AS source_event_id,
        'page-' || CASE WHEN kind IN (6, 7) THEN nth - 6 ELSE nth END AS lesson_id,
        (ARRAY['resource.viewed', 'resource.viewed', 'resource.viewed', 'resource.viewed', 'lesson.completed',
               'forum.posted', 'resource.viewed', 'resource.viewed', 'quiz.completed', 'course.viewed'])[kind + 1] AS event,
        (ARRAY['resource_viewed', 'resource_viewed', 'resource_viewed', 'resource_viewed', 'lesson_completed',
               'forum_posted', 'resource_viewed', 'resource_viewed', 'quiz_completed', NULL])[kind + 1] AS rule_id,
        (ARRAY[2, 2, 2, 2, 10, 5, 0, 0, 20, 0])[kind + 1] AS points,
        nth / 10 * 7 + (ARRAY[1, 2, 3, 4, 5, 6, 0, 0, 7, 0])[kind + 1] AS number,
        nth / 10 * 43 + (ARRAY[2, 4, 6, 8, 18, 23, 0, 0, 43, 0])[kind + 1] AS balance,
        (lpad(to_hex((extract(epoch FROM occurred_at) * 1000)::bigint), 12, '0')
            || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid AS event_id,
        (lpad(to_hex((extract(epoch FROM occurred_at) * 1000)::bigint), 12, '0')
            || '7' || substr(hash, 1, 3) || '9' || substr(hash, 4, 15))::uuid AS entry_id
    FROM numbered
), marked AS (
    SELECT made.*, CASE kind WHEN 5 THEN '' WHEN 4 THEN 'lesson:' || lesson_id
        WHEN 8 THEN 'unique:["' || source_event_id || '"]' ELSE 'unique:["page","' || lesson_id || '"]' END AS mark
    FROM made
), key AS (
    INSERT INTO event_keys (organisation_id, dedupe_key, event_id)
    SELECT $1, decode(hash, 'hex'), event_id FROM made
), entry AS (
    INSERT INTO entries (organisation_id, entry_id, learner_id, number, kind, from_account, to_account, amount,
        balance_after, event_id, rule_id, rule_version, actor, occurred_at, created_at)
    SELECT $1, entry_id, learner_id, number, 'award', '00000000-0000-7000-8000-000000000001', learner_id, points,
        balance, event_id, rule_id, 1, 'rules', occurred_at, occurred_at
    FROM made WHERE awarded
), mark AS (
    INSERT INTO award_marks (organisation_id, learner_id, rule_id, mark, occurred_at, award_id, points)
    SELECT $1, learner_id, rule_id, mark, occurred_at, entry_id, points FROM marked WHERE awarded
), completion AS (
    INSERT INTO completions (organisation_id, learner_id, source, lesson_id, state, occurred_at, sequence,
        event_id, entry_ids)
    SELECT $1, learner_id, 'benchmark', lesson_id, 'completed', occurred_at, 0, event_id, ARRAY[entry_id]
    FROM made WHERE kind = 4
)
INSERT INTO events (organisation_id, event_id, source, source_kind, source_event_id, event, user_id, learner_id,
    occurred_at, received_at, status, points_awarded, properties, metadata, decisions)
SELECT $1, event_id, 'benchmark', 'api', source_event_id, event, 'learner-' || person, learner_id,
    occurred_at, occurred_at, 'processed', points,
    jsonb_build_object('course_id', (nth % 60)::text, 'lesson_id', lesson_id, 'module', 'page',
        'object_id', source_event_id, 'attempt_id', source_event_id, 'title', 'Food safety'),
    '{"source": "benchmark"}',
    CASE
        WHEN awarded THEN jsonb_build_array(jsonb_build_object(
            'rule_id', rule_id, 'rule_version', 1, 'outcome', 'awarded', 'points', points,
            'detail', jsonb_build_object('entry_id', entry_id, 'caps', jsonb_build_object(
                CASE kind WHEN 5 THEN 'max_per_day' ELSE 'unique_by' END, jsonb_build_object(
                    'used', 1, 'limit', CASE kind WHEN 5 THEN 3 ELSE 1 END)))))
        WHEN rule_id IS NOT NULL THEN jsonb_build_array(jsonb_build_object(
            'rule_id', rule_id, 'rule_version', 1, 'outcome', 'already_awarded', 'points', 0,
            'detail', '{"constraint": "unique_by", "limit": 1, "used": 1, "since": null, "until": null}'::jsonb))
        ELSE '[]' END
FROM marked;
