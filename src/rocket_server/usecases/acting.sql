-- name: claim
-- Takes an idempotency key that wasn't used yet, nor its hash.
INSERT INTO idempotency_keys (organisation_id, key, request_hash)
SELECT $1, $2, $3
WHERE NOT EXISTS (SELECT 1 FROM idempotency_keys k WHERE k.organisation_id = $1 AND k.key = $4)
ON CONFLICT DO NOTHING RETURNING key;

-- name: find
-- What was answered under a key, or under its hash.
SELECT request_hash, response FROM idempotency_keys WHERE organisation_id = $1 AND key = ANY ($2::text[]);

-- name: keep
-- Keeps the answer under a key.
UPDATE idempotency_keys SET response = $3 WHERE organisation_id = $1 AND key = $2;
