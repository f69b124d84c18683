-- name: read
-- An organisation as an issuer.
SELECT o.issuer_id::text AS issuer_id, o.name, o.issuer_profile
FROM organisations o WHERE o.organisation_id = $1;

-- name: find
-- The organisation behind an issuer's public id.
SELECT o.organisation_id::text FROM organisations o WHERE o.issuer_id = $1;

-- name: set_profile
-- What an issuer says of itself.
UPDATE organisations SET issuer_profile = $2 WHERE organisation_id = $1;

-- name: keys
-- An issuer's keys, the latest first, without their private halves.
SELECT k.key_id::text AS key_id, k.did, k.sealed, k.issued, k.created_at, k.retired_at
FROM issuer_keys k WHERE k.organisation_id = $1 ORDER BY k.key_id DESC LIMIT 1000;

-- name: add_key
-- A new current key, unless there is one.
INSERT INTO issuer_keys (organisation_id, key_id, did, private_key, sealed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: retire
-- No key is current any more.
UPDATE issuer_keys SET retired_at = now() WHERE organisation_id = $1 AND retired_at IS NULL;

-- name: take_place
-- The current key, with the next place in its status lists.
UPDATE issuer_keys SET issued = issued + 1
WHERE organisation_id = $1 AND retired_at IS NULL
RETURNING key_id::text AS key_id, did, private_key, sealed, issued - 1 AS status_index;

-- name: key
-- One key, current or retired.
SELECT k.key_id::text AS key_id, k.did, k.private_key, k.sealed, k.issued
FROM issuer_keys k WHERE k.organisation_id = $1 AND k.key_id = $2;
