-- name: papers_with
-- Papers that have a question and that somebody has taken or could take now. The order within leads to the index
-- of attempts by paper, whatever the statistics say of it.
SELECT p.paper_id::text AS paper_id, p.test_id::text AS test_id
FROM assessment_papers p
WHERE p.organisation_id = $1
    AND p.content @> jsonb_build_object('questions', jsonb_build_array(
        jsonb_build_object('question', jsonb_build_object('questionId', $2::text))))
    AND (EXISTS (
            SELECT 1 FROM assessment_tests t
            WHERE t.organisation_id = $1 AND t.test_id = p.test_id AND t.paper_id = p.paper_id)
        OR (SELECT a.attempt_id FROM assessment_attempts a
            WHERE a.organisation_id = $1 AND a.paper_id = p.paper_id ORDER BY a.attempt_id LIMIT 1) IS NOT NULL)
ORDER BY p.test_id, p.paper_id
LIMIT $3;

-- name: add
-- A correction that begins.
INSERT INTO assessment_regrades (organisation_id, regrade_id, question_id, reason, before, after, papers, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: find
-- A correction, and how far it is.
SELECT r.regrade_id::text AS regrade_id, r.question_id::text AS question_id, r.reason, r.before, r.after, r.papers, r.seen,
    r.changed, r.points, r.created_by, r.created_at, r.finished_at
FROM assessment_regrades r
WHERE r.organisation_id = $1 AND r.regrade_id = $2;

-- name: lock
-- A correction, locked: pieces of one follow one another.
SELECT r.regrade_id::text AS regrade_id, r.question_id::text AS question_id, r.reason, r.before, r.after, r.papers, r.seen,
    r.changed, r.points, r.created_by, r.created_at, r.finished_at
FROM assessment_regrades r
WHERE r.organisation_id = $1 AND r.regrade_id = $2
FOR UPDATE;

-- name: running
-- The correction of an organisation that isn't finished.
SELECT r.regrade_id::text AS regrade_id FROM assessment_regrades r
WHERE r.organisation_id = $1 AND r.finished_at IS NULL
ORDER BY r.regrade_id LIMIT 1;

-- name: due
-- Organisations with a correction that isn't finished, from behind the first parameter on.
SELECT o.organisation_id::text AS organisation_id
FROM organisations o
WHERE ($1::uuid IS NULL OR o.organisation_id > $1)
    AND EXISTS (
        SELECT 1 FROM assessment_regrades r WHERE r.organisation_id = o.organisation_id AND r.finished_at IS NULL)
ORDER BY o.organisation_id
LIMIT $2;

-- name: pending
-- Attempts that still belong to papers whose place was taken.
SELECT a.attempt_id::text AS attempt_id FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.paper_id = ANY ($2::uuid[])
ORDER BY a.attempt_id
LIMIT $3;

-- name: move
-- Locked attempts belong to other papers from now on.
UPDATE assessment_attempts a SET paper_id = n.paper_id
FROM unnest($2::uuid[], $3::uuid[]) AS n (attempt_id, paper_id)
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.attempt_id = n.attempt_id;

-- name: add_changes
-- What a correction changed, attempt by attempt.
INSERT INTO assessment_regrade_changes (
    organisation_id, regrade_id, attempt_id, score_before, score_after, result_before, result_after, points)
SELECT $1, $2, n.attempt_id, n.score_before, n.score_after, n.result_before, n.result_after, n.points
FROM unnest($3::uuid[], $4::numeric[], $5::numeric[], $6::text[], $7::text[], $8::bigint[])
    AS n (attempt_id, score_before, score_after, result_before, result_after, points);

-- name: count
-- How far a locked correction is; with the last parameter it is finished.
UPDATE assessment_regrades
SET seen = seen + $3, changed = changed + $4, points = points + $5, finished_at = CASE WHEN $6 THEN now() END
WHERE organisation_id = $1 AND regrade_id = $2;

-- name: changes
-- What a correction changed, in pages.
SELECT c.attempt_id::text AS attempt_id, a.test_id::text AS test_id, a.user_id, c.score_before, c.score_after,
    c.result_before, c.result_after, c.points
FROM assessment_regrade_changes c
JOIN assessment_attempts a ON a.organisation_id = $1 AND a.attempt_id = c.attempt_id
WHERE c.organisation_id = $1 AND c.regrade_id = $2 AND ($3::uuid IS NULL OR c.attempt_id > $3)
ORDER BY c.attempt_id
LIMIT $4;
