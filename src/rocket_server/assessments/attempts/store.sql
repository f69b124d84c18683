-- name: tests
-- What may be begun: tests with their papers, kept as they are until the transaction ends, so that a key isn't
-- corrected between the choice of a paper and the attempt of it.
SELECT t.test_id::text AS test_id, t.status, t.title, t.attempts, t.paper_id::text AS paper_id,
    coalesce(t.starts_at > clock_timestamp(), false) AS not_yet, coalesce(t.ends_at <= clock_timestamp(), false) AS over,
    t.ends_at
FROM assessment_tests t
WHERE t.organisation_id = $1 AND t.test_id = ANY ($2::uuid[]) AND t.status <> 'archived'
ORDER BY t.test_id
FOR SHARE;

-- name: latest
-- Of each learner and test, the attempt that runs, or else the one that was begun last. After a merge the one that
-- runs may be followed by others.
SELECT asked.number AS pair, a.attempt_id::text AS attempt_id, a.number, a.status, a.review, a.paper_id::text AS paper_id,
    coalesce(a.deadline <= clock_timestamp(), false) AS expired
FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (test_id, learner_id, number)
CROSS JOIN LATERAL (
    SELECT * FROM assessment_attempts a
    WHERE a.organisation_id = $1 AND a.test_id = asked.test_id AND a.learner_id = asked.learner_id
    ORDER BY a.status = 'running' DESC, a.number DESC LIMIT 1
) AS a;

-- name: add
-- New attempts, by the database's clock. Whose number was taken, or who has one that runs, isn't in the answer.
INSERT INTO assessment_attempts (
    organisation_id, attempt_id, test_id, paper_id, learner_id, user_id, number, status, question_ids, max_score,
    started_at, deadline)
SELECT $1, n.attempt_id, n.test_id, n.paper_id, n.learner_id, n.user_id, n.number, 'running',
    string_to_array(n.question_ids, ',')::uuid[], n.max_score, now(),
    least(now() + make_interval(mins => n.time_limit_min), n.ends_at)
FROM unnest(
    $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::int[], $8::text[], $9::numeric[], $10::int[],
    $11::timestamptz[]
) AS n (attempt_id, test_id, paper_id, learner_id, user_id, number, question_ids, max_score, time_limit_min, ends_at)
ORDER BY n.test_id, n.learner_id
ON CONFLICT DO NOTHING
RETURNING attempt_id::text AS attempt_id, started_at;

-- name: leave_gaps
-- Whether one of the attempts follows on a number that none of its learner's has: they were numbered anew meanwhile.
SELECT EXISTS (
    SELECT 1 FROM assessment_attempts a
    WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.number > 1 AND NOT EXISTS (
        SELECT 1 FROM assessment_attempts o
        WHERE o.organisation_id = $1 AND o.test_id = a.test_id AND o.learner_id = a.learner_id
            AND o.number = a.number - 1));

-- name: find
-- Attempts as they are.
SELECT a.attempt_id::text AS attempt_id, a.test_id::text AS test_id, a.paper_id::text AS paper_id,
    a.learner_id::text AS learner_id, a.user_id, a.number, a.status, a.review, a.question_ids::text[] AS question_ids,
    a.max_score, a.score, a.result, a.time_spent_s, a.started_at, a.deadline, a.submitted_at, a.submission,
    a.remarks, a.updated_by,
    coalesce(a.deadline <= clock_timestamp(), false) AS expired
FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]);

-- name: lock
-- Attempts, locked in one order for all who do this at once.
SELECT a.attempt_id::text AS attempt_id, a.test_id::text AS test_id, a.paper_id::text AS paper_id,
    a.learner_id::text AS learner_id, a.user_id, a.number, a.status, a.review, a.question_ids::text[] AS question_ids,
    a.max_score, a.score, a.result, a.time_spent_s, a.started_at, a.deadline, a.submitted_at, a.submission,
    a.remarks, a.updated_by,
    coalesce(a.deadline <= clock_timestamp(), false) AS expired
FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[])
ORDER BY a.attempt_id
FOR NO KEY UPDATE;

-- name: of_learner
-- A learner's attempts of a test, in the order in which they were begun; one that runs comes last.
SELECT a.attempt_id::text AS attempt_id, a.test_id::text AS test_id, a.paper_id::text AS paper_id,
    a.learner_id::text AS learner_id, a.user_id, a.number, a.status, a.review, a.question_ids::text[] AS question_ids,
    a.max_score, a.score, a.result, a.time_spent_s, a.started_at, a.deadline, a.submitted_at, a.submission,
    a.remarks, a.updated_by,
    coalesce(a.deadline <= clock_timestamp(), false) AS expired
FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.test_id = $2 AND a.learner_id = $3
ORDER BY a.status = 'running', a.number
LIMIT $4;

-- name: save
-- Answers of attempts that run and whose time isn't over, one after the other in the same order for all who do this
-- at once; the answers that are new or other than before, and each attempt that took any.
WITH locked AS (
    SELECT a.attempt_id FROM assessment_attempts a
    WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.status = 'running'
        AND (a.deadline IS NULL OR a.deadline > clock_timestamp())
    ORDER BY a.attempt_id
    FOR NO KEY UPDATE
), saved AS (
    INSERT INTO assessment_answers AS kept (organisation_id, attempt_id, question_id, answer, saved_at)
    SELECT $1, n.attempt_id, n.question_id, n.answer, now()
    FROM unnest($3::uuid[], $4::uuid[], $5::jsonb[]) AS n (attempt_id, question_id, answer)
    WHERE n.attempt_id IN (SELECT attempt_id FROM locked)
    ORDER BY n.attempt_id, n.question_id
    ON CONFLICT (organisation_id, attempt_id, question_id) DO UPDATE
    SET answer = excluded.answer, saved_at = excluded.saved_at
    WHERE kept.answer IS DISTINCT FROM excluded.answer
    RETURNING attempt_id, question_id
)
SELECT locked.attempt_id::text AS attempt_id,
    ARRAY (SELECT saved.question_id::text FROM saved WHERE saved.attempt_id = locked.attempt_id) AS question_ids
