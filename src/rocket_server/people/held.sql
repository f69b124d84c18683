-- name: waiting
-- The next organisations in which events are held.
SELECT o.organisation_id::text AS organisation_id
FROM organisations o
WHERE o.organisation_id > $1 AND EXISTS (
    SELECT 1 FROM events e WHERE e.organisation_id = o.organisation_id AND e.status = 'held'
)
ORDER BY o.organisation_id
LIMIT $2;

-- name: held_identities
-- The next identities, behind one, for which events are held, and whether each is a learner's by now. Goes from one
-- to the next in the index, however many events each has.
WITH RECURSIVE held AS (
    (
        SELECT e.user_id, 1 AS place FROM events e
        WHERE e.organisation_id = $1 AND e.status = 'held' AND e.user_id > $2
        ORDER BY e.user_id LIMIT 1
    )
    UNION ALL
    SELECT following.user_id, h.place + 1
    FROM held h
    CROSS JOIN LATERAL (
        SELECT e.user_id FROM events e
        WHERE e.organisation_id = $1 AND e.status = 'held' AND e.user_id > h.user_id
        ORDER BY e.user_id LIMIT 1
    ) AS following
    WHERE h.place < $3
)
SELECT h.user_id, EXISTS (
    SELECT 1 FROM identities i
    CROSS JOIN LATERAL (
        SELECT l.status FROM learners l WHERE l.organisation_id = $1 AND l.learner_id = i.learner_id LIMIT 1
    ) AS owner
    WHERE i.organisation_id = $1 AND i.identity = h.user_id AND owner.status <> 'anonymised'
) AS is_known
FROM held h
ORDER BY h.place;
