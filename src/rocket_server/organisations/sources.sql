-- name: count
-- How many sources an organisation has.
SELECT count(*) FROM sources WHERE organisation_id = $1;

-- name: add
-- A new source.
INSERT INTO sources (organisation_id, source_id, kind, name, slug, staff_ids, filters, unknown_learner, mappings, allowed_cidrs)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: add_slug
-- Where the slug leads.
INSERT INTO source_slugs (slug, organisation_id, source_id) VALUES ($1, $2, $3);

-- name: change
-- Changes a source.
UPDATE sources SET staff_ids = $3, filters = $4, unknown_learner = $5, mappings = $6, allowed_cidrs = $7
WHERE organisation_id = $1 AND source_id = $2;

-- name: settle_site
-- The site that a source belongs to: the first that is named.
UPDATE sources SET site = coalesce(site, $3) WHERE organisation_id = $1 AND source_id = $2 RETURNING site;

-- name: set_site
-- The site that a source belongs to from now on; null: the next that is named.
UPDATE sources SET site = $3 WHERE organisation_id = $1 AND source_id = $2;

-- name: all
-- An organisation's sources.
SELECT s.organisation_id::text AS organisation_id, s.source_id::text AS source_id, s.kind, s.name, s.slug, s.staff_ids,
    s.filters, s.unknown_learner, s.mappings, s.allowed_cidrs, s.site, s.created_at
FROM sources s WHERE s.organisation_id = $1 ORDER BY s.source_id;

-- name: read
-- One source.
SELECT s.organisation_id::text AS organisation_id, s.source_id::text AS source_id, s.kind, s.name, s.slug, s.staff_ids,
    s.filters, s.unknown_learner, s.mappings, s.allowed_cidrs, s.site, s.created_at
FROM sources s WHERE s.organisation_id = $1 AND s.source_id = $2;

-- name: find_by_token
-- The source that a token belongs to, and the version of its organisation at the same moment.
SELECT s.organisation_id::text AS organisation_id, s.source_id::text AS source_id, s.kind, s.name, s.slug, s.staff_ids,
    s.filters, s.unknown_learner, s.mappings, s.allowed_cidrs, s.site, s.created_at, o.version
FROM source_tokens t
JOIN sources s ON s.organisation_id = t.organisation_id AND s.source_id = t.source_id
JOIN organisations o ON o.organisation_id = t.organisation_id
WHERE t.token_hash = $1 AND t.revoked_at IS NULL;

-- name: live_tokens
-- Which of these hashes belong to tokens that weren't revoked.
SELECT token_hash FROM source_tokens WHERE token_hash = ANY ($1::bytea[]) AND revoked_at IS NULL;

-- name: find_by_slug
-- The source that a slug leads to.
SELECT organisation_id::text AS organisation_id, source_id::text AS source_id FROM source_slugs WHERE slug = $1;

-- name: add_token
-- A further token for a source.
INSERT INTO source_tokens (token_hash, credential_id, organisation_id, source_id, prefix) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (token_hash) DO NOTHING RETURNING credential_id;

-- name: add_hmac_secret
-- A further HMAC secret for a source.
INSERT INTO source_hmac_secrets (organisation_id, source_id, credential_id, secret) VALUES ($1, $2, $3, $4);

-- name: hmac_secrets
-- A source's active HMAC secrets.
SELECT secret FROM source_hmac_secrets WHERE organisation_id = $1 AND source_id = $2 AND revoked_at IS NULL;

-- name: active_credentials
-- How many credentials of a source work.
SELECT (SELECT count(*) FROM source_tokens WHERE organisation_id = $1 AND source_id = $2 AND revoked_at IS NULL)
    + (SELECT count(*) FROM source_hmac_secrets
       WHERE organisation_id = $1 AND source_id = $2 AND revoked_at IS NULL);

-- name: credentials
-- A source's credentials as they may be shown, in the order of their making: those that work, and of the others
-- the latest, $3 in all.
SELECT credential_id, kind, prefix, created_at, revoked_at FROM (
    SELECT credential_id::text AS credential_id, 'token' AS kind, prefix, created_at, revoked_at
    FROM source_tokens WHERE organisation_id = $1 AND source_id = $2
    UNION ALL
    SELECT credential_id::text, 'hmac_secret', '…', created_at, revoked_at
    FROM source_hmac_secrets WHERE organisation_id = $1 AND source_id = $2
    ORDER BY revoked_at DESC NULLS FIRST, credential_id DESC
    LIMIT $3
) AS shown
ORDER BY 1;

-- name: revoke_token
-- Revokes a token of a source.
UPDATE source_tokens SET revoked_at = now()
WHERE organisation_id = $1 AND source_id = $2 AND revoked_at IS NULL AND (credential_id::text = $3 OR prefix = $3 OR prefix = $3 || '…')
RETURNING credential_id;

-- name: revoke_hmac_secret
-- Revokes an HMAC secret of a source.
UPDATE source_hmac_secrets SET revoked_at = now()
WHERE organisation_id = $1 AND source_id = $2 AND revoked_at IS NULL AND credential_id::text = $3
RETURNING credential_id;
