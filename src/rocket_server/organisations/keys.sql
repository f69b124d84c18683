-- name: add
-- A new key, known by its hash.
INSERT INTO api_keys (key_hash, key_id, tenant_id, organisation_id, prefix, name, scopes)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: count
-- How many keys of an organisation and its tenant work.
SELECT count(*) FROM api_keys
WHERE tenant_id = $1 AND (organisation_id = $2 OR organisation_id IS NULL) AND revoked_at IS NULL;

-- name: find
-- A key that wasn't revoked, by its hash, with the organisation it opens: its own, or, for a key of the whole
-- tenant, the one asked for. One statement, so that key and version are of the same moment.
SELECT k.key_id::text AS key_id, k.tenant_id, k.organisation_id::text AS organisation_id, k.prefix, k.scopes,
    k.name, o.organisation_id::text AS opens, o.version
FROM api_keys k
LEFT JOIN organisations o ON o.organisation_id = coalesce(k.organisation_id, $2) AND o.tenant_id = k.tenant_id
WHERE k.key_hash = $1 AND k.revoked_at IS NULL;

-- name: live
-- Which of these hashes belong to keys that weren't revoked.
SELECT key_hash FROM api_keys WHERE key_hash = ANY ($1::bytea[]) AND revoked_at IS NULL;

-- name: page
-- An organisation's keys, and its tenant's, above an id.
SELECT k.key_id::text AS key_id, k.organisation_id::text AS organisation_id, k.prefix, k.name, k.scopes,
    k.created_at, k.revoked_at
FROM api_keys k
WHERE k.tenant_id = $1 AND (k.organisation_id = $2 OR k.organisation_id IS NULL)
    AND ($3::uuid IS NULL OR k.key_id > $3)
ORDER BY k.key_id LIMIT $4;

-- name: revoke
-- Revokes a key by its id or the beginning of what is shown of it.
UPDATE api_keys SET revoked_at = now()
WHERE tenant_id = $1 AND (organisation_id = $2 OR organisation_id IS NULL) AND revoked_at IS NULL
    AND (key_id::text = $3 OR prefix = $3 OR prefix = $3 || '…')
RETURNING key_id::text AS key_id, organisation_id::text AS organisation_id, prefix, scopes, name;
