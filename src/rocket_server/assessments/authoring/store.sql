-- name: add_test
-- A new test.
INSERT INTO assessment_tests (
    organisation_id, test_id, type, status, title, attempts, starts_at, ends_at, settings, created_by)
VALUES ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9);

-- name: write_test
-- A test as it is set now.
UPDATE assessment_tests
SET type = $3, title = $4, attempts = $5, starts_at = $6, ends_at = $7, settings = $8, updated_by = $9, updated_at = now()
WHERE organisation_id = $1 AND test_id = $2;

-- name: set_status
-- Where a test stands; the paper is kept where none is given.
UPDATE assessment_tests
SET status = $3, paper_id = coalesce($4::uuid, paper_id), updated_by = $5, updated_at = now()
WHERE organisation_id = $1 AND test_id = $2;

-- name: delete_test
-- Removes a test that nobody has taken, with all that belongs to it.
DELETE FROM assessment_tests WHERE organisation_id = $1 AND test_id = $2;

-- name: find_test
-- A test that wasn't archived, and whether its published questions can be scored without a person.
SELECT t.test_id::text AS test_id, t.type, t.status, t.title, t.attempts, t.starts_at, t.ends_at, t.settings,
    t.paper_id::text AS paper_id, t.created_by, t.created_at, t.updated_by, t.updated_at,
    (SELECT count(*) > 0 AND bool_and(q.type NOT IN ('subjective', 'essay'))
     FROM assessment_test_questions l
     JOIN assessment_questions q ON q.organisation_id = $1 AND q.question_id = l.question_id
     WHERE l.organisation_id = $1 AND l.test_id = t.test_id) AS is_objective
FROM assessment_tests t
WHERE t.organisation_id = $1 AND t.test_id = $2 AND t.status <> 'archived';

-- name: lock_test
-- A test that wasn't archived, locked.
SELECT t.test_id::text AS test_id, t.type, t.status, t.title, t.attempts, t.starts_at, t.ends_at, t.settings,
    t.paper_id::text AS paper_id, t.created_by, t.created_at, t.updated_by, t.updated_at, NULL::boolean AS is_objective
FROM assessment_tests t
WHERE t.organisation_id = $1 AND t.test_id = $2 AND t.status <> 'archived'
FOR NO KEY UPDATE;

-- name: page_tests
-- Tests, the latest first.
SELECT t.test_id::text AS test_id, t.type, t.status, t.title, t.attempts, t.starts_at, t.ends_at, t.settings,
    t.paper_id::text AS paper_id, t.created_by, t.created_at, t.updated_by, t.updated_at,
    (SELECT count(*) > 0 AND bool_and(q.type NOT IN ('subjective', 'essay'))
     FROM assessment_test_questions l
     JOIN assessment_questions q ON q.organisation_id = $1 AND q.question_id = l.question_id
     WHERE l.organisation_id = $1 AND l.test_id = t.test_id) AS is_objective
FROM assessment_tests t
WHERE t.organisation_id = $1
    AND (CASE WHEN $2::text IS NULL THEN t.status <> 'archived' ELSE t.status = $2 END)
    AND ($3::text IS NULL OR t.type = $3)
    AND ($4::text IS NULL OR position(lower($4) IN lower(t.title)) > 0)
ORDER BY t.test_id DESC
LIMIT $5 OFFSET $6;

-- name: count_tests
-- How many tests a list has.
SELECT count(*) FROM assessment_tests t
WHERE t.organisation_id = $1
    AND (CASE WHEN $2::text IS NULL THEN t.status <> 'archived' ELSE t.status = $2 END)
    AND ($3::text IS NULL OR t.type = $3)
    AND ($4::text IS NULL OR position(lower($4) IN lower(t.title)) > 0);

