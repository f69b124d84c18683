-- name: merged_from
-- Whose identity it was before a merge brought it to its present learner.
SELECT i.merged_from::text FROM identities i WHERE i.organisation_id = $1 AND i.identity = $2;

-- name: merge_of
-- The merge that took a learner to another.
SELECT c.change_id::text AS merge_id, c.changed_at, c.detail
FROM learner_changes c WHERE c.organisation_id = $1 AND c.other_id = $2;

-- name: lock_events
-- A learner's stored events, locked in the order in which all lock them.
SELECT count(*) FROM (
    SELECT 1 FROM events e WHERE e.organisation_id = $1 AND e.learner_id = $2 ORDER BY e.event_id FOR NO KEY UPDATE
) AS locked;

-- name: lock_learners
-- Two learners, locked in one order for all who do this at once.
SELECT l.learner_id::text AS learner_id, l.email, l.name, l.weekly_goal, l.status, l.merged_into
FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[])
ORDER BY l.learner_id
FOR NO KEY UPDATE;

-- name: mark_merged
-- Says of a learner and of those who were merged into them before, who they turned out to be. Their own e-mail
-- address is given up where the other takes it, and where a platform tells it, which may tell another later.
UPDATE learners l SET merged_into = $3,
    email = CASE WHEN l.learner_id = $2 AND ($4 OR EXISTS (
        SELECT 1 FROM identities i
        WHERE i.organisation_id = $1 AND i.learner_id = $2 AND lower(i.email) = lower(l.email)))
        THEN NULL ELSE l.email END
WHERE organisation_id = $1 AND (learner_id = $2 OR merged_into = $2);

-- name: complete_learner
-- What a learner lacked and the other had.
UPDATE learners SET email = coalesce(email, $3), name = coalesce(name, $4), weekly_goal = coalesce(weekly_goal, $5)
WHERE organisation_id = $1 AND learner_id = $2;

-- name: move_identities
-- Gives all identities of a learner to another.
UPDATE identities SET learner_id = $3, merged_from = coalesce(merged_from, $2)
WHERE organisation_id = $1 AND learner_id = $2
RETURNING identity;

-- name: move_events
-- Gives all events of a learner to another.
UPDATE events SET learner_id = $3 WHERE organisation_id = $1 AND learner_id = $2;

-- name: move_marks
-- Lets what a learner had used of caps count for another.
UPDATE award_marks SET learner_id = $3 WHERE organisation_id = $1 AND learner_id = $2;

-- name: join_completions
-- States of modules: the latest of either counts, with the entries and badges that both completions earned.
INSERT INTO completions AS c (
    organisation_id, learner_id, source, lesson_id, state, occurred_at, sequence, event_id, entry_ids, badge_awards)
SELECT $1, $3, o.source, o.lesson_id, o.state, o.occurred_at, o.sequence, o.event_id, o.entry_ids, o.badge_awards
FROM completions o WHERE o.organisation_id = $1 AND o.learner_id = $2
ON CONFLICT (organisation_id, learner_id, source, lesson_id) DO UPDATE
SET (state, occurred_at, sequence, event_id, entry_ids, badge_awards) = (
    SELECT latest.state, latest.occurred_at, latest.sequence, latest.event_id, c.entry_ids || excluded.entry_ids,
        c.badge_awards || excluded.badge_awards
    FROM (VALUES (c.state, c.occurred_at, c.sequence, c.event_id),
                 (excluded.state, excluded.occurred_at, excluded.sequence, excluded.event_id))
        AS latest (state, occurred_at, sequence, event_id)
    ORDER BY latest.occurred_at DESC, latest.sequence DESC
    LIMIT 1);

-- name: remove_completions
-- Forgets a learner's own states of modules.
DELETE FROM completions WHERE organisation_id = $1 AND learner_id = $2;

-- name: move_badges
-- Gives a learner's badges, those that were revoked included, to another, unless both hold one that is held
-- once; answers which.
UPDATE badge_awards b SET learner_id = $3
WHERE b.organisation_id = $1 AND b.learner_id = $2
    AND NOT (b.status = 'awarded' AND NOT b.repeatable AND EXISTS (
        SELECT 1 FROM badge_awards h
        WHERE h.organisation_id = $1 AND h.learner_id = $3 AND h.badge_id = b.badge_id AND h.status = 'awarded'
            AND NOT h.repeatable))
RETURNING b.badge_id;

-- name: move_badge_marks
-- Lets what a learner's criteria have counted count for another.
INSERT INTO badge_marks (organisation_id, learner_id, counter, mark)
SELECT $1, $3, o.counter, o.mark FROM badge_marks o WHERE o.organisation_id = $1 AND o.learner_id = $2
ON CONFLICT DO NOTHING;

-- name: remove_badge_marks
-- Forgets what a learner's own criteria have counted.
DELETE FROM badge_marks WHERE organisation_id = $1 AND learner_id = $2;

-- name: badges_left
-- Badges that the other held already.
SELECT DISTINCT b.badge_id FROM badge_awards b WHERE b.organisation_id = $1 AND b.learner_id = $2 ORDER BY 1;

-- name: remove_rank
-- Forgets the rank of a learner who has none of their own any more.
DELETE FROM learner_ranks WHERE organisation_id = $1 AND learner_id = $2;
