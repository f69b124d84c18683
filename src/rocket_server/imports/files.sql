-- name: count
-- How many files of an organisation are kept.
SELECT count(*) FROM import_files WHERE organisation_id = $1 AND emptied_at IS NULL;

-- name: begin
-- A file that is coming in.
INSERT INTO import_files (organisation_id, file_id) VALUES ($1, $2);

-- name: end
-- A file that is all there.
UPDATE import_files SET bytes = $3, encoding = $4 WHERE organisation_id = $1 AND file_id = $2;

-- name: window
-- The pieces of a file from a piece's beginning on, in order.
SELECT content FROM import_chunks
WHERE organisation_id = $1 AND file_id = $2 AND begins_at >= $3
ORDER BY begins_at
LIMIT $4;

-- name: rejected
-- Rejected rows of a file behind a byte of it, in order.
SELECT ends_at, line, fields, reason FROM import_rejects
WHERE organisation_id = $1 AND file_id = $2 AND ends_at > $3
ORDER BY ends_at
LIMIT $4;

-- name: first_seen
-- Notes keys of a trial that weren't noted yet, and answers these.
INSERT INTO import_keys (organisation_id, file_id, dedupe_key)
SELECT $1, $2, unnest($3::bytea[])
ON CONFLICT DO NOTHING
RETURNING dedupe_key;

-- name: of_import
-- Of stored events, those that an import stored.
SELECT event_id::text FROM events
WHERE organisation_id = $1 AND event_id = ANY ($2::uuid[]) AND metadata ->> 'import_id' = $3;

-- name: due
-- The next files, behind one of them, whose content or whose rejected rows nobody needs any more; read only.
SELECT f.organisation_id::text, f.file_id::text FROM import_files f
LEFT JOIN jobs j ON j.organisation_id = f.organisation_id AND j.job_id = f.file_id
WHERE (f.organisation_id, f.file_id) > ($1::uuid, $2::uuid)
    AND CASE WHEN f.emptied_at IS NULL
        THEN j.finished_at IS NOT NULL OR (j.job_id IS NULL AND f.created_at < now() - interval '1 day')
        ELSE j.job_id IS NULL OR j.finished_at < now() - $3::interval END
ORDER BY f.organisation_id, f.file_id
LIMIT $4;

-- name: is_emptied
-- Whether a file's content is gone; its row is locked.
SELECT emptied_at IS NOT NULL FROM import_files WHERE organisation_id = $1 AND file_id = $2 FOR NO KEY UPDATE;

-- name: drop_chunks
-- Removes some pieces of a file; how many.
WITH removed AS (
    DELETE FROM import_chunks WHERE organisation_id = $1 AND file_id = $2 AND begins_at = ANY (ARRAY(
        SELECT c.begins_at FROM import_chunks c WHERE c.organisation_id = $1 AND c.file_id = $2
        ORDER BY c.begins_at LIMIT $3))
    RETURNING 1
)
SELECT count(*) FROM removed;

-- name: drop_keys
-- Removes some keys of a trial; how many.
WITH removed AS (
    DELETE FROM import_keys WHERE organisation_id = $1 AND file_id = $2 AND dedupe_key = ANY (ARRAY(
        SELECT k.dedupe_key FROM import_keys k WHERE k.organisation_id = $1 AND k.file_id = $2
        ORDER BY k.dedupe_key LIMIT $3))
    RETURNING 1
)
SELECT count(*) FROM removed;

-- name: drop_rejected
-- Removes some rejected rows of a file; how many.
WITH removed AS (
    DELETE FROM import_rejects WHERE organisation_id = $1 AND file_id = $2 AND ends_at = ANY (ARRAY(
        SELECT r.ends_at FROM import_rejects r WHERE r.organisation_id = $1 AND r.file_id = $2
        ORDER BY r.ends_at LIMIT $3))
    RETURNING 1
)
SELECT count(*) FROM removed;

-- name: emptied
-- Notes that a file's content is gone.
UPDATE import_files SET emptied_at = now() WHERE organisation_id = $1 AND file_id = $2;

-- name: forget
-- Removes what is left of a file.
DELETE FROM import_files WHERE organisation_id = $1 AND file_id = $2;
