-- name: claim
-- Takes an idempotency key that wasn't used yet.
INSERT INTO idempotency_keys (organisation_id, key, request_hash) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING key;

-- name: find
-- What was answered under a key.
SELECT request_hash, response FROM idempotency_keys WHERE organisation_id = $1 AND key = $2;

-- name: keep
-- Keeps the answer under a key.
UPDATE idempotency_keys SET response = $3 WHERE organisation_id = $1 AND key = $2;
