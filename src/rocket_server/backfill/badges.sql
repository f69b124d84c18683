-- name: count
-- How many learners an organisation has, without those who were merged into others or made anonymous.
SELECT count(*) FROM learners l
WHERE l.organisation_id = $1 AND l.merged_into IS NULL AND l.status <> 'anonymised';

-- name: next
-- The ids of the next learners behind one.
SELECT l.learner_id::text FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id > $2 AND l.merged_into IS NULL AND l.status <> 'anonymised'
ORDER BY l.learner_id
LIMIT $3;

-- name: active
-- Those of these learners who may be given something.
SELECT l.learner_id::text AS learner_id, l.user_id, l.status, l.email
FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[]) AND l.merged_into IS NULL AND l.status = 'active'
ORDER BY l.learner_id;