FROM locked;

-- name: spend
-- Adds to the time that learners say they have spent on attempts; the attempts are locked.
UPDATE assessment_attempts a SET time_spent_s = least(coalesce(a.time_spent_s, 0)::bigint + n.seconds, 2147483647)
FROM unnest($2::uuid[], $3::int[]) AS n (attempt_id, seconds)
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.attempt_id = n.attempt_id;

-- name: answers
-- The answers of attempts.
SELECT n.attempt_id::text AS attempt_id, n.question_id::text AS question_id, n.answer, n.score, n.is_correct, n.remarks,
    n.rubric, n.reviewed_by, n.reviewed_at
FROM assessment_answers n
WHERE n.organisation_id = $1 AND n.attempt_id = ANY ($2::uuid[])
ORDER BY n.attempt_id, n.saved_at, n.question_id;

-- name: write_scores
-- What locked attempts' answers are worth.
UPDATE assessment_answers a SET score = n.score, is_correct = n.is_correct
FROM unnest($2::uuid[], $3::uuid[], $4::numeric[], $5::boolean[]) AS n (attempt_id, question_id, score, is_correct)
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.attempt_id = n.attempt_id
    AND a.question_id = n.question_id;

-- name: write_reviews
-- What a person says of answers of one locked attempt; an answer that was never given is kept as an empty one.
INSERT INTO assessment_answers (
    organisation_id, attempt_id, question_id, answer, saved_at, score, is_correct, remarks, rubric, reviewed_by,
    reviewed_at)
SELECT $1, $2, n.question_id, '{}', now(), n.score, n.score > 0, n.remarks, n.rubric::jsonb, $7, now()
FROM unnest($3::uuid[], $4::numeric[], $5::text[], $6::text[]) AS n (question_id, score, remarks, rubric)
ON CONFLICT (organisation_id, attempt_id, question_id) DO UPDATE
SET score = excluded.score, is_correct = excluded.is_correct, remarks = excluded.remarks, rubric = excluded.rubric,
    reviewed_by = excluded.reviewed_by, reviewed_at = excluded.reviewed_at;

-- name: close
-- Ends locked attempts.
UPDATE assessment_attempts a
SET status = 'submitted', submitted_at = now(), submission = n.submission, review = n.review, score = n.score,
    result = n.result
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::text[])
    AS n (attempt_id, submission, review, score, result)
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.attempt_id = n.attempt_id
RETURNING a.attempt_id::text AS attempt_id, a.submitted_at;

-- name: reopen
-- Lets a locked attempt run again.
UPDATE assessment_attempts
SET status = 'running', submitted_at = NULL, submission = NULL, review = NULL, score = NULL, result = NULL
WHERE organisation_id = $1 AND attempt_id = $2;

-- name: write_results
-- New results of locked attempts that were submitted.
UPDATE assessment_attempts a
SET review = n.review, score = n.score, result = n.result, updated_by = $6, remarks = coalesce(n.remarks, a.remarks)
FROM unnest($2::uuid[], $3::text[], $4::numeric[], $5::text[], $7::text[]) AS n (attempt_id, review, score, result, remarks)
WHERE a.organisation_id = $1 AND a.attempt_id = ANY ($2::uuid[]) AND a.attempt_id = n.attempt_id;

-- name: to_review
-- Attempts that wait for a review, the oldest first.
SELECT a.attempt_id::text AS attempt_id, a.test_id::text AS test_id, a.user_id, a.submitted_at, a.review
FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.review IN ('P', 'U') AND ($2::uuid IS NULL OR a.attempt_id > $2)
ORDER BY a.attempt_id
LIMIT $3;

-- name: has_attempts
-- Whether anybody has begun a test.
SELECT EXISTS (SELECT 1 FROM assessment_attempts WHERE organisation_id = $1 AND test_id = $2);

-- name: has_running
-- Whether anybody takes a test now.
SELECT EXISTS (SELECT 1 FROM assessment_attempts WHERE organisation_id = $1 AND test_id = $2 AND status = 'running');

-- name: due
-- Organisations with attempts whose time is over, in order from behind the first parameter on.
SELECT o.organisation_id::text AS organisation_id
FROM organisations o
WHERE ($1::uuid IS NULL OR o.organisation_id > $1)
    AND EXISTS (
        SELECT 1 FROM assessment_attempts a
        WHERE a.organisation_id = o.organisation_id AND a.status = 'running' AND a.deadline IS NOT NULL
            AND a.deadline <= now())
ORDER BY o.organisation_id
LIMIT $2;

-- name: expired
-- Attempts of an organisation whose time is over and that nobody else ends now.
SELECT a.attempt_id::text AS attempt_id
FROM assessment_attempts a
WHERE a.organisation_id = $1 AND a.status = 'running' AND a.deadline IS NOT NULL AND a.deadline <= clock_timestamp()
ORDER BY a.deadline
LIMIT $2
FOR NO KEY UPDATE SKIP LOCKED;
