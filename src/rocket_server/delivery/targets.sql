-- name: of_organisation
-- The enabled endpoints of an organisation with the secrets that sign, the oldest first, and when the next of
-- these retires.
SELECT e.endpoint_id::text AS endpoint_id, e.kind, e.url, e.plugin_id, e.format, e.headers, e.timeout_ms,
    e.max_attempts, s.secrets, s.retires_at, o.tenant_id, o.version
FROM organisations o
JOIN endpoints e ON e.organisation_id = o.organisation_id AND e.enabled
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(k.secret ORDER BY k.created_at, k.secret_id), '{}') AS secrets,
        min(k.retires_at) AS retires_at
    FROM endpoint_secrets k
    WHERE k.organisation_id = e.organisation_id AND k.endpoint_id = e.endpoint_id
        AND (k.retires_at IS NULL OR k.retires_at > now())
) AS s
WHERE o.organisation_id = $1;
