-- name: sums
-- Of each question of a test, over its attempts whose result is known, the latest ones first and at most so many:
-- sums of the question's score and of the attempt's score without it, an open answer being 0.
WITH taken AS MATERIALIZED (
    SELECT a.attempt_id, a.question_ids FROM assessment_attempts a
    WHERE a.organisation_id = $1 AND a.test_id = $2 AND a.status = 'submitted' AND a.review = 'R'
    ORDER BY a.attempt_id DESC LIMIT $3
), asked AS MATERIALIZED (
    SELECT t.attempt_id, q.question_id, coalesce(n.score, 0) AS marks, coalesce(n.is_correct, false) AS is_correct,
        coalesce(n.answer ->> 'text' ~ '\S', false) AS is_written
    FROM taken t
    CROSS JOIN LATERAL unnest(t.question_ids) AS q (question_id)
    LEFT JOIN assessment_answers n
        ON n.organisation_id = $1 AND n.attempt_id = t.attempt_id AND n.question_id = q.question_id
), whole AS (
    SELECT attempt_id, sum(marks) AS total FROM asked GROUP BY attempt_id
)
SELECT asked.question_id::text AS question_id, count(*) AS count, count(*) FILTER (WHERE asked.is_written) AS written,
    count(*) FILTER (WHERE asked.is_correct) AS correct, sum(asked.marks) AS x, sum(whole.total - asked.marks) AS y,
    sum(asked.marks * asked.marks) AS xx, sum((whole.total - asked.marks) * (whole.total - asked.marks)) AS yy,
    sum(asked.marks * (whole.total - asked.marks)) AS xy
FROM asked JOIN whole ON whole.attempt_id = asked.attempt_id
GROUP BY asked.question_id;

-- name: answers
-- How often each answer was given to questions of a test in the same attempts, the most frequent ones.
WITH taken AS MATERIALIZED (
    SELECT a.attempt_id FROM assessment_attempts a
    WHERE a.organisation_id = $1 AND a.test_id = $2 AND a.status = 'submitted' AND a.review = 'R'
    ORDER BY a.attempt_id DESC LIMIT $3
)
SELECT n.question_id::text AS question_id, n.answer, count(*) AS times
FROM taken t
JOIN assessment_answers n ON n.organisation_id = $1 AND n.attempt_id = t.attempt_id
WHERE n.question_id = ANY ($4::uuid[])
GROUP BY n.question_id, n.answer
ORDER BY times DESC, n.question_id, n.answer
LIMIT $5;
