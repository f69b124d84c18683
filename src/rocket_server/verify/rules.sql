-- name: rule_versions
-- Every version of every rule.
SELECT r.version, r.definition, date_trunc('milliseconds', r.created_at) AS made_at
FROM rules r WHERE r.organisation_id = $1;

-- name: zone_changes
-- When the organisation's time zone was changed, and what it was until then; the latest first.
SELECT a.at, a.before ->> 'timezone' AS zone
FROM audit a
WHERE a.organisation_id = $1 AND a.action = 'organisation.changed' AND a.before ->> 'timezone' IS NOT NULL
ORDER BY a.audit_id DESC
LIMIT $2;