-- name: add_section
-- A new section of a test.
INSERT INTO assessment_sections (
    organisation_id, section_id, test_id, title, description, ordering, status, min_questions, max_questions, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: write_section
-- A section as it is set now.
UPDATE assessment_sections
SET title = $3, description = $4, ordering = $5, status = $6, min_questions = $7, max_questions = $8, updated_by = $9,
    updated_at = now()
WHERE organisation_id = $1 AND section_id = $2;

-- name: delete_section
-- Removes a section, with its rules; its questions stay in the bank.
DELETE FROM assessment_sections WHERE organisation_id = $1 AND section_id = $2;

-- name: sections
-- The sections of a test, or the one of an id, in their order.
SELECT s.section_id::text AS section_id, s.test_id::text AS test_id, s.title, s.description, s.ordering, s.status,
    s.min_questions, s.max_questions, s.created_by, s.created_at, s.updated_by, s.updated_at
FROM assessment_sections s
WHERE s.organisation_id = $1 AND ($2::uuid IS NULL OR s.test_id = $2) AND ($3::uuid IS NULL OR s.section_id = $3)
    AND s.status <> 'archived'
ORDER BY s.ordering, s.section_id;

-- name: add_links
-- Puts questions into a section of a test; answers which weren't in the test before.
INSERT INTO assessment_test_questions (
    organisation_id, test_id, question_id, test_question_id, section_id, ordering, is_compulsory, rule_id)
SELECT $1, $2, n.question_id, n.test_question_id, $3, n.ordering, n.is_compulsory, $8
FROM unnest($4::uuid[], $5::uuid[], $6::int[], $7::boolean[]) AS n (question_id, test_question_id, ordering, is_compulsory)
ON CONFLICT (organisation_id, test_id, question_id) DO NOTHING
RETURNING question_id::text AS question_id;

-- name: links
-- What stands in a test: its questions, in the order of their sections and their own.
SELECT l.test_question_id::text AS test_question_id, l.test_id::text AS test_id, l.question_id::text AS question_id,
    l.section_id::text AS section_id, l.ordering, l.is_compulsory, l.rule_id::text AS rule_id
FROM assessment_test_questions l
JOIN assessment_sections s ON s.organisation_id = $1 AND s.section_id = l.section_id
WHERE l.organisation_id = $1 AND l.test_id = $2
ORDER BY s.ordering, s.section_id, l.ordering, l.test_question_id;

-- name: remove_link
-- Takes a question out of a test.
DELETE FROM assessment_test_questions WHERE organisation_id = $1 AND test_id = $2 AND question_id = $3
RETURNING question_id;

-- name: place_sections
-- Orders sections.
UPDATE assessment_sections s SET ordering = n.ordering, updated_at = now()
FROM unnest($3::uuid[], $4::int[]) AS n (section_id, ordering)
WHERE s.organisation_id = $1 AND s.test_id = $2 AND s.section_id = ANY ($3::uuid[]) AND s.section_id = n.section_id;

-- name: place_links
-- Orders questions, and moves them between sections.
UPDATE assessment_test_questions l SET section_id = n.section_id, ordering = n.ordering
FROM unnest($3::uuid[], $4::uuid[], $5::int[]) AS n (question_id, section_id, ordering)
WHERE l.organisation_id = $1 AND l.test_id = $2 AND l.question_id = ANY ($3::uuid[]) AND l.question_id = n.question_id;

-- name: add_rule
-- A new rule.
INSERT INTO assessment_rules (
    organisation_id, rule_id, test_id, section_id, priority, is_active, content, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: write_rule
-- A rule as it is now.
UPDATE assessment_rules SET priority = $3, is_active = $4, content = $5, section_id = $6, updated_by = $7, updated_at = now()
WHERE organisation_id = $1 AND rule_id = $2;

-- name: delete_rule
-- Removes a rule, and takes the questions that were chosen for it out of its test.
DELETE FROM assessment_rules WHERE organisation_id = $1 AND rule_id = $2;

-- name: rules
-- Rules: all, a test's, or the one of an id; the most important first.
SELECT r.rule_id::text AS rule_id, r.test_id::text AS test_id, r.section_id::text AS section_id, r.priority, r.is_active,
    r.content, r.created_by, r.created_at, r.updated_by, r.updated_at
FROM assessment_rules r
WHERE r.organisation_id = $1 AND ($2::uuid IS NULL OR r.test_id = $2) AND ($3::uuid IS NULL OR r.rule_id = $3)
ORDER BY r.priority, r.rule_id
LIMIT $4;

-- name: uses
-- Tests that have a question, and whether somebody could be taking it: published ones first.
SELECT t.test_id::text AS test_id, t.status, t.paper_id::text AS paper_id
FROM assessment_test_questions l
JOIN assessment_tests t ON t.organisation_id = $1 AND t.test_id = l.test_id
WHERE l.organisation_id = $1 AND l.question_id = $2 AND t.status <> 'archived'
ORDER BY t.status = 'published' DESC, t.test_id
LIMIT $3;

-- name: add_paper
-- What is published of a test.
INSERT INTO assessment_papers (organisation_id, paper_id, test_id, number, corrects, content, created_by)
VALUES ($1, $2, $3, (
    SELECT coalesce(max(p.number), 0) + 1 FROM assessment_papers p WHERE p.organisation_id = $1 AND p.test_id = $3
), $4, $5, $6);

-- name: papers
-- Papers by id.
SELECT p.paper_id::text AS paper_id, p.test_id::text AS test_id, p.content
FROM assessment_papers p
WHERE p.organisation_id = $1 AND p.paper_id = ANY ($2::uuid[]);
