-- name: lock
-- A learner's attempts, locked in the order in which all lock them.
SELECT count(*) FROM (
    SELECT 1 FROM assessment_attempts a WHERE a.organisation_id = $1 AND a.learner_id = $2
    ORDER BY a.attempt_id FOR NO KEY UPDATE
) AS locked;

-- name: beside
-- A learner's attempts that run beside one of another's of the same test.
SELECT a.attempt_id::text AS attempt_id FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.learner_id = $2 AND a.status = 'running' AND EXISTS (
    SELECT 1 FROM assessment_attempts o
    WHERE o.organisation_id = $1 AND o.test_id = a.test_id AND o.learner_id = $3 AND o.status = 'running');

-- name: move
-- Gives a learner's attempts to another, numbered behind those that the other has of the same test.
UPDATE assessment_attempts a
SET learner_id = $3, number = a.number + coalesce((
    SELECT max(o.number) FROM assessment_attempts o
    WHERE o.organisation_id = $1 AND o.test_id = a.test_id AND o.learner_id = $3), 0)
WHERE a.organisation_id = $1 AND a.learner_id = $2;

-- name: has_attempts
-- Whether a learner has begun any test.
SELECT EXISTS (SELECT 1 FROM assessment_attempts a WHERE a.organisation_id = $1 AND a.learner_id = $2);

-- name: part
-- Gives a learner's attempts that were begun under some identities to another learner, who has none.
UPDATE assessment_attempts a SET learner_id = $3
WHERE a.organisation_id = $1 AND a.learner_id = $2 AND a.user_id = ANY ($4::text[]);

-- name: set_apart
-- Takes the numbers of learners' attempts out of the way.
UPDATE assessment_attempts a SET number = a.number + 1000000
WHERE a.organisation_id = $1 AND a.learner_id = ANY ($2::uuid[]);

-- name: number
-- Numbers learners' attempts of each test from one, in their order.
UPDATE assessment_attempts a SET number = n.number
FROM (
    SELECT o.attempt_id, row_number() OVER (PARTITION BY o.test_id, o.learner_id ORDER BY o.number) AS number
    FROM assessment_attempts o WHERE o.organisation_id = $1 AND o.learner_id = ANY ($2::uuid[])
) AS n
WHERE a.organisation_id = $1 AND a.learner_id = ANY ($2::uuid[]) AND a.attempt_id = n.attempt_id;

-- name: forget
-- Attempts of somebody, and of those who were merged into them, without what names them or was written about them.
UPDATE assessment_attempts a SET user_id = $3, remarks = NULL
WHERE a.organisation_id = $1 AND (a.learner_id = $2 OR a.learner_id IN (
    SELECT l.learner_id FROM learners l WHERE l.organisation_id = $1 AND l.merged_into = $2))
RETURNING a.attempt_id::text AS attempt_id;

-- name: forget_words
-- Answers without what was written in them or about them; what was picked stays, as do the scores.
UPDATE assessment_answers n SET answer = CASE WHEN n.answer ? 'text' OR n.answer ? 'blanks' THEN '{}' ELSE n.answer END,
    remarks = NULL
WHERE n.organisation_id = $1 AND n.attempt_id = ANY ($2::uuid[])
    AND (n.answer ? 'text' OR n.answer ? 'blanks' OR n.remarks IS NOT NULL);
