-- name: count
-- Counts a try before it is judged, so that many at once are counted too; nothing where it has to wait. From the
-- $2-th on each makes the next one wait, 15 seconds and twice as long each time, up to $3 seconds. After a day
-- without one all is forgotten.
INSERT INTO sign_in_failures AS f (counted, failures, failed_at) VALUES ($1, 1, $4)
ON CONFLICT (counted) DO UPDATE SET
    failures = CASE WHEN f.failed_at < $4 - interval '1 day' THEN 1 ELSE least(f.failures, 1000000) + 1 END,
    failed_at = $4,
    waits_until = CASE WHEN f.failed_at >= $4 - interval '1 day' AND f.failures + 1 >= $2
        THEN $4 + make_interval(secs => least($3, 15 * power(2, least(f.failures + 1 - $2, 20)))) END
WHERE f.waits_until IS NULL OR f.waits_until <= $4
RETURNING failures;

-- name: waits_until
-- Until when what is counted has to wait.
SELECT waits_until FROM sign_in_failures WHERE counted = $1;

-- name: forgive
-- Forgets what was counted.
DELETE FROM sign_in_failures WHERE counted = $1;

-- name: take_back
-- Takes back one try that was good, and the wait that it had caused.
UPDATE sign_in_failures SET failures = greatest(0, failures - 1),
    waits_until = CASE WHEN failures - 1 >= $2 THEN waits_until END
WHERE counted = $1;

-- name: tidy
-- Forgets some of what was counted long ago.
DELETE FROM sign_in_failures WHERE counted IN (
    SELECT counted FROM sign_in_failures WHERE failed_at < $1 ORDER BY failed_at LIMIT 20 FOR UPDATE SKIP LOCKED);
