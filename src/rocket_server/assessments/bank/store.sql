-- name: add
-- New questions.
INSERT INTO assessment_questions (
    organisation_id, question_id, type, level, status, grading_type, marks, category_id, content, created_by)
SELECT $1, n.question_id, n.type, n.level, n.status, n.grading_type, n.marks, n.category_id, n.content, $10
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[], $9::jsonb[])
    AS n (question_id, type, level, status, grading_type, marks, category_id, content)
RETURNING question_id::text AS question_id, content, created_by, created_at, updated_by, updated_at;

-- name: write
-- A question as it is now.
UPDATE assessment_questions
SET type = $3, level = $4, status = $5, grading_type = $6, marks = $7, category_id = $8, content = $9, updated_by = $10,
    updated_at = now()
WHERE organisation_id = $1 AND question_id = $2
RETURNING question_id::text AS question_id, content, created_by, created_at, updated_by, updated_at;

-- name: find
-- Questions, archived ones included.
SELECT q.question_id::text AS question_id, q.content, q.created_by, q.created_at, q.updated_by, q.updated_at
FROM assessment_questions q
WHERE q.organisation_id = $1 AND q.question_id = ANY ($2::uuid[]);

-- name: lock
-- A question, locked.
SELECT q.question_id::text AS question_id, q.content, q.created_by, q.created_at, q.updated_by, q.updated_at
FROM assessment_questions q
WHERE q.organisation_id = $1 AND q.question_id = $2
FOR UPDATE;

-- name: page
-- Questions, the latest first.
SELECT q.question_id::text AS question_id, q.content, q.created_by, q.created_at, q.updated_by, q.updated_at
FROM assessment_questions q
WHERE q.organisation_id = $1
    AND (CASE WHEN $2::text IS NULL THEN q.status <> 'archived' ELSE q.status = $2 END)
    AND ($3::text[] IS NULL OR q.type = ANY ($3))
    AND ($4::text[] IS NULL OR q.level = ANY ($4))
    AND ($5::text[] IS NULL OR q.category_id = ANY ($5))
    AND ($6::text IS NULL OR position(lower($6) IN lower(q.content ->> 'text')) > 0)
    AND ($7::numeric IS NULL OR q.marks >= $7)
    AND ($8::numeric IS NULL OR q.marks <= $8)
ORDER BY q.question_id DESC
LIMIT $9 OFFSET $10;

-- name: uses
-- In how many tests questions stand.
SELECT l.question_id::text AS question_id, count(*) AS tests
FROM assessment_test_questions l
WHERE l.organisation_id = $1 AND l.question_id = ANY ($2::uuid[])
GROUP BY l.question_id;

-- name: count
-- How many questions a list has.
SELECT count(*) FROM assessment_questions q
WHERE q.organisation_id = $1
    AND (CASE WHEN $2::text IS NULL THEN q.status <> 'archived' ELSE q.status = $2 END)
    AND ($3::text[] IS NULL OR q.type = ANY ($3))
    AND ($4::text[] IS NULL OR q.level = ANY ($4))
    AND ($5::text[] IS NULL OR q.category_id = ANY ($5))
    AND ($6::text IS NULL OR position(lower($6) IN lower(q.content ->> 'text')) > 0)
    AND ($7::numeric IS NULL OR q.marks >= $7)
    AND ($8::numeric IS NULL OR q.marks <= $8);
