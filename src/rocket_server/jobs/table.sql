-- name: unfinished
-- How many jobs of an organisation aren't finished.
SELECT count(*) FROM jobs WHERE organisation_id = $1 AND finished_at IS NULL;

-- name: add
-- A job that waits, unless one of its kind for the same subject isn't finished.
INSERT INTO jobs (organisation_id, job_id, kind, subject, arguments, total, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (organisation_id, kind, subject) WHERE finished_at IS NULL DO NOTHING
RETURNING organisation_id::text AS organisation_id, job_id::text AS job_id, kind, subject, arguments, status, position,
    done, total, counts, created_by, created_at, started_at, finished_at, error;

-- name: unfinished_of
-- The job of a kind for a subject that isn't finished.
SELECT job_id::text FROM jobs
WHERE organisation_id = $1 AND kind = $2 AND subject = $3 AND finished_at IS NULL;

-- name: read
-- One job.
SELECT organisation_id::text AS organisation_id, job_id::text AS job_id, kind, subject, arguments, status, position,
    done, total, counts, created_by, created_at, started_at, finished_at, error
FROM jobs WHERE organisation_id = $1 AND job_id = $2;

-- name: page
-- An organisation's jobs, the newest first, below an id; of one status or some kinds where these are named.
SELECT organisation_id::text AS organisation_id, job_id::text AS job_id, kind, subject, arguments, status, position,
    done, total, counts, created_by, created_at, started_at, finished_at, error
FROM jobs
WHERE organisation_id = $1 AND ($2::uuid IS NULL OR job_id < $2) AND ($3::text IS NULL OR status = $3)
    AND ($4::text[] IS NULL OR kind = ANY ($4))
ORDER BY job_id DESC
LIMIT $5;

-- name: cancel
-- Ends a job that isn't finished; what it has done stays.
UPDATE jobs SET status = 'cancelled', finished_at = clock_timestamp(), leased_until = NULL
WHERE organisation_id = $1 AND job_id = $2 AND finished_at IS NULL
RETURNING organisation_id::text AS organisation_id, job_id::text AS job_id, kind, subject, arguments, status, position,
    done, total, counts, created_by, created_at, started_at, finished_at, error;

-- name: due
-- The next jobs of all organisations, behind one of them, that nobody holds; read only.
SELECT organisation_id::text AS organisation_id, job_id::text AS job_id FROM jobs
WHERE finished_at IS NULL AND kind = ANY ($1::text[]) AND (leased_until IS NULL OR leased_until <= now())
    AND (organisation_id, job_id) > ($2::uuid, $3::uuid)
ORDER BY organisation_id, job_id
LIMIT $4;

-- name: claim
-- Takes a job that nobody holds under a lease, with the next number of its attempts.
UPDATE jobs j
SET status = 'running', attempt = j.attempt + 1, leased_until = clock_timestamp() + $3::interval,
    started_at = coalesce(j.started_at, clock_timestamp())
WHERE j.organisation_id = $1 AND j.job_id = ANY (ARRAY(
        SELECT c.job_id FROM jobs c
        WHERE c.organisation_id = $1 AND c.job_id = $2 AND c.finished_at IS NULL
            AND (c.leased_until IS NULL OR c.leased_until <= clock_timestamp())
        FOR NO KEY UPDATE SKIP LOCKED))
RETURNING organisation_id::text AS organisation_id, job_id::text AS job_id, kind, subject, arguments, status, position,
    done, total, counts, created_by, created_at, started_at, finished_at, error, attempt;

-- name: hold
-- The row of a job that is still held by a claim, locked.
SELECT 1 FROM jobs
WHERE organisation_id = $1 AND job_id = $2 AND attempt = $3 AND finished_at IS NULL
FOR NO KEY UPDATE;

-- name: advance
-- What a piece did, and where the next one begins. The lease goes on; it ends with the last piece.
UPDATE jobs
SET position = $4, done = $5, counts = $6, failures = 0, error = NULL,
    leased_until = CASE WHEN NOT $7 THEN clock_timestamp() + $8::interval END,
    status = CASE WHEN $7 THEN 'done' ELSE 'running' END,
    finished_at = CASE WHEN $7 THEN clock_timestamp() END
WHERE organisation_id = $1 AND job_id = $2 AND attempt = $3 AND finished_at IS NULL
RETURNING 1;

-- name: give_back
-- Ends a lease.
UPDATE jobs SET leased_until = NULL
WHERE organisation_id = $1 AND job_id = $2 AND attempt = $3 AND finished_at IS NULL;

-- name: failed
-- A piece failed: the job waits, longer with each time in a row, or is given up.
UPDATE jobs
SET error = $4, failures = failures + 1,
    leased_until = CASE WHEN $5 OR failures + 1 >= $6 THEN NULL
        ELSE clock_timestamp() + least(interval '2 seconds' * 2 ^ failures, interval '10 minutes') END,
    status = CASE WHEN $5 OR failures + 1 >= $6 THEN 'failed' ELSE status END,
    finished_at = CASE WHEN $5 OR failures + 1 >= $6 THEN clock_timestamp() END
WHERE organisation_id = $1 AND job_id = $2 AND attempt = $3 AND finished_at IS NULL
RETURNING status;

-- name: trim
-- Removes up to $3 jobs that were finished before a time.
WITH removed AS (
    DELETE FROM jobs WHERE organisation_id = $1 AND job_id = ANY (ARRAY(
        SELECT o.job_id FROM jobs o WHERE o.organisation_id = $1 AND o.finished_at < $2 ORDER BY o.job_id LIMIT $3))
    RETURNING 1
)
SELECT count(*) FROM removed;
