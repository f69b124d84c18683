-- name: add_tenant
-- A tenant, unless there is one of that name.
INSERT INTO tenants (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: add_organisation
-- A new organisation.
INSERT INTO organisations (organisation_id, tenant_id, name, environment, settings) VALUES ($1, $2, $3, $4, $5);

-- name: add_own_accounts
-- The accounts that an organisation's points come from and go to.
INSERT INTO accounts (organisation_id, account_id, kind)
SELECT $1, own.account_id, own.kind FROM unnest($2::uuid[], $3::text[]) AS own (account_id, kind);

-- name: version
-- How often the organisation was changed.
SELECT version FROM organisations WHERE organisation_id = $1;

-- name: read
-- An organisation.
SELECT organisation_id::text AS organisation_id, tenant_id, name, environment, settings, version, timezone_replaced
FROM organisations WHERE organisation_id = $1;

-- name: all
-- All organisations, in the order of their making.
SELECT organisation_id::text AS organisation_id, tenant_id, name, environment, settings, version, timezone_replaced
FROM organisations ORDER BY organisation_id;

-- name: ids_after
-- The ids of the next organisations.
SELECT organisation_id::text FROM organisations WHERE organisation_id > $1 ORDER BY organisation_id LIMIT $2;

-- name: find
-- An organisation by tenant and name.
SELECT organisation_id::text FROM organisations WHERE tenant_id = $1 AND name = $2;

-- name: change
-- Changes an organisation's name, where $2 isn't null, and its settings; $4 says that the zone is chosen anew.
UPDATE organisations
SET name = coalesce($2, name), settings = $3,
    timezone_replaced = CASE WHEN NOT $4 THEN timezone_replaced END, version = version + 1
WHERE organisation_id = $1;

-- name: touch
-- Tells every process that what it remembers of the organisation is stale.
UPDATE organisations SET version = version + 1 WHERE organisation_id = $1;

-- name: touch_tenant
-- Tells every process that what it remembers of the tenant's organisations is stale.
UPDATE organisations SET version = version + 1 WHERE tenant_id = $1;

-- name: lock
-- Makes those who change an organisation's settings follow one another; those who only read don't wait.
SELECT 1 FROM organisations WHERE organisation_id = $1 FOR NO KEY UPDATE;
